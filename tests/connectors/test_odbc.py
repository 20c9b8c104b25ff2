"""A real MariaDB through its ODBC driver: what is read how, how it ends, and what failures say."""

from __future__ import annotations

import datetime
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlglot import exp

from connectors import registry
from connectors.conformance.driving import Driven
from connectors.conformance.streams import Blocked
from connectors.contract import Column, Fragment, Statistics, TableName, TableScan
from connectors.errors import (
    CancelledError,
    ConfigurationError,
    CrosswindError,
    DeadlineError,
    QueueFullError,
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from connectors.odbc import OdbcConnector, OdbcOptions, mysql
from connectors.odbc.database import Database
from connectors.odbc.endpoint import Endpoint
from connectors.odbc.narrowing import narrowed
from connectors.odbc.readings import Columns, reading_of
from planner.catalog import Catalog, Source
from tests.execution.waiting import eventually
from tests.mariadb_server import MariadbServer, mariadb
from tests.placements import Placement
from tests.postgres_server import free_port

PASSWORD = "s3cret-p4ss"
NUMBER = pa.schema([("n", pa.int64())])

TABLES = (
    """CREATE TABLE types (
      id int PRIMARY KEY, tiny tinyint(1), tiny_unsigned tinyint unsigned,
      medium mediumint unsigned, whole int unsigned, big bigint unsigned,
      wide decimal(65,30), exact decimal(38,10), single float, day date, moment datetime,
      stamp timestamp(6) NULL, length time(6), y year, fixed char(5), bits bit(10),
      kind enum('b','a'), kinds set('x','y'), doc json, place point, ident uuid, raw blob)""",
    """INSERT INTO types VALUES (
      1, 2, 255, 16777215, 4294967295, 18446744073709551615, 12345.678, 1.5, 16777216, '2024-02-29',
      '9999-12-31 23:59:59', '2024-03-31 01:00:00.000001', '-838:59:59.5', 2024, 'ab ', b'101', 'a',
      'y,x', '{"k": 1}', ST_GeomFromText('POINT(1 2)'), '00000000-0000-0000-0000-00000000000a',
      x'00ff')""",
    "INSERT INTO types (id) VALUES (2)",
    "SET sql_mode = ''",
    "INSERT INTO types (id, day, moment) VALUES (3, '0000-00-00', '2024-00-10 00:00:00')",
    "CREATE TABLE never (day date NOT NULL, n int NOT NULL)",
    "INSERT INTO never VALUES ('0000-00-00', 7)",
    "CREATE TABLE words (word varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci)",
    "INSERT INTO words VALUES ('Ärger'), ('ärger'), ('a'), ('A '), (NULL)",
    'CREATE TABLE `odd ``name"` (`a b` int, `c``d` int)',
    'INSERT INTO `odd ``name"` VALUES (1, 2)',
    "CREATE TABLE long_text (t longtext)",
    "INSERT INTO long_text VALUES (REPEAT('x', 200))",
    "CREATE VIEW plain AS SELECT id, exact, day, moment, fixed, raw FROM types WHERE id = 1",
    "CREATE VIEW silent AS SELECT CAST(SLEEP(60) AS signed) AS n",
    "CREATE VIEW endless AS SELECT a.seq AS n FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
    "CREATE TABLE counted (id bigint PRIMARY KEY, kind int NOT NULL, day date NOT NULL,"
    " note varchar(100), short varchar(2), amount decimal(12,2), KEY (kind))",
    "INSERT INTO counted SELECT seq, seq % 7, '2024-01-01', REPEAT('x', 60), 'y', seq"
    " FROM seq_1_to_2000",
    "ANALYZE TABLE counted",
    "CREATE VIEW counted_view AS SELECT * FROM counted",
    "CREATE DATABASE second",
    "CREATE TABLE second.words (n int)",
    f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
    "GRANT SELECT ON *.* TO reader@'127.0.0.1'",
)


@pytest.fixture(scope="module")
def server() -> Iterator[MariadbServer]:
    with (
        tempfile.TemporaryDirectory(prefix="crosswind-mariadb-") as folder,
        mariadb(Path(folder)) as server,
    ):
        server.execute("SET time_zone = '+00:00'", *TABLES)
        yield server


@pytest.fixture
def odbc(server: MariadbServer) -> Iterator[Callable[..., OdbcConnector]]:
    """Makes connectors; closes them, and nothing may be left."""
    before = set(threading.enumerate())
    made: list[OdbcConnector] = []

    def make(**options: object) -> OdbcConnector:
        given = {
            "connection_string": server.connection_string(),
            "user": "reader",
            "password": PASSWORD,
            "dialect": "mysql",
            "wait_seconds": 10,
        }
        connector = registry.create("odbc", "shop", {**given, **options})
        assert isinstance(connector, OdbcConnector)
        made.append(connector)
        return connector

    yield make
    for connector in made:
        connector.close()
    eventually(lambda: set(threading.enumerate()) <= before)


def scan(table: str, schema: pa.Schema) -> Fragment:
    return Fragment(TableScan(TableName("kit", table), tuple(schema.names)), schema)


def failure(connector: OdbcConnector) -> SourceError:
    with pytest.raises(SourceError) as raised:
        connector.tables().names()
    assert raised.value.source == "shop"
    assert PASSWORD not in f"{raised.value}{raised.value!r}{raised.value.__cause__}"
    return raised.value


def active(server: MariadbServer) -> int:
    found = (
        "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND command <> 'Sleep'"
    )
    return len(server.execute(found))


# Filters.

FIELDS = (
    Column("n", pa.int32(), native_type="int(11)"),
    Column("u", pa.decimal128(20, 0), native_type="bigint(20) unsigned"),
    Column("yes", pa.bool_(), native_type="tinyint(1)"),
    Column("d", pa.date32(), native_type="date"),
    Column("t", pa.timestamp("us", "UTC"), native_type="timestamp(6)"),
    Column("y", pa.int16(), native_type="year(4)"),
    Column("s", pa.string(), native_type="varchar(20)"),
    Column("e", pa.string(), native_type="enum('a','b')"),
    Column("a`b", pa.decimal128(9, 2), native_type="decimal(9,2)"),
)
number, word, day = pc.field("n"), pc.field("s"), pc.field("d")
DAY = pa.scalar(datetime.date(2024, 2, 29))
MOMENT = pa.scalar(
    datetime.datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=datetime.UTC),
    pa.timestamp("us", "UTC"),
)


