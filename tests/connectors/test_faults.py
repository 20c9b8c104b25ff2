"""What goes wrong at sources, from real ones: a table changes, a file breaks, a pool is full.

Each fails the query with an error that names source, table and cause, leaves nothing behind, and
the source answers again when it can. Servers that refuse, die or are silent: the conformance kit
asks every connector for these, and the tests of each connector have what is its own.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.contract import Ingest, TableName
from connectors.errors import (
    CrosswindError,
    QueueFullError,
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceUnavailableError,
    UnknownNameError,
)
from connectors.files import faults, replaced
from connectors.memory import create as create_memory
from execution.engine import EngineSettings
from planner.catalog import Source
from planner.plan import Plan
from tests.connectors.far import threads
from tests.connectors.foreign_server import foreign_server
from tests.execution.waiting import eventually
from tests.placements import Placement
from tests.postgres_server import PostgresServer
from tests.s3_server import S3Server, s3_server

SOURCE, TABLE = "place", "moving"

PLANNED = pa.table({"a": [1, 2], "b": ["x", "y"]})
WIDER = PLANNED.append_column("z", [[7, 8]])
NARROWER = PLANNED.select(["b"])
RETYPED = pa.table({"a": ["1", "2"], "b": ["x", "y"]})


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread, no open file and no connection."""
    before, opened = threads(), _opened()
    yield
    eventually(lambda: threads() <= before)
    eventually(lambda: _opened() <= opened)


def _opened() -> Counter[str]:
    """What this process has open, but for what the libraries' own threads wait with."""
    found: Counter[str] = Counter()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            target = str(descriptor.readlink())
            kind = target.partition(":")[0]
            if kind not in ("anon_inode", "pipe") and not target.startswith(("/sys", "/proc")):
                found[kind] += 1
    return found


# --- a table that changes between plan and run ---


@dataclass(frozen=True)
class Place:
    """Where the table is: a placement over it, and how others change it (None: it is dropped)."""

    placement: Placement
    put: Callable[[pa.Table | None], object]

    def refresh(self) -> None:
        """What a server does when a run finds that something has changed."""
        self.placement.catalog.sources[SOURCE].connector.tables().refresh()

    def plan(self, sql: str) -> Plan:
        """As the first statement ever."""
        self.refresh()
        return self.placement.plan(sql)


def _statements(table: pa.Table | None) -> list[str]:
    """What makes the table in a database, in words that each of them knows."""
    dropped = [f"DROP TABLE IF EXISTS {TABLE}"]
    if table is None:
        return dropped
    names = {pa.int64(): "bigint", pa.string(): "text"}
    columns = ", ".join(f"{f.name} {names[f.type]}" for f in table.schema)
    rows = (", ".join(map(repr, row.values())) for row in table.to_pylist())
    values = ", ".join(f"({row})" for row in rows)
    return [
        *dropped,
        f"CREATE TABLE {TABLE} ({columns})",
        f"INSERT INTO {TABLE} VALUES {values}",
    ]


@contextmanager
def _configured(
    options: dict[str, object], put: Callable[[pa.Table | None], object]
) -> Iterator[Place]:
    put(PLANNED)
    with Placement.of_sources({SOURCE: options}) as placement:
        yield Place(placement, put)


@contextmanager
def _postgres(server: PostgresServer, folder: Path) -> Iterator[Place]:
    with server.database(TABLE) as uri:
        options: dict[str, object] = {"connector": "postgres", "uri": uri}
        with _configured(options, lambda t: server.execute(*_statements(t), database=TABLE)) as at:
            yield at


@contextmanager
def _sqlite(server: PostgresServer, folder: Path) -> Iterator[Place]:
    def put(table: pa.Table | None) -> None:
        with closing(sqlite3.connect(folder / "notes.db")) as connection:
            connection.executescript(";".join(_statements(table)))

    with _configured({"connector": "sqlite", "uri": str(folder / "notes.db")}, put) as at:
        yield at


