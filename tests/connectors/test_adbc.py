"""Any ADBC driver as a source: found, configured, read and stopped, and what its failures say."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import adbc_driver_duckdb
import adbc_driver_sqlite
import duckdb
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors import registry
from connectors.adbc.any import AdbcConnector
from connectors.conformance.driving import Driven
from connectors.conformance.streams import Blocked
from connectors.contract import ColumnStatistics, Fragment, Statistics, TableName, TableScan
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
    UnsupportedError,
)
from tests.child_server import ChildServer
from tests.execution.waiting import eventually
from tests.postgres_server import PostgresServer, free_port

SECRET = "s3cret-value"
NUMBER = pa.schema([("n", pa.int64())])


@pytest.fixture
def adbc() -> Iterator[Callable[..., AdbcConnector]]:
    """Makes connectors; closes them, and nothing may be left."""
    before = set(threading.enumerate())
    made: list[AdbcConnector] = []

    def make(driver: str, **options: object) -> AdbcConnector:
        connector = registry.create("adbc", "any", {"driver": driver, **options})
        assert isinstance(connector, AdbcConnector)
        made.append(connector)
        return connector

    yield make
    for connector in made:
        connector.close()
    eventually(lambda: set(threading.enumerate()) <= before)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of an SQLite file."""
    path = tmp_path_factory.mktemp("notes") / "notes.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE people (id INTEGER, name TEXT, height REAL, photo BLOB);
            INSERT INTO people VALUES (1, 'Ada', 1.65, x'00ff'), (NULL, NULL, NULL, NULL),
              (3, 'Émile "Z"', -0.5, x'');
            CREATE TABLE empty (id INTEGER, name TEXT);
            CREATE TABLE "odd ""name`s]" (n INTEGER);
            INSERT INTO "odd ""name`s]" VALUES (7);
            CREATE VIEW slow AS WITH RECURSIVE r(n) AS
              (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4000000) SELECT max(n) AS n FROM r;
            """
        )
    return f"file:{path}?mode=ro"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The options of a DuckDB file."""
    path = str(tmp_path_factory.mktemp("warehouse") / "kept.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute(
            """
            CREATE TABLE visits AS SELECT i AS id, 'text ' || i AS note FROM range(10) r(i);
            CREATE SCHEMA other;
            CREATE VIEW other.moments AS SELECT TIMESTAMPTZ '2024-03-31 01:00:00+00' AS at;
            """
        )
    return {"path": path, "access_mode": "READ_ONLY"}


def scan(table: str, schema: pa.Schema, limit: int | None = None) -> Fragment:
    namespace, _, name = table.rpartition(".")
    return Fragment(TableScan(TableName(namespace, name), tuple(schema.names), None, limit), schema)


def rows(connector: AdbcConnector, sql: str) -> list[dict[str, object]]:
    with Driven.over(connector) as driven:
        return driven.query(sql).to_pylist()


def failure(connector: AdbcConnector) -> SourceError:
    with pytest.raises(SourceError) as raised:
        connector.tables().names()
    assert raised.value.source == "any"
    assert SECRET not in f"{raised.value}{raised.value!r}{raised.value.__cause__}"
    return raised.value


# Drivers, by each of their names.


def test_a_driver_by_its_package(adbc: Callable[..., AdbcConnector], notes: str) -> None:
    connector = adbc("adbc_driver_sqlite", uri=notes)
    assert [n.name for n in connector.tables().names()] == [
        *("empty", 'odd "name`s]', "people", "slow")
    ]
    with Driven.over(connector) as driven:
        people = driven.query("SELECT * FROM people WHERE id IS NULL OR name LIKE '_mile%'")
        assert people.to_pylist() == [
            {"id": None, "name": None, "height": None, "photo": None},
            {"id": 3, "name": 'Émile "Z"', "height": -0.5, "photo": b""},
        ]
        assert driven.query('SELECT * FROM "odd ""name`s]"').to_pylist() == [{"n": 7}]
        # This driver takes a column's type from its rows, of which there are none.
        assert driven.query("SELECT count(*) AS n FROM empty").to_pylist() == [{"n": 0}]


def test_a_driver_by_its_path_and_entrypoint(
    adbc: Callable[..., AdbcConnector], warehouse: dict[str, str]
) -> None:
    path = adbc_driver_duckdb.driver_path()
    connector = adbc(path, entrypoint="duckdb_adbc_init", db_kwargs=warehouse)
    assert rows(connector, "SELECT count(*) AS n FROM main.visits") == [{"n": 10}]


