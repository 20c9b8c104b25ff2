"""What the engine looks at instead of files that are far: right, or not there at all."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.files import outlines as drawing
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


def test_an_end_that_can_never_be_drawn_is_not_kept() -> None:
    outlines = Outlines(_within)
    told_by_the_web = DataFile("h/t.parquet", 1_000, "tag", "Thu, 01 Jan 2026 00:00:00 GMT")
    for file in (told_by_the_web, replace(told_by_the_web, path="h/a%20b", modified=MOMENT)):
        outlines.keep(file, b"x" * 500)
    assert not outlines._waiting
    assert outlines._waiting_bytes == 0


def test_outlines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "DRAWN_BYTES", 3 * 4096)
    outlines = Outlines(_within)
    files = {name: _kept(outlines, f"lake/{name}/a.parquet") for name in "abcd"}
    for name in "abcad":
        with outlines.drawn(name, [files[name]]) as folder:
            assert folder is not None
    # The one that was least lately drawn is gone, and so is what it took.
    assert sorted(outlines._drawn) == ["a", "c", "d"]
    assert outlines._folder is not None
    assert len(list(outlines._folder.glob("*/*/a.parquet"))) == 3
    outlines.close()


def test_nothing_is_left_of_a_table_that_is_gone() -> None:
    outlines = Outlines(_within)
    files = [_kept(outlines, f"lake/t/{name}.parquet") for name in "ab"]
    with outlines.drawn("t", files[:1]) as folder:
        assert folder is not None
    outlines.forget("t", files)
    outlines.forget("t", files)
    assert not folder.exists()
    assert not outlines._waiting
    assert not outlines._drawn_bytes
    outlines.close()


_DRAWS = """
import sys
from connectors.files.listing import DataFile
from connectors.files.outlines import Outlines
outlines = Outlines(lambda path: path.partition("/")[2])
file = DataFile("lake/t/a.parquet", 1_000, "v", "2026-03-01 10:20:30+00:00")
outlines.keep(file, b"x" * 500)
with outlines.drawn("t", [file]) as folder:
    print(folder.parent, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_left_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ours = Outlines(_within)
    with ours.drawn("t", [_kept(ours, "lake/t/a.parquet")]) as folder:
        assert folder is not None
    with subprocess.Popen(
        [sys.executable, "-c", _DRAWS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(drawing.__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert left.parent == tmp_path
        process.send_signal(signal.SIGKILL)
    assert left.exists()
    others = Outlines(_within)
    with others.drawn("t", [_kept(others, "lake/t/a.parquet")]):
        assert not left.exists()
        assert folder.exists()  # Of a process that lives.
    others.close()
    ours.close()
    assert not list(tmp_path.iterdir())
