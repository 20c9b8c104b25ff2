"""What a Parquet lake on S3 is asked by one query after another: requests are counted, not timed.

Owns the lake, the queries and their order. The server is moto: right in its answers, not quick.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import peers
from benchmarks.report import Comparison, Measured
from tests.s3_server import S3Server, s3_server

FILE_ROWS, GROUP_ROWS = 1_000, 250

PREFIX = "lake/all/events"

FIRST = "the first query, one row group"


@dataclass(frozen=True, slots=True)
class Step:
    """A query, and what happens before it."""

    title: str
    sql: str
    rewrites: int | None = None


def measure(files: int, say: Callable[[str], None]) -> list[Comparison]:
    """Count the requests of each query, over a table of so many files in the order of its key."""
    middle = files // 2 * FILE_ROWS
    narrow = f"SELECT sum(v) FROM events WHERE id BETWEEN {middle + 10} AND {middle + 20}"
    wide = f"SELECT sum(v) FROM events WHERE id BETWEEN {middle + 600} AND {middle + 2_100}"
    steps = (
        Step(FIRST, narrow),
        Step("the same again", narrow),
        Step("seven other row groups, in three files", wide),
        Step("the same, in other words", wide.replace("sum(v)", "max(v)")),
        Step("after one of these files was written anew", wide, rewrites=files // 2 + 1),
        Step("the same again, after that", wide),
    )
    with s3_server("lake") as server:
        say(f"writing {files:,} files")
        system = server.filesystem()
        system.pipe({_path(number): _file(number) for number in range(files)})
        source = {
            "connector": "files",
            "root": "s3://lake/all",
            "storage_options": server.storage_options,
        }
        with peers.crosswind_over({"lake": source}) as peer:
            measured = []
            for step in steps:
                say(step.title)
                if step.rewrites is not None:
                    system.pipe_file(_path(step.rewrites), _file(step.rewrites, scale=3))
                measured.append(_counted(step, server, peer.url))
    return [
        Comparison(
            title=f"{files:,} Parquet files of {FILE_ROWS // GROUP_ROWS} row groups on S3",
            unit="requests",
            more_is_better=False,
            baseline=FIRST,
            measured=measured,
        )
    ]


def _counted(step: Step, server: S3Server, url: str) -> Measured:
    before = len(server.requests())
    with flightsql.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(step.sql)
        cursor.fetchall()
    requests = server.requests()[before:]
    of_files = sum(".parquet" in request for request in requests)
    note = f"{len(requests) - of_files} pages of listings, {of_files:,} footers and row groups"
    return Measured(step.title, [float(len(requests))], note)


def _path(number: int) -> str:
    return f"{PREFIX}/part-{number:05}.parquet"


def _file(number: int, scale: int = 1) -> bytes:
    """Rows in the order of `id`."""
    ids = range(number * FILE_ROWS, (number + 1) * FILE_ROWS)
    table = pa.table({"id": ids, "v": [scale * i % 1_009 for i in ids]})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=GROUP_ROWS)
    return sink.getvalue()
