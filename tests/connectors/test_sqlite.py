"""The `sqlite` connector over real files: loose values, what fails and how, and what is freed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from connectors.adbc.sqlite import SqliteConnector, create
from connectors.contract import Fragment, SqlQuery, Statistics, TableName, TableScan
from connectors.errors import (
    CancelledError,
    DeadlineError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceUnavailableError,
    UnsupportedError,
)
from tests.placements import Placement

MANY = 100_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "notes & more?.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, pay DECIMAL(9,2));
            INSERT INTO people VALUES (1, 'Ann', 10.5), (2, 'Bob', NULL);
            CREATE VIEW rich AS SELECT * FROM people WHERE pay > 1;
            CREATE TABLE keyed (k TEXT PRIMARY KEY, v INT4) WITHOUT ROWID;
            INSERT INTO keyed VALUES ('a', 1), ('b', 'x');
            CREATE TABLE backwards (id INTEGER PRIMARY KEY DESC);
            INSERT INTO backwards VALUES (2), (NULL);
            CREATE TABLE loose (id INTEGER, n INTEGER, d DATE, p DECIMAL(9,2), b BOOLEAN, t TEXT);
            INSERT INTO loose VALUES (1, 1, '2024-02-29', 1.25, 1, 'a'), (2, 'two', '2024-02-30',
              1.005, 7, x'00');
            CREATE TABLE late (n REAL, t TEXT, b BLOB, d DATE, p DECIMAL(9,2), i INT4, k BOOLEAN);
            CREATE TABLE absent (b BLOB, n REAL);
            INSERT INTO absent VALUES (NULL, NULL);
            CREATE TABLE coded (s STRING, v VARCHAR, c CLOB, w VARYING CHARACTER(9));
            INSERT INTO coded VALUES ('x7', 'v', 5, 6.5);
            CREATE VIEW seen AS SELECT v, length(v) AS o FROM coded;
            CREATE TABLE bytes (id INTEGER PRIMARY KEY, t TEXT);
            INSERT INTO bytes VALUES (1, 'fine'), (2, CAST(x'61ff' AS TEXT));
            """
        )
        connection.executemany(
            f"INSERT INTO late VALUES ({', '.join('?' * 7)})",
            [(None,) * 7] * 20_000 + [(1.5, "x", b"\x00\xff", "2024-02-29", 1.25, 7, 1)] * 10,
        )
        connection.execute("CREATE TABLE many (i INTEGER, t TEXT)")
        connection.executemany(
            "INSERT INTO many VALUES (?, ?)", ((i, f"text {i}") for i in range(MANY))
        )
    return path


@pytest.fixture
def placement(path: Path) -> Iterator[Placement]:
    with Placement.of_sources({"notes": {"connector": "sqlite", "uri": str(path)}}) as placement:
        yield placement


@pytest.fixture
def connector(path: Path) -> SqliteConnector:
    return create("notes", {"uri": str(path)})


def test_values_have_their_declared_types(placement: Placement) -> None:
    answer = placement.query("SELECT * FROM people ORDER BY id")
    assert answer.schema.types == [pa.int64(), pa.string(), pa.decimal128(9, 2)]
    assert answer.to_pylist() == [
        {"id": 1, "name": "Ann", "pay": Decimal("10.50")},
        {"id": 2, "name": "Bob", "pay": None},
    ]


def test_tables_and_views_are_listed(connector: SqliteConnector) -> None:
    names = [name.name for name in connector.tables().names()]
    assert names == [
        *(
            "absent",
            "backwards",
            "bytes",
            "coded",
            "keyed",
            "late",
            "loose",
            "many",
            "people",
            "rich",
            "seen",
        )
    ]
    view = connector.tables().find(TableName("main", "rich"))
    assert view is not None
    assert view.kind == "VIEW"
    assert connector.tables().kinds()[view.name] == "VIEW"
    assert all(column.nullable for column in view.columns)
    assert connector.tables().find(TableName("main", "nobody")) is None


