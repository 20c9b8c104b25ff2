"""Files that the engine would take for others: of one path, size and age, and of other content."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.placements import Placement
from tests.s3_server import s3_server

STATEMENTS = (
    "SELECT min(id) AS v FROM {}.t",
    "SELECT count(*) AS v FROM {}.t WHERE id >= 1000000",
    "SELECT max(id) AS v FROM {}.t WHERE id < 500",
)
LOW, HIGH = [0, 0, 499], [1_000_000, 1_000, None]
"""What the statements give over `_file(0)` and `_file(1_000_000)`."""


def _file(first: int) -> bytes:
    """A thousand numbers; each file is as large as any other."""
    sink = io.BytesIO()
    table = pa.table({"id": pa.array(range(first, first + 1000), pa.int64())})
    pq.write_table(table, sink, compression="none", use_dictionary=False)
    return sink.getvalue()


def _answers(placement: Placement, source: str) -> list[object]:
    found = (placement.query(sql.format(source)).to_pylist() for sql in STATEMENTS)
    return [rows[0]["v"] for rows in found]


def test_a_file_that_took_anothers_place_and_age(tmp_path: Path) -> None:
    path, other = tmp_path / "t.parquet", tmp_path / ".new"
    path.write_bytes(_file(0))
    sources = {"lake": {"connector": "files", "root": str(tmp_path)}}
    with Placement.of_sources(sources) as placement:
        for first, want in ((0, LOW), (1_000_000, HIGH), (0, LOW)):
            before = path.stat()
            other.write_bytes(_file(first))
            os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
            other.rename(path)
            assert _answers(placement, "lake") == want


def test_files_of_one_path_in_two_buckets() -> None:
    with s3_server("one", "two") as server:
        system = server.filesystem()
        sources = {}
        for bucket, first in (("one", 0), ("two", 1_000_000)):
            system.pipe_file(f"{bucket}/t.parquet", _file(first))
            sources[bucket] = {
                "connector": "files",
                "root": f"s3://{bucket}",
                "storage_options": server.storage_options,
            }
        with Placement.of_sources(sources) as placement:
            for _ in range(2):
                assert _answers(placement, "one") == LOW
                assert _answers(placement, "two") == HIGH
            both = placement.query("SELECT count(*) AS n FROM one.t JOIN two.t u ON t.id = u.id")
            assert both.to_pylist() == [{"n": 0}]