def whole(value: int) -> pa.Scalar:
    return pa.scalar(value, pa.int32())


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        (number >= whole(-5), "`n` >= -5"),
        (pc.scalar(whole(3)) > number, "`n` < 3"),
        (number == whole(1), "`n` = 1"),
        (number != whole(1), None),
        (~(number == whole(1)), None),
        ((number > whole(1)) & (number != whole(7)), "`n` > 1"),
        ((number > whole(1)) | (number != whole(7)), None),
        (
            (number > whole(1)) & ((word == "x") | number.is_null()),
            "`n` > 1 AND (`s` = 'x' OR `n` IS NULL)",
        ),
        (number.isin(pa.array([1, 2], pa.int32())), "`n` = 1 OR `n` = 2"),
        (
            pc.if_else(
                number.is_null(),
                pa.scalar(None, pa.bool_()),
                number.isin(pa.array([7], pa.int32())),
            ),
            "`n` = 7",
        ),
        (
            pc.field("u") == pa.scalar(Decimal(2**64 - 1), pa.decimal128(20, 0)),
            f"`u` = {2**64 - 1}",
        ),
        (pc.field("a`b") < pa.scalar(Decimal("-0.05"), pa.decimal128(9, 2)), "`a``b` < -0.05"),
        (pc.field("yes"), None),
        (pc.field("y") == pa.scalar(70, pa.int16()), None),
        (pc.field("e") == "a", None),
        (word == "it's", "`s` = 'it''s'"),
        (word < "x", None),
        (word == "\\", None),
        (word == "é", None),
        (word == "x" * 256, None),
        (word.is_valid(), "NOT `s` IS NULL"),
        (~word.is_null(), "NOT `s` IS NULL"),
        (~day.is_null(), "NOT `d` IS NULL"),
        (~(word == "a"), None),
        (~~word.is_null(), None),
        (day < DAY, "`d` < CAST('2024-02-29' AS DATE)"),
        (day == pa.scalar(datetime.date(1, 1, 1)), None),
        (day.is_null(), None),
        (day.is_valid(), "NOT `d` IS NULL"),
        (pc.field("t") > MOMENT, "`t` > CAST('1969-12-31 23:59:59.000005' AS DATETIME(6))"),
    ],
)
def test_a_filter_is_narrowed_to_what_is_sure(condition: pc.Expression, sql: str | None) -> None:
    found = narrowed(condition, FIELDS)
    assert (None if found is None else found.sql("mysql")) == sql