def test_a_driver_by_its_manifest(
    adbc: Callable[..., AdbcConnector],
    warehouse: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = json.dumps(adbc_driver_duckdb.driver_path())
    manifest = tmp_path / "kept.toml"
    manifest.write_text(
        f"manifest_version = 1\n[Driver]\nentrypoint = 'duckdb_adbc_init'\nshared = {library}\n"
    )
    monkeypatch.setenv("ADBC_DRIVER_PATH", str(tmp_path))
    for name in ("kept", str(manifest)):
        connector = adbc(name, db_kwargs=warehouse)
        assert rows(connector, "SELECT max(id) AS n FROM visits") == [{"n": 9}]


@pytest.mark.parametrize(
    ("driver", "entrypoint", "message"),
    [
        ("adbc_driver_nowhere", None, r"'adbc_driver_nowhere' .* not installed.*pip install"),
        ("./nowhere.so", None, r"no driver at './nowhere.so'"),
        ("nowhere", None, r"driver 'nowhere' cannot be loaded"),
        (adbc_driver_sqlite._driver_path(), "no_such_init", r"cannot be loaded: .*no_such_init"),
        (__file__, None, "cannot be loaded"),
    ],
)
def test_a_driver_that_is_not_there(
    adbc: Callable[..., AdbcConnector], driver: str, entrypoint: str | None, message: str
) -> None:
    error = failure(adbc(driver, entrypoint=entrypoint))
    assert isinstance(error, SourceRejectedError)
    assert error.hint
    with pytest.raises(SourceRejectedError, match=message):
        raise error


# Options.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"db_kwargs": {"uri": SECRET}}, "uri has a key of its own"),
        ({"dialect": "klingon"}, "sqlglot's name of a dialect"),
        ({"driver": ""}, "driver"),
        ({"db_kwarg": {}}, "did you mean 'db_kwargs'"),
        ({"db_kwargs": {"password": [SECRET]}}, "password"),
    ],
)
def test_options_that_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        registry.create("adbc", "any", {"driver": "adbc_driver_sqlite", **options})
    assert SECRET not in str(raised.value)


def test_numbers_and_truth_values_are_written_as_adbc_has_them(
    adbc: Callable[..., AdbcConnector], warehouse: dict[str, str]
) -> None:
    connector = adbc("adbc_driver_duckdb", db_kwargs={**warehouse, "threads": 1})
    assert rows(connector, "SELECT count(*) AS n FROM visits") == [{"n": 10}]
    error = failure(adbc("adbc_driver_sqlite", db_kwargs={"no.such.option": True}))
    assert "no.such.option" in str(error)


def test_an_option_that_the_driver_refuses_is_not_repeated(
    adbc: Callable[..., AdbcConnector],
) -> None:
    error = failure(adbc("adbc_driver_sqlite", db_kwargs={"no.such.option": SECRET}))
    assert "no.such.option" in str(error)


def test_identity_is_of_driver_and_options(adbc: Callable[..., AdbcConnector]) -> None:
    made = [
        adbc("adbc_driver_sqlite", uri="file:a", db_kwargs={"k": SECRET}),
        adbc("adbc_driver_sqlite", uri="file:a", db_kwargs={"k": SECRET}),
        adbc("adbc_driver_sqlite", uri="file:b", db_kwargs={"k": SECRET}),
        adbc("adbc_driver_sqlite", uri="file:a", db_kwargs={"k": "another"}),
        adbc("adbc_driver_postgresql", uri="file:a", db_kwargs={"k": SECRET}),
        adbc("adbc_driver_sqlite", uri="file:a", db_kwargs={"k": SECRET}, dialect="sqlite"),
    ]
    assert made[0].identity == made[1].identity
    assert len({c.identity for c in made}) == len(made) - 1
    assert not [c for c in made if SECRET in c.identity + repr(c)]


# What goes there.


def test_without_a_dialect_only_columns_go_there(
    adbc: Callable[..., AdbcConnector], notes: str
) -> None:
    connector = adbc("adbc_driver_sqlite", uri=notes)
    assert connector.capabilities.relations == {"read", "project"}
    with Driven.over(connector) as driven:
        (planned,) = driven.plan("SELECT name FROM people WHERE id = 1 LIMIT 1").fragments
        assert planned.operators == ()
    with pytest.raises(UnsupportedError, match="limit"):
        connector.execute(scan("people", NUMBER, limit=1), None)