@contextmanager
def _flightsql(server: PostgresServer, folder: Path) -> Iterator[Place]:
    with foreign_server() as far:

        def put(table: pa.Table | None) -> None:
            for statement in _statements(table):
                far.execute(statement)

        uri = f"grpc://127.0.0.1:{far.port}"
        with _configured({"connector": "flightsql", "uri": uri}, put) as at:
            yield at


@contextmanager
def _files(server: PostgresServer, folder: Path) -> Iterator[Place]:
    def put(table: pa.Table | None) -> None:
        path = folder / f"{TABLE}.parquet"
        path.unlink(missing_ok=True)
        if table is not None:
            pq.write_table(table, path)

    with _configured({"connector": "files", "root": str(folder)}, put) as at:
        yield at


@contextmanager
def _fsspec(server: PostgresServer, folder: Path) -> Iterator[Place]:
    root = f"/{folder.name}"
    memory = fsspec.filesystem("memory")
    memory.mkdir(root)

    def put(table: pa.Table | None) -> None:
        path = f"{root}/{TABLE}.parquet"
        if memory.exists(path):
            memory.rm(path)
        if table is not None:
            with memory.open(path, "wb") as opened:
                pq.write_table(table, opened)

    try:
        with _configured({"connector": "files", "root": f"memory:/{root}"}, put) as at:
            yield at
    finally:
        memory.rm(root, recursive=True)


@contextmanager
def _memory(server: PostgresServer, folder: Path) -> Iterator[Place]:
    source = create_memory(SOURCE, {"ingest": True})

    def put(table: pa.Table | None) -> None:
        assert table is not None
        into = Ingest(TableName("", TABLE), "create", "replace")
        source.ingest(into, table.schema, iter(table.to_batches()))

    put(PLANNED)
    with Placement.opened([Source(SOURCE, source)]) as placement:
        yield Place(placement, put)


Opening = Callable[[PostgresServer, Path], AbstractContextManager[Place]]
# A DuckDB file is missing: nobody else may write it as long as it is open.
PLACES: dict[str, Opening] = {
    "postgres": _postgres,
    "sqlite": _sqlite,
    "flightsql": _flightsql,
    "files": _files,
    "files by fsspec": _fsspec,
    "memory": _memory,
}


@pytest.fixture(params=PLACES)
def place(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[Place]:
    with PLACES[request.param](postgres_server, tmp_path) as at:
        yield at


def failure(place: Place, plan: Plan) -> CrosswindError:
    with pytest.raises(SourceError) as raised:
        place.placement.run(plan)
    assert raised.value.source == SOURCE
    assert "Traceback" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("place", [name for name in PLACES if name != "memory"], indirect=True)
def test_a_table_that_was_dropped_after_it_was_planned(place: Place) -> None:
    plan = place.plan(f"SELECT a, b FROM {TABLE}")
    place.put(None)
    said = failure(place, plan)
    assert isinstance(said, SourceSchemaChangedError), said
    assert TABLE in said.message
    with pytest.raises(UnknownNameError, match=TABLE):
        place.plan(f"SELECT a FROM {TABLE}")
    place.put(PLANNED)
    assert place.placement.run(place.plan(f"SELECT a, b FROM {TABLE} ORDER BY a")).equals(PLANNED)


@pytest.mark.parametrize("changed", [NARROWER, RETYPED], ids=["a column less", "another type"])
def test_a_column_that_is_not_what_was_planned(changed: pa.Table, place: Place) -> None:
    plan = place.plan(f"SELECT a, b FROM {TABLE}")
    place.put(changed)
    said = failure(place, plan)
    # SQLite has no types but those of its values: it says which of them is another one.
    assert isinstance(said, SourceSchemaChangedError) or "column a, row 1, holds text" in str(said)
    anew = place.placement.run(place.plan(f"SELECT * FROM {TABLE} ORDER BY b"))
    assert anew.to_pylist() == changed.to_pylist()


def test_a_column_that_was_added_is_not_in_the_way(place: Place) -> None:
    plan = place.plan(f"SELECT a, b FROM {TABLE} ORDER BY a")
    place.put(WIDER)
    try:
        assert place.placement.run(plan).to_pylist() == PLANNED.to_pylist()
    except SourceSchemaChangedError as error:
        # Where a scan takes the file as a whole, it is another one.
        assert error.source == SOURCE
        assert error.retryable
    anew = place.placement.run(place.plan(f"SELECT * FROM {TABLE} ORDER BY a"))
    assert anew.to_pylist() == WIDER.to_pylist()


# --- a file that is broken, or breaks while it is read ---

ROWS = 60_000
BIG = pa.table({"i": range(ROWS), "s": [f"row {i} of a table" for i in range(ROWS)]})
GROUP_ROWS = 5_000


def _parquet(path: Path) -> None:
    pq.write_table(BIG, path, row_group_size=GROUP_ROWS)


def _arrow(path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, BIG.schema) as writer:
        writer.write_table(BIG, max_chunksize=GROUP_ROWS)


def _lines(path: Path, *more: str) -> None:
    """More than what types are inferred from."""
    long = "of a text that fills the file" * 2
    path.write_text("\n".join(["i,s", *(f"{i},row {i} {long}" for i in range(ROWS)), *more, ""]))


def _zipped(path: Path) -> None:
    with gzip.open(path, "wt") as file:
        file.write("\n".join(["i,s", *(f"{i},row {i}" for i in range(ROWS)), ""]))


def _objects(path: Path, *more: str) -> None:
    path.write_text("\n".join(['{"i": 1, "s": "a"}'] * ROWS + [*more, ""]))


def _shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 5)