FILTERS = (
    "SELECT id FROM types WHERE day IS NULL",
    "SELECT id FROM types WHERE day IS NOT NULL",
    "SELECT id FROM types WHERE day < DATE '2025-01-01'",
    "SELECT id FROM types WHERE moment > TIMESTAMP '2000-01-01 00:00:00'",
    "SELECT id FROM types WHERE stamp = TIMESTAMP '2024-03-31 01:00:00.000001'",
    "SELECT id FROM types WHERE stamp > TIMESTAMP '2024-03-31 01:00:00.000001'",
    "SELECT id FROM types WHERE tiny",
    "SELECT id FROM types WHERE tiny = true OR whole = 4294967295",
    "SELECT id FROM types WHERE big = 18446744073709551615 AND y = 2024",
    "SELECT id FROM types WHERE exact = 1.5 AND kind = 'a'",
    "SELECT id FROM types WHERE fixed = 'ab'",
    "SELECT id FROM types WHERE fixed = 'ab ' OR id NOT IN (1, 3)",
    "SELECT count(*) AS n FROM words WHERE word = 'a'",
    "SELECT word FROM words WHERE word = 'A '",
    "SELECT word FROM words WHERE word = 'ärger'",
    "SELECT word FROM words WHERE word IN ('A', 'a')",
    "SELECT word FROM words WHERE word <> 'a'",
    "SELECT id FROM counted WHERE kind = 3 AND id < 20 ORDER BY id",
    "SELECT count(*) AS n FROM (SELECT id FROM counted WHERE kind = 3 LIMIT 5) t",
    "SELECT count(*) AS n FROM counted WHERE amount BETWEEN 10 AND 20.5 AND note IS NOT NULL",
)


@pytest.mark.parametrize("sql", FILTERS)
def test_a_filter_that_runs_there_keeps_the_rows_that_it_keeps_here(
    sql: str, odbc: Callable[..., OdbcConnector]
) -> None:
    source = Source("shop", odbc())
    alone = Source("shop", odbc(), pushdown="none")
    answers = []
    for each in (source, alone):
        catalog = Catalog([each])
        with Placement.of_catalog(catalog) as placement:
            answers.append(placement.query(sql).to_pylist())
    assert sorted(map(str, answers[0])) == sorted(map(str, answers[1]))


def test_a_filter_spares_the_rows_that_it_leaves_out(odbc: Callable[..., OdbcConnector]) -> None:
    with Driven.over(odbc()) as driven:
        plan = driven.plan("SELECT note FROM counted WHERE id > 1990 AND short = 'y'")
        (planned,) = plan.fragments
        assert isinstance(planned.fragment.query, TableScan)
        assert isinstance(driven.connector, OdbcConnector)
        asked = driven.connector._asked(planned.fragment.query, planned.fragment.schema)
    where = asked.sql.partition(" WHERE ")[2]
    assert where == "`id` > 1990 AND `short` = 'y'"


# Values.


def test_each_type_is_read_exactly(odbc: Callable[..., OdbcConnector]) -> None:
    with Driven.over(odbc()) as driven:
        answer = driven.query("SELECT * FROM types ORDER BY id")
    first, empty, none = answer.to_pylist()
    assert first == {
        "id": 1,
        "tiny": True,
        "tiny_unsigned": 255,
        "medium": 16777215,
        "whole": 4294967295,
        "big": Decimal(18446744073709551615),
        "wide": "12345.678000000000000000000000000000",
        "exact": Decimal("1.5000000000"),
        "single": 16777216.0,
        "day": datetime.date(2024, 2, 29),
        "moment": datetime.datetime(9999, 12, 31, 23, 59, 59),
        "stamp": datetime.datetime(2024, 3, 31, 1, 0, 0, 1, tzinfo=datetime.UTC),
        "length": "-838:59:59.500000",
        "y": 2024,
        "fixed": "ab",
        "bits": "0000000101",
        "kind": "a",
        "kinds": "x,y",
        "doc": '{"k": 1}',
        "place": "POINT(1 2)",
        "ident": "00000000-0000-0000-0000-00000000000a",
        "raw": b"\0\xff",
    }
    assert set(empty.values()) == {2, None}
    # Dates that are none, which would end the process that reads them as dates.
    assert set(none.values()) == {3, None}
    assert answer.schema.field("whole").type == pa.int64()
    assert answer.schema.field("stamp").type == pa.timestamp("us", "UTC")
    assert not answer.schema.field("id").nullable