def test_a_dialect_without_rules_writes_its_own_quotes_and_limits(
    adbc: Callable[..., AdbcConnector], notes: str
) -> None:
    connector = adbc("adbc_driver_sqlite", uri=notes, dialect="clickhouse")
    assert connector.capabilities.dialect is None
    people = connector.execute(scan("people", pa.schema([("id", pa.int64())]), limit=2), None)
    assert sum(batch.num_rows for batch in people) == 2


def test_an_unproven_dialect_is_sent_only_what_is_asked_for(
    adbc: Callable[..., AdbcConnector], notes: str
) -> None:
    """SQLite reads BigQuery's quotes, and this much of its SQL."""
    connector = adbc("adbc_driver_sqlite", uri=notes, dialect="bigquery")
    sql = "SELECT name FROM people WHERE id = 3"
    with Driven.over(connector) as driven:
        for pushdown, sent in (("proven", False), ("all", True)):
            (planned,) = driven.plan(sql, pushdown).fragments
            assert ("filter" in planned.operators) is sent
            assert "`people`" in planned.fragment.query.text
            assert driven.query(sql, pushdown).to_pylist() == [{"name": 'Émile "Z"'}]


def test_a_flight_sql_server_by_its_driver_and_the_engines_dialect(
    adbc: Callable[..., AdbcConnector], far: ChildServer
) -> None:
    connector = adbc(
        "adbc_driver_flightsql", uri=far.url, dialect="datafusion", catalog="duck", schemas=["main"]
    )
    assert TableName("main", "orders") in connector.tables().names()
    sql = "SELECT customer, count(*) AS n FROM orders WHERE id < 300 GROUP BY customer"
    with Driven.over(connector) as driven:
        plan = driven.plan(sql, "required")
        assert plan.residual is None
        answer = driven.query(sql)
    assert answer.num_rows == 100
    assert set(answer["n"].to_pylist()) == {3}


def test_tables_that_the_driver_does_not_list_are_named(
    adbc: Callable[..., AdbcConnector], warehouse: dict[str, str]
) -> None:
    connector = adbc("adbc_driver_duckdb", db_kwargs=warehouse, tables=["main.visits", "visits"])
    assert connector.tables().names() == [TableName("", "visits"), TableName("main", "visits")]
    assert rows(connector, "SELECT id FROM main.visits WHERE id > 8") == [{"id": 9}]


def test_only_the_chosen_schemas_are_seen(
    adbc: Callable[..., AdbcConnector], warehouse: dict[str, str]
) -> None:
    connector = adbc("adbc_driver_duckdb", db_kwargs=warehouse, schemas=["other"])
    assert connector.tables().names() == [TableName("other", "moments")]
    table = connector.tables().find(TableName("", "moments"))
    assert table is not None
    assert (table.kind, table.path) == ("VIEW", ("kept", "other", "moments"))
    # The driver says the zone of whoever runs this; what it means is the moment.
    assert table.schema.field("at").type == pa.timestamp("us", "UTC")
    assert connector.tables().find(TableName("main", "visits")) is None


# What is known of it.


def test_what_a_driver_says_of_a_table(
    adbc: Callable[..., AdbcConnector], postgres_server: PostgresServer, postgres_uri: str
) -> None:
    database = urlsplit(postgres_uri).path[1:]
    postgres_server.execute(
        "CREATE TABLE half_empty AS SELECT i AS id, nullif(i % 2, 0) AS odd, 'text' AS note"
        " FROM generate_series(1, 1000) i",
        # To the driver the name of the first is a pattern that this one matches, too.
        "CREATE TABLE half1empty AS SELECT 1 AS id",
        "ANALYZE half_empty, half1empty",
        "CREATE TABLE unseen AS SELECT 1 AS id",
        database=database,
    )
    connector = adbc("adbc_driver_postgresql", uri=postgres_uri)
    known = connector.statistics(TableName("public", "half_empty"))
    assert known.rows == 1000
    assert known.columns["odd"] == ColumnStatistics(1.0, 0.5, 4.0)
    assert known.columns["note"] == ColumnStatistics(1.0, 0.0, 5.0)
    assert known.columns["id"].distinct == 1000
    for name in ("unseen", "nowhere"):
        assert connector.statistics(TableName("public", name)) == Statistics()