def _spoil(path: Path) -> None:
    """The footer, but not its length and mark."""
    written = bytearray(path.read_bytes())
    written[-60:-8] = b"\xff" * 52
    path.write_bytes(written)


@dataclass(frozen=True)
class Broken:
    """A file that cannot be read, and what must be said of it."""

    file: str
    make: Callable[[Path], object]
    cause: str


BROKEN = {
    "parquet, truncated": Broken(
        "t.parquet", lambda p: (_parquet(p), _shorten(p)), "magic bytes not found"
    ),
    "parquet, a corrupt footer": Broken("t.parquet", lambda p: (_parquet(p), _spoil(p)), "thrift"),
    "parquet, empty": Broken("t.parquet", Path.touch, "0 bytes"),
    "arrow, truncated": Broken("t.arrow", lambda p: (_arrow(p), _shorten(p)), "Not an Arrow file"),
    "csv, too many values": Broken(
        "t.csv", lambda p: _lines(p, "1,2,3"), rf"(?i)expected 2.*got 3|{ROWS + 2}"
    ),
    "csv, too few": Broken("t.csv", lambda p: _lines(p, "17"), "(?i)expected 2.*got 1"),
    "csv, a text for a number": Broken("t.csv", lambda p: _lines(p, "oops,x"), "'oops'"),
    "csv, no UTF-8": Broken("t.csv", lambda p: p.write_bytes(b"i,s\n1,a\n2,\xff\xfe\n"), "UTF-8"),
    "csv.gz, truncated": Broken(
        "t.csv.gz", lambda p: (_zipped(p), _shorten(p)), "(?i)truncated|incomplete"
    ),
    "jsonl, half a line": Broken("t.jsonl", lambda p: _objects(p, '{"i": 2, "s":'), "JSON parse"),
    "jsonl, a text for a number": Broken(
        "t.jsonl", lambda p: _objects(p, '{"i": "x", "s": "b"}'), "from number to string"
    ),
}


@contextmanager
def lake(folder: Path, by: str) -> Iterator[Placement]:
    """The files of a folder, as the engine reads them or as Arrow does."""
    root = str(folder)
    if by == "arrow":
        memory = fsspec.filesystem("memory")
        root = f"memory://{folder.name}"
        memory.put(f"{folder}/", f"/{folder.name}/", recursive=True)
    try:
        with Placement.of_sources({SOURCE: {"connector": "files", "root": root}}) as placement:
            yield placement
    finally:
        if by == "arrow":
            memory.rm(f"/{folder.name}", recursive=True)