def test_a_date_that_is_none_is_null_also_where_null_was_forbidden(
    odbc: Callable[..., OdbcConnector],
) -> None:
    with Driven.over(odbc()) as driven:
        answer = driven.query("SELECT n FROM never WHERE day IS NULL")
    assert answer.to_pylist() == [{"n": 7}]


def test_texts_compare_as_the_engine_compares_them(odbc: Callable[..., OdbcConnector]) -> None:
    """There case, accents and spaces at the end do not count."""
    with Driven.over(odbc()) as driven:
        for sql, want in (
            ("SELECT word FROM words WHERE word = 'ärger'", ["ärger"]),
            ("SELECT word FROM words WHERE word = 'A'", []),
            ("SELECT word FROM words WHERE word LIKE 'a%'", ["a"]),
            ("SELECT word FROM words ORDER BY word", ["A ", "a", "Ärger", "ärger", None]),
            ("SELECT DISTINCT word FROM words ORDER BY word LIMIT 2", ["A ", "a"]),
        ):
            assert driven.query(sql).column("word").to_pylist() == want, sql


def test_odd_names_and_other_databases(odbc: Callable[..., OdbcConnector]) -> None:
    connector = odbc()
    names = connector.tables().names()
    assert {TableName("kit", 'odd `name"'), TableName("second", "words")} <= set(names)
    assert not [n for n in names if n.schema in ("mysql", "sys", "information_schema")]
    assert connector.tables().find(TableName("kit", "WORDS")) is None
    view = connector.tables().find(TableName("kit", "silent"))
    assert view is not None
    assert view.kind == "VIEW"
    assert connector.tables().kinds()[view.name] == "VIEW"
    only = odbc(schemas=["second"])
    assert only.tables().names() == [TableName("second", "words")]
    assert only.tables().find(TableName("kit", "words")) is None
    with Driven.over(connector) as driven:
        answer = driven.query('SELECT "a b" + "c`d" AS s FROM "odd `name"""')
    assert answer.to_pylist() == [{"s": 3}]


def test_a_value_longer_than_its_bound_fails_the_query(
    odbc: Callable[..., OdbcConnector],
) -> None:
    with (
        Driven.over(odbc(max_text_bytes=100)) as driven,
        pytest.raises(SourceRejectedError, match="max_text_bytes"),
    ):
        driven.query("SELECT t FROM long_text")
    with Driven.over(odbc(max_text_bytes=200, fetch_concurrently=False)) as driven:
        assert driven.query("SELECT t FROM long_text")["t"].to_pylist() == ["x" * 200]


def test_another_dialect_is_read_by_what_odbc_says(
    odbc: Callable[..., OdbcConnector], server: MariadbServer
) -> None:
    """As any database is that has no reading of its own. MariaDB reads ANSI quotes if told to."""
    text = server.connection_string(INITSTMT="{SET sql_mode='ANSI_QUOTES',time_zone='+00:00'}")
    connector = odbc(connection_string=text, dialect="postgres", default_schema="kit")
    assert TableName("kit", "types") in connector.tables().names()
    with Driven.over(connector) as driven:
        (row,) = driven.query("SELECT * FROM plain").to_pylist()
        # It is text on its way: read as a date it would end this process.
        with pytest.raises(SourceRejectedError, match="'day' holds a value that does not fit"):
            driven.query("SELECT day FROM types")
    assert row == {
        "id": 1,
        "exact": Decimal("1.5000000000"),
        "day": datetime.date(2024, 2, 29),
        "moment": datetime.datetime(9999, 12, 31, 23, 59, 59),
        "fixed": "ab",
        "raw": b"\0\xff",
    }


# What is known of it.


def test_what_the_database_knows_of_a_table(odbc: Callable[..., OdbcConnector]) -> None:
    known = odbc().statistics(TableName("kit", "counted"))
    assert known.rows == pytest.approx(2000, rel=0.3)
    columns = known.columns
    assert columns["id"].distinct == known.rows
    assert columns["kind"].distinct == pytest.approx(7, abs=7)
    assert columns["amount"].distinct is None
    assert columns["kind"].null_fraction == 0.0
    assert columns["note"].null_fraction is None
    # A date that is none is NULL here, whatever it was declared.
    assert columns["day"].null_fraction is None
    assert columns["note"].width_bytes == pytest.approx(64, rel=0.4)
    assert columns["short"].width_bytes == 4 + 2 * 4
    assert columns["amount"].width_bytes is None