def test_a_driver_that_only_counts_rows(
    adbc: Callable[..., AdbcConnector], warehouse: dict[str, str]
) -> None:
    connector = adbc("adbc_driver_duckdb", db_kwargs=warehouse)
    assert connector.statistics(TableName("main", "visits")) == Statistics(rows=10)
    assert connector.statistics(TableName("other", "moments")) == Statistics()


def test_nothing_is_known_where_the_driver_says_nothing(
    adbc: Callable[..., AdbcConnector], notes: str
) -> None:
    connector = adbc("adbc_driver_sqlite", uri=notes)
    assert connector.statistics(TableName("", "people")) == Statistics()
    connector.close()
    assert connector.statistics(TableName("", "empty")) == Statistics()


# How it ends.


@pytest.fixture(scope="module")
def silent(postgres_server: PostgresServer, postgres_uri: str) -> str:
    """A database whose view gives no row for a minute."""
    database = urlsplit(postgres_uri).path[1:]
    postgres_server.execute(
        "CREATE VIEW silent AS SELECT CAST(1 AS bigint) AS n FROM pg_sleep(60)", database=database
    )
    return postgres_uri


def active(server: PostgresServer) -> int:
    found = (
        "SELECT pid FROM pg_stat_activity WHERE state = 'active'"
        " AND query ~ 'silent' AND pid <> pg_backend_pid()"
    )
    return len(server.execute(found))


def test_a_cancel_ends_the_statement_at_the_source(
    adbc: Callable[..., AdbcConnector], silent: str, postgres_server: PostgresServer
) -> None:
    connector = adbc("adbc_driver_postgresql", uri=silent)
    stream = connector.execute(scan("silent", NUMBER), None)
    blocked = Blocked(stream)
    eventually(lambda: active(postgres_server) == 1)
    stream.cancel()
    stream.cancel()
    assert blocked.ended()
    assert isinstance(blocked.failure, CancelledError)
    eventually(lambda: active(postgres_server) == 0)


def test_a_deadline_and_a_timeout_end_it(
    adbc: Callable[..., AdbcConnector], silent: str, postgres_server: PostgresServer
) -> None:
    for bound, error in (({}, DeadlineError), ({"timeout_seconds": 0.2}, SourceTimeoutError)):
        connector = adbc("adbc_driver_postgresql", uri=silent, **bound)
        deadline = None if bound else time.monotonic() + 0.2
        with pytest.raises(error):
            list(connector.execute(scan("silent", NUMBER), deadline))
    eventually(lambda: active(postgres_server) == 0)


def test_a_statement_that_cannot_be_cancelled_is_left_and_keeps_its_turn(
    adbc: Callable[..., AdbcConnector], notes: str
) -> None:
    connector = adbc("adbc_driver_sqlite", uri=notes, max_connections=1)
    stream = connector.execute(scan("slow", NUMBER), None)
    blocked = Blocked(stream)
    eventually(lambda: connector._database.turns.running == 1)
    stream.cancel()
    assert blocked.ended(5)
    assert isinstance(blocked.failure, CancelledError)
    # The next one waits for it, as long as it may.
    with pytest.raises((DeadlineError, QueueFullError)):
        list(connector.execute(scan("slow", NUMBER), time.monotonic() + 0.01))
    assert rows(connector, "SELECT count(*) AS n FROM people") == [{"n": 3}]


def test_questions_that_were_given_up_are_bounded(
    adbc: Callable[..., AdbcConnector], notes: str
) -> None:
    database = adbc("adbc_driver_sqlite", uri=notes, wait_seconds=0.02)._database
    go_on = threading.Event()
    begun: list[object] = []

    def question(connection: object) -> None:
        begun.append(connection)
        go_on.wait(30)

    try:
        # One that is given up while it connects is not asked at all.
        while len(begun) < 4:
            with pytest.raises((SourceTimeoutError, QueueFullError)):
                database.ask(question)
        with pytest.raises(QueueFullError, match="given up"):
            database.ask(lambda _: None)
    finally:
        go_on.set()
    eventually(lambda: not any(t.name == "any-ask" for t in threading.enumerate()))


# How it fails.


def test_a_table_that_has_gone_is_noticed(
    adbc: Callable[..., AdbcConnector], postgres_server: PostgresServer, postgres_uri: str
) -> None:
    database = urlsplit(postgres_uri).path[1:]
    postgres_server.execute("CREATE TABLE gone AS SELECT 1::bigint AS n", database=database)
    connector = adbc("adbc_driver_postgresql", uri=postgres_uri)
    assert list(connector.execute(scan("gone", NUMBER), None))
    postgres_server.execute("DROP TABLE gone", database=database)
    with pytest.raises(SourceSchemaChangedError):
        list(connector.execute(scan("gone", NUMBER), None))
    assert connector.tables().find(TableName("", "gone")) is None