@pytest.mark.parametrize("by", ["engine", "arrow"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_broken_is_named_with_the_cause(name: str, by: str, tmp_path: Path) -> None:
    broken = BROKEN[name]
    broken.make(tmp_path / broken.file)
    with (
        lake(tmp_path, by) as placement,
        pytest.raises(SourceRejectedError, match=broken.cause) as said,
    ):
        placement.query("SELECT sum(i) AS n, max(s) AS s FROM t")
    assert said.value.source == SOURCE
    assert broken.file in said.value.message or "main.t" in said.value.message
    # It will be no better the next time.
    assert not said.value.retryable


# --- one of several files ---

AT = 50_000
"""The row of a file, from 0, that is broken: after what types are inferred from."""


def _csv(number: int, *, bad: str = "", quoted: bool = False, header: bool = True) -> str:
    """A file of a table; if `quoted`, a value has a line end, and a line is empty."""
    rows = [f"{row},text {row} of {number},2024-01-31 00:00:00" for row in range(ROWS)]
    if quoted:
        rows[3] = '3,"text\n3",2024-01-31 00:00:00\n'
    if bad:
        rows[AT] = bad
    return "\n".join([*(["i,s,m"] if header else []), *rows, ""])


def _jsonl(number: int, *, bad: str = "") -> str:
    rows = [f'{{"i": {row}, "s": "text {row} of {number}"}}' for row in range(ROWS)]
    if bad:
        rows[AT] = bad
    return "\n".join([*rows, ""])


@dataclass(frozen=True)
class Row:
    """A row that cannot be read.

    Attributes:
        text: of it.
        said: of the file, of the line and the cause.
        suffix: of the files.
        quoted: a value before it has a line end, and a line is empty.
        csv: how the source reads such files.
    """

    text: str
    said: str
    suffix: str = "csv"
    quoted: bool = False
    csv: Mapping[str, object] = field(default_factory=dict)


_WITH_RECURSIVE = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 2)"
_IN_LINE = rf"'t/2\.csv', line {AT + 2}: "
_OOPS = "oops,x,2024-01-31 00:00:00"
ROWS_THAT_BREAK = {
    "a text for a number": Row(_OOPS, _IN_LINE + r"Error while parsing value 'oops' as[^:]*\."),
    "packed": Row(_OOPS, rf"'t/2\.csv\.gz', line {AT + 2}: .*value 'oops'", "csv.gz"),
    "too many values": Row("1,2,3,4", _IN_LINE + "Csv error: incorrect number of fields, exp"),
    "too few values": Row("1", _IN_LINE + ".*expected 3 got 1"),
    "no time": Row("1,x,soon", _IN_LINE + r"Error parsing column 2: .*'soon'"),
    "after line ends in values": Row(_OOPS, rf"'t/2\.csv', line {AT + 4}: .*'oops'", quoted=True),
    "too few after line ends": Row("1", rf"'t/2\.csv', line {AT + 4}: .*got 1", quoted=True),
    "read in parts": Row(_OOPS, _IN_LINE + ".*'oops'", csv={"newlines_in_values": False}),
    "too few, in parts": Row("1", _IN_LINE + ".*got 1", csv={"newlines_in_values": False}),
    "without a header": Row(_OOPS, rf"line {AT + 1}: .*'oops'", csv={"header": False}),
    "too few, no header": Row("1", rf"line {AT + 1}: .*got 1", csv={"header": False}),
    "jsonl": Row('{"i": "x"}', rf"'t/2\.jsonl'.* to string in row {AT + 1}$", "jsonl"),
    "jsonl, half a row": Row('{"i": 2, "s', rf"'t/2\.jsonl'.* in row {AT + 1}$", "jsonl"),
    "jsonl, packed": Row('{"i": "x"}', rf"'t/2\.jsonl\.gz'.* row {AT + 1}$", "jsonl.gz"),
}


def _folder(folder: Path, row: Row, *, files: int = 4) -> None:
    folder.mkdir()
    for number in range(files):
        bad = row.text if number == min(2, files - 1) else ""
        if row.suffix.startswith("jsonl"):
            text = _jsonl(number, bad=bad)
        else:
            header = bool(row.csv.get("header", True))
            text = _csv(number, bad=bad, quoted=row.quoted, header=header)
        packed = row.suffix.endswith(".gz")
        with (gzip.open if packed else open)(folder / f"{number}.{row.suffix}", "wt") as file:
            file.write(text)


@pytest.mark.parametrize("name", ROWS_THAT_BREAK)
def test_the_file_and_the_line_are_named(name: str, tmp_path: Path) -> None:
    row = ROWS_THAT_BREAK[name]
    _folder(tmp_path / "t", row)
    names = ["column_1", "column_2", "column_3"] if "header" in row.csv else ["i", "s", "m"]
    columns = names[:2] if row.suffix.startswith("jsonl") else names
    said = _said(tmp_path, row, f"SELECT {', '.join(f'max({c})' for c in columns)} FROM t")
    assert re.search(row.said, said)
    assert said.count(" line ") <= 1


@pytest.mark.parametrize("name", ["a text for a number", "packed", "too few values", "no time"])
def test_the_file_and_the_line_are_named_of_a_statement_that_runs_uncut(
    name: str, tmp_path: Path
) -> None:
    row = ROWS_THAT_BREAK[name]
    _folder(tmp_path / "t", row)
    said = _said(tmp_path, row, f"{_WITH_RECURSIVE} SELECT max(i), max(s), max(m) FROM t, r")
    assert re.search(row.said, said)


def _said(folder: Path, row: Row, sql: str) -> str:
    options = {"connector": "files", "root": str(folder), "csv": row.csv}
    with (
        Placement.of_sources({SOURCE: options}) as placement,
        pytest.raises(SourceRejectedError, match=r"reading table main\.t failed: ") as said,
    ):
        placement.query(sql)
    assert said.value.source == SOURCE
    return said.value.message


def test_rows_of_json_are_counted_in_the_file_by_all_readers(tmp_path: Path) -> None:
    _folder(tmp_path / "t", ROWS_THAT_BREAK["jsonl"])
    with (
        lake(tmp_path, "arrow") as placement,
        pytest.raises(SourceRejectedError, match=rf"'t/2\.jsonl'.* in row {AT + 1}$"),
    ):
        placement.query("SELECT max(i) AS i FROM t")


def test_a_packed_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    _folder(tmp_path / "t", Row("", "", "csv.gz"))
    _shorten(tmp_path / "t" / "2.csv.gz")
    with (
        lake(tmp_path, "engine") as placement,
        pytest.raises(SourceRejectedError, match=r"'t/2\.csv\.gz': .*incomplete"),
    ):
        placement.query("SELECT sum(i) AS i FROM t")


def test_the_file_is_named_also_of_other_formats(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for number in range(4):
        pq.write_table(BIG, tmp_path / "t" / f"{number}.parquet", compression="snappy")
    broken = tmp_path / "t" / "2.parquet"
    start = pq.read_metadata(broken).row_group(0).column(0).data_page_offset
    with broken.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 400)
    with (
        lake(tmp_path, "engine") as placement,
        pytest.raises(SourceRejectedError, match=r"main\.t failed: 't/2\.parquet': Parquet "),
    ):
        placement.query("SELECT sum(i) AS i FROM t")


def test_columns_that_nobody_read_are_not_blamed(tmp_path: Path) -> None:
    """In an earlier file another column cannot be read."""
    _folder(tmp_path / "t", Row("7,x,never", ""), files=1)
    (tmp_path / "t" / "1.csv").write_text(_csv(1, bad=_OOPS))
    row = Row(_OOPS, rf"'t/1\.csv', line {AT + 2}: .*'oops'")
    assert re.search(row.said, _said(tmp_path, row, "SELECT sum(i) AS i FROM t"))
    # Of a statement that runs uncut, nobody knows which columns are read: the words tell.
    uncut = _said(tmp_path, row, f"{_WITH_RECURSIVE} SELECT sum(i) AS i FROM t, r")
    assert re.search(row.said, uncut)


def test_of_two_tables_only_the_one_with_the_fault_is_named(tmp_path: Path) -> None:
    _folder(tmp_path / "whole", Row("", ""), files=2)
    _folder(tmp_path / "broken", ROWS_THAT_BREAK["a text for a number"], files=2)
    with (
        lake(tmp_path, "engine") as placement,
        pytest.raises(SourceRejectedError, match=r"table main\.broken failed: 'broken/1\.csv'"),
    ):
        placement.query("SELECT max(whole.s) AS s FROM whole JOIN broken ON whole.i = broken.i")


def test_a_value_that_looks_like_a_path_is_none(tmp_path: Path) -> None:
    _folder(tmp_path / "whole", Row("", ""), files=1)
    _folder(tmp_path / "broken", Row("/whole/7.csv,x,2024-01-31 00:00:00", ""), files=1)
    with (
        lake(tmp_path, "engine") as placement,
        pytest.raises(SourceRejectedError, match=r"table main\.broken failed: 'broken/0\.csv'"),
    ):
        placement.query("SELECT max(whole.s) AS s FROM whole JOIN broken ON whole.i = broken.i")


def test_of_several_tables_the_broken_one_is_named(tmp_path: Path) -> None:
    _parquet(tmp_path / "whole.parquet")
    _parquet(tmp_path / "gone.parquet")
    with lake(tmp_path, "engine") as placement:
        plan = placement.plan("SELECT whole.s FROM whole JOIN gone ON whole.i = gone.i")
        execution = placement.engine.start(plan)
        (tmp_path / "gone.parquet").unlink()
        with pytest.raises(SourceError, match=r"main\.gone") as said:
            list(execution.batches())
        assert "main.whole" not in said.value.message
        execution.close()


WHILE_READ: dict[str, Callable[[Path], object]] = {"deleted": Path.unlink, "truncated": _shorten}


@pytest.mark.parametrize("fault", WHILE_READ)
def test_a_file_that_breaks_while_it_is_read(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    _parquet(path)
    with lake(tmp_path, "engine") as placement:
        execution = placement.engine.start(placement.plan("SELECT i, s FROM t"))
        batches = execution.batches()
        assert next(batches).num_rows
        WHILE_READ[fault](path)
        with pytest.raises(SourceUnavailableError, match=r"reading table main\.t failed") as said:
            list(batches)
        assert said.value.source == SOURCE
        execution.close()
        # The next one finds out anew, and answers when the file is there.
        with pytest.raises((SourceError, UnknownNameError), match=r"'t(\.parquet)?'"):
            placement.query("SELECT i FROM t")
        _parquet(path)
        assert placement.query("SELECT count(*) AS n FROM t").to_pydict() == {"n": [ROWS]}


REPLACED = r"file 't\.parquet' of table main\.t was replaced while it was read"

GROUP_ROWS = 20_000

WITH_RECURSIVE = (
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 2)"
    " SELECT t.i, t.s FROM t, r"
)
"""Substrait does not carry it."""


def _plainly(rows: pa.Table, path: Path) -> None:
    """Of one length, whatever the values are."""
    pq.write_table(rows, path, row_group_size=GROUP_ROWS, compression="none", use_dictionary=False)


def _rows(first: int) -> pa.Table:
    values = pa.array(range(first, first + ROWS), pa.int64())
    return pa.table({"i": values, "s": [f"{number:09}" for number in range(first, first + ROWS)]})


@pytest.mark.parametrize("statement", ["SELECT i, s FROM t", WITH_RECURSIVE])
def test_a_file_that_another_of_its_length_replaces_while_it_is_read(
    statement: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.parquet"
    _plainly(_rows(0), path)
    written = tmp_path / "other"
    _plainly(_rows(1), written)
    assert written.stat().st_size == path.stat().st_size
    with lake(tmp_path, "engine") as placement:
        plan = placement.plan(statement)
        execution = placement.engine.start(plan)
        batches = execution.batches()
        assert next(batches).num_rows
        written.replace(path)
        with pytest.raises(SourceUnavailableError, match=REPLACED) as said:
            list(batches)
        assert said.value.source == SOURCE
        assert said.value.retryable
        execution.close()
        # Before it runs it is another table, which is read.
        assert placement.query("SELECT min(i) AS n FROM t").to_pydict() == {"n": [1]}


@pytest.mark.parametrize("grown", ["renamed", "linked", "appended"])
def test_a_text_that_only_grew_is_the_same_file(grown: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("i,s\n" + "".join(f"{n},{n:09}\n" for n in range(ROWS)))
    with lake(tmp_path, "engine") as placement:
        execution = placement.engine.start(placement.plan("SELECT i, s FROM t"))
        batches = execution.batches()
        assert next(batches).num_rows
        if grown == "renamed":
            other = tmp_path / "other"
            other.write_text(path.read_text() + "1,1\n")
            other.replace(path)
        elif grown == "linked":
            (tmp_path / "another").hardlink_to(path)
        else:
            with path.open("a") as file:
                file.write("1,1\n")
        if grown == "renamed":
            with pytest.raises(SourceUnavailableError, match="was replaced while it was read"):
                list(batches)
        else:
            list(batches)
        execution.close()


# --- objects ---


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3Server]:
    with s3_server("lake") as server:
        yield server


@pytest.mark.parametrize(
    ("files", "far_bytes", "said"),
    [
        (2, faults.FAR_BYTES, rf"'t/1\.csv', line {AT + 2}: Error .*'oops'"),
        (2, 0, r"failed: Error while parsing value 'oops' as type '\w+' for column 0\. Row"),
        (
            1,
            0,
            r"failed: 't/0\.csv': Error while parsing value 'oops' as type '\w+' for column 0\.",
        ),
    ],
)
def test_a_large_table_of_a_store_is_not_read_again(
    files: int,
    far_bytes: int,
    said: str,
    bucket: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file is named then where there is only one, and a line never."""
    monkeypatch.setattr(faults, "FAR_BYTES", far_bytes)
    _folder(tmp_path / "t", ROWS_THAT_BREAK["a text for a number"], files=files)
    root = f"lake/lines{files}{far_bytes}"
    bucket.filesystem().put(f"{tmp_path}/t/", f"{root}/t/", recursive=True)
    options = {"root": f"s3://{root}", "storage_options": bucket.storage_options}
    with (
        Placement.of_sources({SOURCE: {"connector": "files", **options}}) as placement,
        pytest.raises(SourceRejectedError, match=said),
    ):
        placement.query("SELECT sum(i) AS i FROM t")


@pytest.mark.parametrize("fault", ["deleted", "truncated", "of other columns"])
def test_an_object_that_changes_after_it_was_planned(
    fault: str, bucket: S3Server, tmp_path: Path
) -> None:
    path, key = tmp_path / "t.parquet", f"lake/{fault.replace(' ', '-')}/t.parquet"
    _parquet(path)
    store = bucket.filesystem()
    store.put(str(path), key)
    root = f"s3://{key.rpartition('/')[0]}"
    options = {"connector": "files", "root": root, "storage_options": bucket.storage_options}
    with Placement.of_sources({SOURCE: options}) as placement:
        plan = placement.plan("SELECT sum(i) AS n, max(s) AS s FROM t")
        if fault == "deleted":
            store.rm(key)
        else:
            if fault == "truncated":
                _shorten(path)
            else:
                pq.write_table(pa.table({"i": ["x"]}), path)
            store.put(str(path), key)
        with pytest.raises(SourceError, match=r"main\.t|t\.parquet") as said:
            placement.run(plan)
        assert said.value.source == SOURCE
        assert said.value.code in ("source.schema_changed", "source.rejected", "source.unavailable")


def test_an_object_that_another_of_its_length_replaces(
    bucket: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaced, "SHORT_SECONDS", 0.0)
    path, key = tmp_path / "t.parquet", "lake/replaced/t.parquet"
    store = bucket.filesystem()

    def put(first: int) -> int:
        _plainly(_rows(first), path)
        store.put(str(path), key)
        return path.stat().st_size

    length = put(0)
    options = {"connector": "files", "root": "s3://lake/replaced"}
    options["storage_options"] = bucket.storage_options
    with Placement.of_sources({SOURCE: options}) as placement:
        plan = placement.plan("SELECT min(i) AS n FROM t WHERE i >= 0")
        assert put(1) == length
        # Between plan and run: it is the new one that is read.
        assert placement.run(plan).to_pydict() == {"n": [1]}
        execution = placement.engine.start(placement.plan("SELECT i, s FROM t"))
        batches = execution.batches()
        assert next(batches).num_rows
        assert put(2) == length
        with pytest.raises(SourceUnavailableError, match=REPLACED) as said:
            list(batches)
        assert said.value.source == SOURCE
        execution.close()
        assert placement.query("SELECT min(i) AS n FROM t WHERE i >= 0").to_pydict() == {"n": [2]}


# --- a full pool ---


def test_a_full_source_is_named_and_free_again(postgres_server: PostgresServer) -> None:
    with postgres_server.database("full") as uri:
        postgres_server.execute(
            "CREATE VIEW endless AS SELECT generate_series(1, 100000000) AS i, repeat('x', 200) s",
            database="full",
        )
        options = {"connector": "postgres", "uri": uri, "max_connections": 1}
        settings = EngineSettings(target_partitions=2, queue_timeout_seconds=0.2)
        with Placement.of_sources({SOURCE: options}, settings) as placement:
            plan = placement.plan("SELECT i, s FROM endless")
            first = placement.engine.start(plan)
            reading = first.batches()
            assert next(reading).num_rows
            with pytest.raises(QueueFullError, match=SOURCE) as said:
                next(placement.engine.start(plan).batches())
            assert said.value.source == SOURCE
            assert said.value.retryable
            reading.close()
            first.close()
            assert placement.query("SELECT i FROM endless LIMIT 1").num_rows == 1


def test_the_folder_of_a_source_that_goes_away(tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    _parquet(folder / "t.parquet")
    with lake(folder, "engine") as placement:
        plan = placement.plan("SELECT i FROM t")
        shutil.rmtree(folder)
        with pytest.raises(SourceError, match=r"main\.t|does not exist") as said:
            placement.run(plan)
        assert said.value.source == SOURCE


def test_a_broken_file_that_was_not_read_is_not_named(tmp_path: Path) -> None:
    """The rows of a partition that the query leaves out may be as broken as they like."""
    for part, word in ((1, "oops"), (2, "worse")):
        folder = tmp_path / "t" / f"p={part}"
        folder.mkdir(parents=True)
        rows = f"{'wide' * 10},2\n" * AT
        (folder / "1.csv").write_text(f"a,b\n{rows}1,{word}\n")
    with Placement.of_sources({"lake": {"connector": "files", "root": str(tmp_path)}}) as placement:
        for part, word in ((1, "oops"), (2, "worse")):
            with pytest.raises(SourceRejectedError) as raised:
                placement.query(f"SELECT sum(b) FROM t WHERE p = {part}")
            assert f"'t/p={part}/1.csv', line {AT + 2}: " in str(raised.value)
            assert word in str(raised.value)


@pytest.mark.parametrize("codec", ["gzip", "brotli"])
def test_a_page_that_cannot_be_unpacked_is_broken(codec: str, tmp_path: Path) -> None:
    """It is no store that does not answer, though the engine's words begin as if it were."""
    (tmp_path / "t").mkdir()
    for name in ("1", "2"):
        pq.write_table(
            pa.table({"a": [f"text {i}" for i in range(50_000)]}),
            tmp_path / "t" / f"{name}.parquet",
            compression=codec,
            use_dictionary=False,
        )
    broken = tmp_path / "t" / "2.parquet"
    page = pq.read_metadata(broken).row_group(0).column(0).data_page_offset
    written = bytearray(broken.read_bytes())
    for offset in range(page + 200, page + 300):
        written[offset] ^= 0x5A
    broken.write_bytes(written)
    with (
        Placement.of_sources({"lake": {"connector": "files", "root": str(tmp_path)}}) as placement,
        pytest.raises(SourceRejectedError, match=r"'t/2\.parquet': "),
    ):
        placement.query("SELECT a FROM t")
