"""Avro files as tables, written by another implementation; folders of them; broken ones."""

from __future__ import annotations

import bz2
import datetime
import errno
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from connectors.contract import TableName
from connectors.errors import SourceRejectedError, SourceUnavailableError, UnknownNameError
from connectors.files import avro, avro_blocks, create
from connectors.files.inference import SampleError
from tests.connectors.test_faults import SOURCE, lake
from tests.placements import Placement

MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456, datetime.UTC)
MILLIS = MOMENT.replace(microsecond=123000)
ROWS = 20_000

Fields = list[tuple[str, Any]]

# Avro's type, a value of it, and what is declared and read.
TYPES: dict[str, tuple[Any, Any, str, Any]] = {
    "boolean": ("boolean", True, "bool", True),
    "int": ("int", -(2**31), "int32", -(2**31)),
    "long": ("long", 2**63 - 1, "int64", 2**63 - 1),
    "float": ("float", 1.5, "float", 1.5),
    "double": ("double", -0.1, "double", -0.1),
    "string": ("string", "é\u2028\0", "string", "é\u2028\0"),
    "bytes": ("bytes", b"\0\xff", "binary", b"\0\xff"),
    "fixed": ({"type": "fixed", "name": "F", "size": 2}, b"ab", "fixed_size_binary[2]", b"ab"),
    "enum": ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "string", "B"),
    "array": (
        {"type": "array", "items": ["null", "int"]},
        [1, None],
        "list<item: int32>",
        [1, None],
    ),
    "record": (
        {"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", "string"]}]},
        {"x": "y"},
        "struct<x: string>",
        {"x": "y"},
    ),
    "decimal": (
        {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2},
        Decimal("-123456789012345678.90"),
        "decimal128(20, 2)",
        Decimal("-123456789012345678.90"),
    ),
    "fixed decimal": (
        {"type": "fixed", "name": "D", "size": 8, "logicalType": "decimal", "precision": 9},
        Decimal(-7),
        "decimal128(9, 0)",
        Decimal(-7),
    ),
    "date": (
        {"type": "int", "logicalType": "date"},
        datetime.date(1582, 10, 4),
        "date32[day]",
        datetime.date(1582, 10, 4),
    ),
    "time-millis": (
        {"type": "int", "logicalType": "time-millis"},
        MILLIS.time(),
        "time32[ms]",
        MILLIS.time(),
    ),
    "time-micros": (
        {"type": "long", "logicalType": "time-micros"},
        MOMENT.time(),
        "time64[us]",
        MOMENT.time(),
    ),
    "timestamp-millis": (
        {"type": "long", "logicalType": "timestamp-millis"},
        MILLIS,
        "timestamp[ms, tz=UTC]",
        MILLIS,
    ),
    "timestamp-micros": (
        {"type": "long", "logicalType": "timestamp-micros"},
        MOMENT,
        "timestamp[us, tz=UTC]",
        MOMENT,
    ),
    "local-timestamp-micros": (
        {"type": "long", "logicalType": "local-timestamp-micros"},
        MOMENT.replace(tzinfo=None),
        "timestamp[us]",
        MOMENT.replace(tzinfo=None),
    ),
}


def write(path: Path, fields: Fields, rows: Iterable[dict[str, Any]], codec: str = "null") -> None:
    schema = {
        "type": "record",
        "name": "row",
        "fields": [{"name": name, "type": type_} for name, type_ in fields],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec=codec)


def numbers(path: Path) -> None:
    """As the broken files of other formats: ROWS rows."""
    rows = ({"i": i, "s": f"row {i}"} for i in range(ROWS))
    write(path, [("i", "long"), ("s", ["null", "string"])], rows)