@pytest.mark.parametrize("table", ["counted_view", "nowhere"])
def test_of_what_is_no_table_nothing_is_known(
    odbc: Callable[..., OdbcConnector], table: str
) -> None:
    assert odbc().statistics(TableName("kit", table)) == Statistics()


def test_nothing_is_known_of_a_database_that_cannot_be_asked(
    odbc: Callable[..., OdbcConnector],
) -> None:
    closed = odbc()
    closed.close()
    for connector in (closed, odbc(dialect="postgres")):
        assert connector.statistics(TableName("kit", "counted")) == Statistics()


# How it ends.


@pytest.mark.parametrize("table", ["silent", "endless"])
def test_a_cancel_ends_the_statement_at_the_source(
    odbc: Callable[..., OdbcConnector], server: MariadbServer, table: str
) -> None:
    stream = odbc().execute(scan(table, NUMBER), None)
    blocked = Blocked(stream)
    eventually(lambda: active(server) == 1)
    stream.cancel()
    stream.cancel()
    assert blocked.ended()
    assert isinstance(blocked.failure, CancelledError)
    eventually(lambda: active(server) == 0)


def test_a_deadline_and_a_timeout_end_it(
    odbc: Callable[..., OdbcConnector], server: MariadbServer
) -> None:
    for bound, error in (({}, DeadlineError), ({"timeout_seconds": 0.3}, SourceTimeoutError)):
        deadline = None if bound else time.monotonic() + 0.3
        with pytest.raises(error):
            list(odbc(**bound).execute(scan("silent", NUMBER), deadline))
    eventually(lambda: active(server) == 0)


# How it fails.


def test_connections_that_died_unseen_are_replaced(
    odbc: Callable[..., OdbcConnector], server: MariadbServer
) -> None:
    connector = odbc()
    schema = pa.schema([pa.field("n", pa.int32(), nullable=False)])
    for _ in range(2):
        assert sum(b.num_rows for b in connector.execute(scan("never", schema), None)) == 1
        for row in server.execute(
            "SELECT id FROM information_schema.processlist WHERE user = 'reader'"
        ):
            server.execute(f"KILL {row['id']}")


def test_a_table_that_has_gone_is_noticed(
    odbc: Callable[..., OdbcConnector], server: MariadbServer
) -> None:
    server.execute("CREATE TABLE gone AS SELECT CAST(1 AS signed) AS n")
    connector = odbc()
    fragment = Fragment(TableScan(TableName("kit", "gone"), ()), pa.schema([]))
    assert sum(b.num_rows for b in connector.execute(fragment, None)) == 1
    server.execute("DROP TABLE gone")
    with pytest.raises(SourceSchemaChangedError):
        list(connector.execute(fragment, None))
    assert connector.tables().find(TableName("kit", "gone")) is None


def test_what_cannot_be_reached_or_refuses_says_so(
    odbc: Callable[..., OdbcConnector], server: MariadbServer
) -> None:
    nowhere = odbc(connection_string=server.connection_string(Port=free_port()))
    assert isinstance(failure(nowhere), SourceUnavailableError)
    refused = failure(odbc(password=PASSWORD + "!"))
    assert isinstance(refused, SourceRejectedError)
    assert "password" in str(refused.hint)
    unknown = failure(odbc(connection_string=server.connection_string("nowhere")))
    assert "nowhere" in unknown.message
    no_driver = failure(odbc(connection_string="Driver=/nowhere/lib.so;Server=here"))
    assert isinstance(no_driver, SourceRejectedError)
    assert "Driver" in str(no_driver.hint)


