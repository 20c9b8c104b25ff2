"""What the engine looks at instead of files that are far: right, or not there at all."""

from __future__ import annotations

import io
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.files.listing import DataFile
from connectors.files.outlines import Outlines

MOMENT = "2026-03-01 10:20:30+00:00"


def _written(rows: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"i": range(rows)}), sink)
    return sink.getvalue()


def _end(data: bytes) -> bytes:
    return data[-8 - int.from_bytes(data[-8:-4], "little") :]


def _kept(outlines: Outlines, path: str, rows: int = 1_000) -> DataFile:
    data = _written(rows)
    file = DataFile(path, len(data), f"tag-{rows}", MOMENT)
    outlines.keep(file, _end(data))
    return file


def _within(path: str) -> str:
    return path.partition("/")[2]


def test_an_outline_has_sizes_ages_and_footers() -> None:
    outlines = Outlines(_within)
    files = [_kept(outlines, f"lake/t/year={year}/a.parquet", year) for year in (2024, 2025)]
    with outlines.drawn("t", files) as folder:
        assert folder is not None
        for file in files:
            drawn = folder / _within(file.path)
            assert drawn.stat().st_size == file.size_bytes
            assert drawn.stat().st_mtime == 1772360430
        assert pq.read_metadata(folder / "t/year=2025/a.parquet").num_rows == 2025
    outlines.close()
    assert not folder.exists()


def test_what_changed_is_drawn_anew_and_what_is_gone_goes() -> None:
    outlines = Outlines(_within)
    one, other = (_kept(outlines, f"lake/t/{name}.parquet") for name in "ab")
    with outlines.drawn("t", [one, other]):
        pass
    changed = _kept(outlines, one.path, 7)
    with outlines.drawn("t", [changed]) as folder:
        assert folder is not None
        assert [path.name for path in (folder / "t").iterdir()] == ["a.parquet"]
        assert pq.read_metadata(folder / "t/a.parquet").num_rows == 7
    outlines.close()


def test_there_is_none_where_it_could_be_wrong() -> None:
    outlines = Outlines(_within)
    whole = _kept(outlines, "lake/t/a.parquet")
    # An end of another version, of a file that was never looked into, names that differ by system.
    for wrong in (
        replace(whole, version="another"),
        replace(whole, path="lake/t/b.parquet"),
        _kept(outlines, "lake/t/../a.parquet"),
        _kept(outlines, "lake/t//a.parquet"),
        _kept(outlines, "lake/t/a%20b.parquet"),
        replace(_kept(outlines, "lake/t/c.parquet"), modified="a while ago"),
    ):
        with outlines.drawn("t", [whole, wrong]) as folder:
            assert folder is None
        whole = _kept(outlines, "lake/t/a.parquet")
    outlines.close()


def test_names_that_this_disk_takes_for_one() -> None:
    outlines = Outlines(lambda _path: "t/a.parquet")
    files = [_kept(outlines, f"lake/t/{name}.parquet") for name in "aA"]
    with outlines.drawn("t", files) as folder:
        assert folder is None
    outlines.close()