@pytest.mark.parametrize(
    ("sql", "said"),
    {
        "integer": ("SELECT n FROM loose", "column n, row 2, holds text"),
        "date": ("SELECT d FROM loose", "column d, row 2, holds text"),
        "decimal": ("SELECT p FROM loose", "column p, row 2, holds real"),
        "boolean": ("SELECT b FROM loose", "column b, row 2, holds integer"),
        "text": ("SELECT t FROM loose", "column t, row 2, holds blob"),
        "in a filter": ("SELECT id FROM loose WHERE n > 0", "column n, row 2, holds text"),
        "in an aggregate": ("SELECT min(d) FROM loose", "column d, row 2, holds text"),
        "without a rowid": ("SELECT v FROM keyed", "column v, holds text"),
    }.values(),
)
def test_a_value_that_does_not_fit_fails_and_is_named(
    sql: str, said: str, placement: Placement
) -> None:
    with pytest.raises(SourceRejectedError, match=said) as raised:
        placement.query(sql)
    assert raised.value.source == "notes"
    assert "two" not in str(raised.value)


def test_what_is_not_read_may_not_fit(placement: Placement) -> None:
    assert placement.query("SELECT id FROM loose").to_pydict() == {"id": [1, 2]}


def test_values_may_come_after_many_nulls(placement: Placement) -> None:
    """The driver takes a column's type from its first rows."""
    answer = placement.query("SELECT * FROM late")
    assert [column.null_count for column in answer.columns] == [20_000] * 7
    last = answer.slice(20_009).to_pylist()[0].values()
    assert [*last] == [1.5, "x", b"\x00\xff", date(2024, 2, 29), Decimal("1.25"), 7, True]


def test_there_may_be_nulls_only(placement: Placement) -> None:
    assert placement.query("SELECT * FROM absent").to_pylist() == [{"b": None, "n": None}]


def test_rows_are_looked_up_by_their_number(placement: Placement, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for table, looked_up in {"people": True, "bytes": True, "backwards": False}.items():
            plan = placement.plan(f"SELECT id FROM {table} WHERE id IN (2, 5, 9, 11, 13, 17)")
            assert plan.residual is None
            (fragment,) = plan.fragments
            assert isinstance(fragment.fragment.query, SqlQuery)
            steps = connection.execute(f"EXPLAIN QUERY PLAN {fragment.fragment.query.text}")
            by_number = any("USING INTEGER PRIMARY KEY" in step for *_, step in steps)
            assert by_number is looked_up, table
            assert placement.run(plan).column("id").to_pylist() == [2]
    # Of this key, which is no number of a row, NULL is a value.
    rows = placement.query("SELECT id FROM backwards WHERE id IS NULL")
    assert rows.num_rows == 1


def test_rows_are_estimated_without_reading_them(tmp_path: Path) -> None:
    path = tmp_path / "counted.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE dense (id INTEGER PRIMARY KEY, kind TEXT);
            CREATE TABLE sparse (id INTEGER PRIMARY KEY);
            INSERT INTO sparse VALUES (-4611686018427387904), (4611686018427387904);
            CREATE TABLE named (rowid TEXT, x INTEGER);
            INSERT INTO named VALUES ('a', 1);
            CREATE TABLE blank (id INTEGER PRIMARY KEY);
            CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID;
            CREATE VIEW seen AS SELECT * FROM dense;
            CREATE INDEX kinds ON dense (kind);
            """
        )
        rows = ((i, f"k{i % 4}") for i in range(90))
        connection.executemany("INSERT INTO dense VALUES (?, ?)", rows)
    source = create("counted", {"uri": str(path)})

    def of(table: str) -> Statistics:
        return source.statistics(TableName("main", table))

    assert of("dense").rows == 90
    assert of("dense").columns["id"].distinct == 90
    assert (of("dense").columns["id"].minimum, of("dense").columns["id"].maximum) == (0, 89)
    assert of("dense").columns["kind"].distinct is None
    # Many numbers are not given to any row: the file has no room for so many.
    assert 2 <= (of("sparse").rows or 0) < path.stat().st_size
    assert of("blank").rows == 0
    for unknown in ("named", "keyed", "seen", "missing"):
        assert of(unknown) == Statistics()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ANALYZE")
    assert of("dense").columns["kind"].distinct == pytest.approx(4, rel=0.1)
    assert of("sparse").rows == 2
    source.close()


def test_counts_of_some_rows_and_what_is_no_count_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "counted.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE few (id INTEGER PRIMARY KEY, kind TEXT);
            CREATE INDEX some ON few (kind) WHERE id < 3;
            CREATE TABLE both (id INTEGER PRIMARY KEY, kind TEXT);
            CREATE INDEX kinds ON both (kind);
            CREATE INDEX others ON both (kind) WHERE id < 3;
            """
        )
        for table in ("few", "both"):
            rows = ((i, f"k{i % 4}") for i in range(90))
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
        connection.execute("ANALYZE")
    source = create("counted", {"uri": str(path)})

    def of(table: str) -> Statistics:
        return source.statistics(TableName("main", table))

    assert of("few").rows == of("both").rows == 90
    assert of("few").columns["kind"].distinct is None
    assert of("both").columns["kind"].distinct == pytest.approx(4, rel=0.1)
    for written in ("", "many", "²", None):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE sqlite_stat1 SET stat = ?", (written,))
        assert of("both").rows == 90
        assert of("both").columns["kind"].distinct is None
    source.close()