def test_no_secret_of_the_connection_string_is_shown(
    odbc: Callable[..., OdbcConnector], server: MariadbServer
) -> None:
    text = server.connection_string(UID="reader", PWD="{" + PASSWORD + "}")
    connector = odbc(connection_string=text, user=None, password=None)
    assert PASSWORD not in repr(connector) + connector.identity
    assert "server=127.0.0.1" in connector.identity
    assert connector.tables().names()
    other = odbc(connection_string=text + "!", user=None, password=None)
    assert connector.identity != other.identity


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connection_string": f"Server=db;PWD={PASSWORD}"}, "Driver=… or DSN=…"),
        ({"dialect": "klingon"}, "sqlglot's name"),
        ({"password": None}, "belong together"),
        ({"max_batch_mb": 0}, "max_batch_mb"),
        ({"conection_string": "x"}, "did you mean 'connection_string'"),
    ],
)
def test_options_that_are_refused(
    odbc: Callable[..., OdbcConnector], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        odbc(**options)
    assert PASSWORD not in str(raised.value)


def test_a_source_that_was_closed_says_so(odbc: Callable[..., OdbcConnector]) -> None:
    connector = odbc()
    connector.close()
    connector.close()
    with pytest.raises(CrosswindError, match="closed"):
        connector.tables().names()


# What needs no database.


def options(**given: object) -> OdbcOptions:
    needed = {"connection_string": "Driver=x", "user": "u", "password": "p", "dialect": "mysql"}
    return OdbcOptions.model_validate({**needed, **given})


def read(type_: pa.DataType, travels: pa.DataType, values: list[object]) -> list[object]:
    """What becomes of a column that travels so."""
    batch = pa.record_batch([pa.array(values, travels)], ["c"])
    columns = Columns("shop", batch.schema, pa.schema([("c", type_)]))
    values_read: list[object] = columns.convert(batch).column(0).to_pylist()
    return values_read


@pytest.mark.parametrize(
    ("found", "sent", "wanted"),
    [
        (pa.int32(), 7, 7),
        (pa.float32(), 0.5, 0.5),
        (pa.bool_(), True, True),
        (pa.binary(2), b"ab", b"ab"),
        (pa.string(), "x", "x"),
        (pa.date32(), "2024-02-29", datetime.date(2024, 2, 29)),
        (pa.timestamp("s"), "2024-02-29 01:02:03", datetime.datetime(2024, 2, 29, 1, 2, 3)),
        (
            pa.timestamp("ns"),
            "2024-02-29 01:02:03.1234567",
            datetime.datetime(2024, 2, 29, 1, 2, 3, 123456),
        ),
        (pa.time32("s"), "23:59:59", datetime.time(23, 59, 59)),
        (pa.time64("ns"), "01:02:03.1234567", datetime.time(1, 2, 3, 123456)),
        (pa.decimal128(5, 2), "-1.50", Decimal("-1.50")),
        (pa.decimal256(50, 2), "1.50", "1.50"),
    ],
    ids=str,
)
def test_each_type_of_any_database_is_read(
    found: pa.DataType, sent: object, wanted: object
) -> None:
    reading = reading_of(found)
    assert read(reading.type, reading.travels, [sent, None]) == [wanted, None]


@pytest.mark.parametrize(
    ("type_", "sent"),
    [
        (pa.timestamp("us"), "2024-02-29 01:02:03.123456+02:00"),
        (pa.timestamp("us"), "2024-02-29 01:02:03.1234567 +02:00"),
        (pa.time64("us"), "01:02:03.123456+02"),
        (pa.time64("us"), "25:00:00"),
    ],
)
def test_what_is_no_moment_without_a_zone_is_refused(type_: pa.DataType, sent: str) -> None:
    with pytest.raises(SourceRejectedError, match="does not fit"):
        read(type_, pa.string(), [sent])


def test_a_float_is_asked_for_in_words_that_older_databases_know() -> None:
    asked = mysql.reading_of("float").sql(exp.column("c", quoted=True))
    assert asked.sql("mysql") == "`c` * 1e0"


def test_a_password_with_a_brace_is_masked_as_it_is_sent() -> None:
    endpoint = Endpoint(options(connection_string="Driver=x;Token={to}}ken}", password="p}ass"))
    assert endpoint.masked("PWD={p}}ass} p}ass {to}}ken} to}ken") == "PWD={***} *** {***} ***"


def test_questions_that_were_given_up_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    given = options(wait_seconds=0.02)
    database = Database("shop", Endpoint(given), given)
    go_on = threading.Event()
    monkeypatch.setattr(database.pool, "_ask", lambda _: go_on.wait(30) and [])
    try:
        for _ in range(4):
            with pytest.raises(SourceTimeoutError):
                database.rows("SELECT 1")
        with pytest.raises(QueueFullError, match="given up"):
            database.rows("SELECT 1")
    finally:
        go_on.set()
    eventually(lambda: not any(t.name == "shop-ask" for t in threading.enumerate()))
    assert database.rows("SELECT 1") == []