def test_connections_that_died_unseen_are_replaced(
    adbc: Callable[..., AdbcConnector], postgres_server: PostgresServer, postgres_uri: str
) -> None:
    connector = adbc("adbc_driver_postgresql", uri=postgres_uri)
    database = urlsplit(postgres_uri).path[1:]
    postgres_server.execute("CREATE TABLE kept AS SELECT 1::bigint AS n", database=database)
    for _ in range(2):
        assert sum(b.num_rows for b in connector.execute(scan("kept", NUMBER), None)) == 1
        postgres_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )


def test_a_session_that_dies_in_mid_stream_fails_the_query(
    adbc: Callable[..., AdbcConnector], postgres_server: PostgresServer, postgres_uri: str
) -> None:
    database = urlsplit(postgres_uri).path[1:]
    postgres_server.execute(
        "CREATE VIEW endless AS SELECT generate_series(1::bigint, 1000000000) AS n",
        database=database,
    )
    connector = adbc("adbc_driver_postgresql", uri=postgres_uri)
    batches = iter(connector.execute(scan("endless", NUMBER), None))
    assert next(batches).num_rows
    postgres_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(SourceUnavailableError) as raised:
        for _ in batches:
            pass
    assert raised.value.source == "any"


SNOWFLAKE = {
    "username": "reader",
    "password": SECRET,
    "adbc.snowflake.sql.account": "acme",
    "adbc.snowflake.sql.uri.protocol": "http",
    "adbc.snowflake.sql.uri.host": "127.0.0.1",
}


def test_snowflake_without_an_account(adbc: Callable[..., AdbcConnector]) -> None:
    error = failure(adbc("adbc_driver_snowflake", dialect="snowflake"))
    assert isinstance(error, SourceRejectedError)
    assert "account is empty" in error.message
    assert "adbc.snowflake.sql.account" in str(error.hint)


def test_snowflake_that_cannot_be_reached_says_so_in_time(
    adbc: Callable[..., AdbcConnector],
) -> None:
    port = free_port()
    kwargs = {**SNOWFLAKE, "adbc.snowflake.sql.uri.port": port}
    error = failure(adbc("adbc_driver_snowflake", db_kwargs=kwargs, wait_seconds=4))
    assert isinstance(error, SourceUnavailableError)
    assert f"127.0.0.1:{port}: connect: connection refused" in error.message
    assert error.hint


def test_bigquery_without_a_project_or_a_login(
    adbc: Callable[..., AdbcConnector], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = failure(adbc("adbc_driver_bigquery", dialect="bigquery"))
    assert isinstance(error, SourceRejectedError)
    assert "adbc.bigquery.sql.project_id" in str(error.hint)
    # Where the driver looks by itself there is nothing.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    error = failure(adbc("adbc_driver_bigquery", db_kwargs=_bigquery("not JSON " + SECRET)))
    assert isinstance(error, SourceRejectedError)
    assert "adbc.bigquery.sql.auth_credentials" in str(error.hint)


def test_bigquery_that_cannot_be_reached_says_so_in_time(
    adbc: Callable[..., AdbcConnector],
) -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    login = {
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": SECRET,
        "private_key": key.decode(),
        "client_email": "reader@acme.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{free_port()}/token",
    }
    error = failure(
        adbc("adbc_driver_bigquery", db_kwargs=_bigquery(json.dumps(login)), wait_seconds=0.5)
    )
    assert isinstance(error, SourceTimeoutError | SourceUnavailableError)
    assert error.hint


def _bigquery(credentials: str) -> dict[str, str]:
    return {
        "adbc.bigquery.sql.project_id": "acme",
        "adbc.bigquery.sql.auth_type": "adbc.bigquery.sql.auth_type.json_credential_string",
        "adbc.bigquery.sql.auth_credentials": credentials,
    }


def test_a_source_that_was_closed_says_so(adbc: Callable[..., AdbcConnector], notes: str) -> None:
    connector = adbc("adbc_driver_sqlite", uri=notes)
    connector.close()
    connector.close()
    with pytest.raises(CrosswindError, match="closed"):
        connector.tables().names()