def test_columns_that_hold_texts_lose_nothing(placement: Placement) -> None:
    """SQLite gives CHAR, CLOB and TEXT of any kind the affinity of texts; STRING is a number."""
    plan = placement.plan("SELECT v, c, w FROM coded")
    assert not plan.warnings
    assert placement.run(plan).to_pylist() == [{"v": "v", "c": "5", "w": "6.5"}]
    narrowed = placement.plan("SELECT s FROM coded").warnings
    assert [warning.code for warning in narrowed] == ["type.narrowed"]


def test_warnings_and_types_show_what_was_declared(
    placement: Placement, connector: SqliteConnector
) -> None:
    (warning,) = placement.plan("SELECT v, o FROM seen").warnings
    assert "seen.o is ANY there and string here" in str(warning)
    table = connector.tables().find(TableName("main", "seen"))
    assert table is not None
    assert [column.native_type for column in table.columns] == ["VARCHAR", "ANY"]


def test_bytes_that_are_no_text_fail_where_they_are_read(placement: Placement) -> None:
    with pytest.raises(SourceRejectedError, match="column 't' holds a value that does not fit"):
        placement.query("SELECT t FROM bytes")
    assert placement.query("SELECT t FROM bytes WHERE id = 1").to_pydict() == {"t": ["fine"]}


def test_the_first_batch_comes_before_the_last_is_read(connector: SqliteConnector) -> None:
    fragment = Fragment(
        SqlQuery('SELECT t1."i" AS "i" FROM "main"."many" AS t1'), pa.schema([("i", pa.int64())])
    )
    running = connector.execute(fragment, None)
    batches = iter(running)
    first = next(batches)
    assert 0 < first.num_rows < MANY
    running.cancel()
    with pytest.raises(CancelledError):
        list(batches)
    running.close()


def test_a_deadline_that_has_passed_ends_it(connector: SqliteConnector) -> None:
    fragment = Fragment(SqlQuery("SELECT 1 AS one"), pa.schema([("one", pa.int64())]))
    with pytest.raises(DeadlineError):
        list(connector.execute(fragment, 0.0))