def opened(root: Path, **options: object) -> Any:
    return Placement.of_sources({SOURCE: {"connector": "files", "root": str(root), **options}})


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_every_type_is_read_as_it_was_written(codec: str, tmp_path: Path) -> None:
    fields: Fields = [("whole", "int")]
    fields += [(name, ["null", type_]) for name, (type_, *_) in TYPES.items()]
    values = {"whole": 1, **{name: value for name, (_, value, *_) in TYPES.items()}}
    nulls = {"whole": 2, **dict.fromkeys(TYPES)}
    write(tmp_path / "t.avro", fields, [values, nulls], codec)
    with opened(tmp_path) as placement:
        answer = placement.query("SELECT * FROM t ORDER BY whole")
        told = {f.name: str(f.type) for f in answer.schema}
        assert told == {
            "whole": "int32",
            **{n: declared for n, (_, _, declared, _) in TYPES.items()},
        }
        assert answer.to_pylist() == [
            {"whole": 1, **{name: read for name, (*_, read) in TYPES.items()}},
            nulls,
        ]


def test_rows_are_filtered_counted_and_joined(tmp_path: Path) -> None:
    numbers(tmp_path / "t.avro")
    with opened(tmp_path) as placement:
        asked = "SELECT count(*) AS n, sum(i) AS s, max(s) AS m FROM t"
        total = {"n": ROWS, "s": ROWS * (ROWS - 1) // 2, "m": "row 9999"}
        assert placement.query(asked).to_pylist() == [total]
        joined = "SELECT count(*) AS n FROM t a JOIN t b ON a.i = b.i + 1 WHERE a.s LIKE '%7'"
        assert placement.query(joined).to_pylist() == [{"n": ROWS // 10}]


def test_a_folder_is_a_table_as_wide_as_its_files(tmp_path: Path) -> None:
    write(tmp_path / "t/year=2024/a.avro", [("a", "int"), ("b", "string")], [{"a": 1, "b": "x"}])
    write(
        tmp_path / "t/year=2025/b.avro",
        [("b", ["null", "string"]), ("a", "long"), ("c", ["null", "double"])],
        [{"b": None, "a": 2**40, "c": 0.5}],
    )
    with opened(tmp_path) as placement:
        answer = placement.query("SELECT * FROM t ORDER BY a")
        assert answer.to_pylist() == [
            {"a": 1, "b": "x", "c": None, "year": 2024},
            {"a": 2**40, "b": None, "c": 0.5, "year": 2025},
        ]
        assert placement.query("SELECT a FROM t WHERE year = 2025").to_pylist() == [{"a": 2**40}]


def test_a_pattern_leaves_out_what_it_does_not_match(tmp_path: Path) -> None:
    for number, name in enumerate(["k=1/part-a.avro", "k=2/part-b.avro", "k=2/other.avro"]):
        write(tmp_path / "d" / name, [("a", "int")], [{"a": number}])
    with opened(tmp_path, tables={"t": "d/k=*/part-*.avro"}) as placement:
        answer = placement.query("SELECT * FROM t ORDER BY a")
        assert answer.to_pylist() == [{"a": 0, "k": 1}, {"a": 1, "k": 2}]
        assert placement.query("SELECT count(*) AS n FROM t WHERE k = 2").to_pylist() == [{"n": 1}]


def test_files_without_rows_and_changed_files(tmp_path: Path) -> None:
    write(tmp_path / "t.avro", [("a", "int")], [])
    with opened(tmp_path) as placement:
        assert placement.query("SELECT count(*) AS n FROM t").to_pylist() == [{"n": 0}]
        write(tmp_path / "t.avro", [("b", "string")], [{"b": "x"}])
        assert placement.query("SELECT b FROM t").to_pylist() == [{"b": "x"}]
        with pytest.raises(UnknownNameError):
            placement.query("SELECT a FROM t")


def test_rows_are_estimated_by_the_first_block(tmp_path: Path) -> None:
    numbers(tmp_path / "t.avro")
    told = create(SOURCE, {"root": str(tmp_path)}).statistics(TableName("main", "t"))
    assert told.rows == pytest.approx(ROWS, rel=0.2)
    assert told.size_bytes == (tmp_path / "t.avro").stat().st_size


def _cut(path: Path) -> None:
    numbers(path)
    os.truncate(path, path.stat().st_size // 2)


def _spoilt(path: Path) -> None:
    numbers(path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = b"\xff" * 64
    path.write_bytes(data)


def _header_only(path: Path) -> None:
    numbers(path)
    os.truncate(path, 40)


def _of_two(path: Path) -> None:
    write(path, [("i", ["int", "string"]), ("s", "string")], [{"i": 1, "s": "x"}])


def _of_itself(path: Path) -> None:
    schema = {"type": "record", "name": "n", "fields": [{"name": "i", "type": ["null", "n"]}]}
    with path.open("wb") as file:
        fastavro.writer(file, schema, [{"i": {"i": None}}])


def _of_nothing(path: Path) -> None:
    write(path, [("i", "null"), ("s", "null")], [{"i": None, "s": None}] * 5, "deflate")


def _number(value: int) -> bytes:
    folded, written = (value << 1) ^ (value >> 63), bytearray()
    while folded > 0x7F:
        written.append(folded & 0x7F | 0x80)
        folded >>= 7
    return bytes([*written, folded])


def _block_of(
    rows: int, size: int | None = None, mark: bytes | None = None, after: int = 1
) -> Callable[[Path], None]:
    """A file with a block that says of itself that it has so many rows, in so many bytes."""

    def make(path: Path) -> None:
        write(path, [("i", "long"), ("s", "string")], [])
        header, block = path.read_bytes(), b"\x02\x02x" * 100
        good = _number(100) + _number(len(block)) + block + header[-16:]
        told = len(block) if size is None else size
        bad = _number(rows) + _number(told) + block + (mark or header[-16:])
        path.write_bytes(header + good * after + bad + good)

    return make


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut off": (_cut, "cut off"),
    "spoilt in the middle": (_spoilt, "not the 1143 rows it counts"),
    "cut off in its header": (_header_only, "ends in its header"),
    "not Avro": (lambda p: p.write_bytes(b"PAR1 and more"), "not an Avro file"),
    "empty": (Path.touch, "not an Avro file"),
    "a header without end": (
        lambda p: p.write_bytes(b"Obj\x01" + b"\xff" * 40),
        "not an Avro file: a number",
    ),
    "a union of two types": (_of_two, "column 'i' is a union of several types"),
    "a record in itself": (_of_itself, "resolve"),
    "bytes without rows": (_block_of(0), "a block of 0 rows in 300 bytes"),
    "bytes without rows, at first": (_block_of(0, after=0), "a block of 0 rows in 300 bytes"),
    "fewer than no rows": (_block_of(-100), "a block of -100 rows"),
    "less than no bytes": (_block_of(5, -18, after=0), "a block of 5 rows in -18 bytes"),
    "a size that leads elsewhere": (_block_of(100, 299), "does not end with its sync mark"),
    "a size beyond the end": (_block_of(100, 1 << 40), "does not end with its sync mark"),
    "rows without bytes": (_block_of(5, 0), "a block of 5 rows in 0 bytes"),
    "nothing but null": (_of_nothing, "nothing but null"),
    "a row less than it has": (_block_of(99), "not the 99 rows it counts"),
    "a row less than it has, at first": (_block_of(99, after=0), "not the 99 rows it counts"),
    "a row less than it has, at last": (_block_of(99, after=3), "not the 99 rows it counts"),
    "a row more than it has": (_block_of(101), "not the 101 rows it counts"),
    "another mark": (_block_of(100, mark=b"x" * 16), "does not end with its sync mark"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_file_that_is_broken_is_named_with_the_cause(fault: str, tmp_path: Path) -> None:
    make, cause = BROKEN[fault]
    make(tmp_path / "t.avro")
    with opened(tmp_path) as placement, pytest.raises(SourceRejectedError, match=cause) as said:
        placement.query("SELECT sum(i) AS n, max(s) AS s FROM t")
    assert said.value.source == SOURCE
    assert "t.avro" in said.value.message or "main.t" in said.value.message


def test_of_many_files_the_one_with_a_row_too_many_is_named(tmp_path: Path) -> None:
    for number in range(3):
        _block_of(99 if number == 1 else 100)(_made(tmp_path / f"t/{number}.avro"))
    with opened(tmp_path) as placement, pytest.raises(SourceRejectedError, match=r"t/1\.avro"):
        placement.query("SELECT count(*) AS n FROM t")


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_rows_of_every_type_and_packing_are_looked_into(tmp_path: Path) -> None:
    fields: Fields = [(name.replace("-", "_"), type_) for name, (type_, *_) in TYPES.items()]
    values = {name.replace("-", "_"): value for name, (_, value, *_) in TYPES.items()}
    write(tmp_path / "t.avro", fields, [values] * 5)
    with (tmp_path / "t.avro").open("rb") as file:
        source = pa.PythonFile(file)
        head = avro._head(source, near=True)
        (rows,) = avro_blocks.unpacked(source, head.blocks, b"null", 0)
    assert rows.rows == 5
    packed = {
        b"zstandard": pa.compress(rows.data, "zstd", asbytes=True),
        b"snappy": pa.compress(rows.data, "snappy", asbytes=True) + b"sum.",
        b"bzip2": bz2.compress(rows.data),
        b"xz": lzma.compress(rows.data),
        b"deflate": zlib.compress(rows.data, wbits=-15),
    }
    for codec, data in packed.items():
        place = (5, 0, len(data))
        (again,) = avro_blocks.unpacked(pa.BufferReader(data), [place], codec, 0)
        assert again == rows
        with pytest.raises(SampleError, match="unpacked"):
            list(avro_blocks.unpacked(pa.BufferReader(b"\0" + data), [place], codec, 0))
    assert avro_blocks.unlike(head.schema, [rows]) is None
    less = replace(rows, rows=4)
    assert avro_blocks.unlike(head.schema, [rows, rows, less, rows]) is less


def test_no_block_is_blamed_for_what_fails_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields: Fields = [("blamed", "long")]
    for name in ("before", "t", "u"):
        write(tmp_path / f"{name}.avro", fields, [{"blamed": 1}])
    with opened(tmp_path) as placement:
        assert placement.query("SELECT blamed FROM before").num_rows == 1
        with monkeypatch.context() as patched:
            patched.setattr(avro_blocks, "_finds", lambda *_: False)
            with pytest.raises(SourceUnavailableError, match="reader of Avro failed"):
                placement.query("SELECT blamed FROM t")
        with monkeypatch.context() as patched:

            def full(**_: object) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            patched.setattr(tempfile, "NamedTemporaryFile", full)
            with pytest.raises(SourceUnavailableError, match="No space left"):
                placement.query("SELECT blamed FROM u")


def test_far_files_are_refused_by_what_is_read_of_them(tmp_path: Path) -> None:
    """All blocks of a small one, and the first of another."""
    for name, rows, after in (("small", 0, 1), ("large", -5, 0)):
        path = tmp_path / f"{name}.avro"
        _block_of(rows, after=after)(path)
        if name == "large":
            data = path.read_bytes()
            path.write_bytes(data + bytes(avro.HEAD_BYTES[0]) + data[-16:])
        with path.open("rb") as file, pytest.raises(SampleError, match=f"a block of {rows} rows"):
            avro._head(pa.PythonFile(file), near=False)


def test_a_header_may_be_longer_than_what_is_read_at_first(tmp_path: Path) -> None:
    name = "c" * (avro.HEAD_BYTES[0] + 1)
    write(tmp_path / "t.avro", [(name, "int"), ("a", "int")], [{name: 1, "a": 2}])
    with opened(tmp_path) as placement:
        assert placement.query("SELECT a FROM t").to_pylist() == [{"a": 2}]


def test_where_the_engine_does_not_read_it_is_refused_and_says_so(tmp_path: Path) -> None:
    numbers(tmp_path / "t.avro")
    with (
        lake(tmp_path, "arrow") as placement,
        pytest.raises(SourceRejectedError, match=r"'t\.avro'.*only the engine.*'memory'") as said,
    ):
        placement.query("SELECT i FROM t")
    assert said.value.source == SOURCE
    assert said.value.hint