def test_it_runs_sql_only(connector: SqliteConnector) -> None:
    scan = TableScan(TableName("main", "people"), ("id",))
    with pytest.raises(UnsupportedError):
        connector.execute(Fragment(scan, pa.schema([("id", pa.int64())])), None)


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, SourceUnavailableError), (b"not a database " * 99, SourceRejectedError)],
)
def test_a_file_that_cannot_be_read(
    content: bytes | None, error: type[Exception], tmp_path: Path
) -> None:
    file = tmp_path / "other.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(error, match="source 'notes'"):
        create("notes", {"uri": str(file)}).tables().names()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    shop = create("shop", {"uri": str(tmp_path)})
    with pytest.raises(SourceRejectedError, match=r"is a directory\. Set uri to a file"):
        shop.tables().names()


def test_a_file_in_utf_16_is_refused(tmp_path: Path) -> None:
    """Its texts compare by the bytes of UTF-16: rows would be missing."""
    file = tmp_path / "wide.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a TEXT)")
    tables = create("notes", {"uri": str(file)}).tables()
    for ask in (tables.names, lambda: tables.find(TableName("main", "t"))):
        with pytest.raises(SourceRejectedError, match="UTF-16le"):
            ask()


def test_a_table_that_has_changed_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "changing.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE t (a INTEGER, b INTEGER)")
        with Placement.of_sources(
            {"notes": {"connector": "sqlite", "uri": str(file)}}
        ) as placement:
            plan = placement.plan("SELECT a, b FROM t")
            connection.executescript("ALTER TABLE t DROP COLUMN b")
            with pytest.raises(SourceSchemaChangedError):
                placement.run(plan)
            connection.executescript("INSERT INTO t VALUES (1)")
            assert placement.query("SELECT * FROM t").to_pydict() == {"a": [1]}


@pytest.mark.parametrize(
    ("misfits", "then"),
    [
        ("error", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('five')"),
        ("null", "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('five')"),
        ("error", "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (NULL)"),
        ("error", "CREATE TABLE t (a TEXT NOT NULL)"),
        ("null", "CREATE VIEW t AS SELECT 1 AS a"),
    ],
)
def test_a_column_that_is_another_than_planned_is_not_read(
    misfits: str, then: str, tmp_path: Path
) -> None:
    """Its values have no types of their own: nothing in the answer would show it."""
    file = tmp_path / "changing.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE t (a INTEGER NOT NULL); INSERT INTO t VALUES (1)")
        source = {"connector": "sqlite", "uri": str(file), "misfits": misfits}
        with Placement.of_sources({"notes": source}) as placement:
            plans = [placement.plan(f"SELECT {what} AS n FROM t") for what in ("a", "count(a)")]
            connection.executescript(f"DROP TABLE t; {then}")
            for plan in plans:
                with pytest.raises(SourceSchemaChangedError, match=r"main\.t"):
                    placement.run(plan)


def test_what_is_in_the_log_alone_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "logged.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER)")
        tables = create("notes", {"uri": str(file)}).tables()
        for wanted in (["a"], ["a", "b"], ["a", "b", "c"]):
            if len(wanted) > 1:
                connection.executescript(f"ALTER TABLE t ADD COLUMN {wanted[-1]} TEXT")
            found = tables.find(TableName("main", "t"))
            assert found is not None
            assert found.schema.names == wanted
        connection.executescript("CREATE TABLE u (a INTEGER)")
        assert [name.name for name in tables.names()] == ["t", "u"]


def test_nothing_is_written(placement: Placement, connector: SqliteConnector) -> None:
    fragment = Fragment(
        SqlQuery("INSERT INTO people (id, name) VALUES (9, 'x')"), pa.schema([("n", pa.int64())])
    )
    with pytest.raises(SourceRejectedError, match="readonly"):
        list(connector.execute(fragment, None))
    assert placement.query("SELECT count(*) AS n FROM people").to_pydict() == {"n": [2]}


def test_many_readers_at_once_leave_nothing_open(placement: Placement, path: Path) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            assert placement.query("SELECT count(*) AS n FROM many").to_pydict() == {"n": [MANY]}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert not [f for f in psutil.Process().open_files() if Path(f.path) == path]


def test_two_names_of_one_file_are_one_place(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    one, other = create("a", {"uri": str(path)}), create("b", {"uri": str(link)})
    assert one.identity == other.identity
