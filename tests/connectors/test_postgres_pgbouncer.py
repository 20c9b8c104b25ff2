"""PostgreSQL behind a PgBouncer that pools by transaction: no two transactions share a session."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector, create, ranges
from connectors.contract import Fragment, SqlQuery, TableName
from connectors.errors import (
    CancelledError,
    DeadlineError,
    SourceRejectedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.connectors.shop import ENDLESS, ENDLESS_SCHEMA, SLEEP, TEXT, batches, one, read
from tests.execution.waiting import Background, eventually
from tests.pgbouncer_server import pgbouncer
from tests.placements import Placement
from tests.postgres_server import HOST, PostgresServer

DATABASE = __name__.replace(".", "_")
ROWS = 5000

TABLES = [
    # What a session must not take over from the database or the role.
    f"ALTER DATABASE {DATABASE} SET TimeZone = 'Asia/Tokyo'",
    f"ALTER DATABASE {DATABASE} SET DateStyle = 'German'",
    f"ALTER DATABASE {DATABASE} SET idle_in_transaction_session_timeout = '200ms'",
    "CREATE TABLE accounts AS SELECT i AS id, 1000::bigint AS money, repeat('x', 100) AS note"
    f" FROM generate_series(1, {ROWS}) i",
    "CREATE UNIQUE INDEX ON accounts (id)",
    "CREATE TABLE cash AS SELECT 500000::bigint AS money",
    "CREATE TABLE debts AS SELECT 500000::bigint AS money",
    "CREATE TABLE moments AS SELECT '2024-07-01 02:00+02'::timestamptz AS w,"
    " '2024-07-01'::date AS d, '1 day'::interval AS i, '{1.5,NULL}'::numeric(5,2)[] AS n",
    # As if somebody had followed an older advice.
    "CREATE ROLE advised LOGIN SUPERUSER",
    "ALTER ROLE advised SET default_transaction_read_only = on",
    "ALTER ROLE advised SET default_transaction_isolation = 'repeatable read'",
    "ALTER ROLE advised SET TimeZone = 'UTC'",
    "ANALYZE",
]
SESSIONS = """
SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in%')
FROM pg_stat_activity WHERE datname = 'tests_connectors_test_postgres_pgbouncer'
  AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database(DATABASE) as uri:
        postgres_server.execute(*TABLES, database=DATABASE)
        yield uri
    postgres_server.execute("DROP ROLE advised")


@contextlib.contextmanager
def pooled(server: PostgresServer, **settings: object) -> Iterator[str]:
    """The address of a PgBouncer with a few sessions at the server, which take turns."""
    given = {"pool_mode": "transaction", "default_pool_size": 4, "server_round_robin": 1}
    with (
        tempfile.TemporaryDirectory(prefix="crosswind-pgbouncer-") as folder,
        pgbouncer(Path(folder), server.port, ("postgres", "advised"), **given, **settings) as port,
    ):
        yield f"postgresql://postgres@{HOST}:{port}/{DATABASE}"


@pytest.fixture(scope="module", params=["refuses options", "drops options"])
def uri(
    request: pytest.FixtureRequest,
    postgres_server: PostgresServer,
    database: str,
) -> Iterator[str]:
    ignored = "extra_float_digits, options" if request.param == "drops options" else ""
    with pooled(postgres_server, ignore_startup_parameters=ignored) as uri:
        yield uri


@pytest.fixture
def connect(
    uri: str, postgres_server: PostgresServer
) -> Iterator[Callable[..., PostgresConnector]]:
    made: list[PostgresConnector] = []

    def make(uri: str = uri, **options: object) -> PostgresConnector:
        made.append(create("shop", {"uri": uri, **options}))
        return made[-1]

    yield make
    eventually(lambda: not postgres_server.execute(SESSIONS)[0][1])  # no transaction is left open
    for connector in made:
        connector.close()


@pytest.fixture
def placement(
    connect: Callable[..., PostgresConnector], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Placement]:
    """Its tables are many pieces."""
    monkeypatch.setattr(ranges, "RANGE_BYTES", 4 * 8192)
    near = Source("near", MemoryConnector("near", {"zero": pa.table({"money": [0]})}))
    with Placement.opened([Source("shop", connect(max_connections=4)), near]) as placement:
        yield placement


@contextlib.contextmanager
def moving(database: str, *statements: str) -> Iterator[None]:
    """Money moves, in one transaction after another, as long as this is open."""
    done, moved = threading.Event(), threading.Event()

    def move() -> None:
        with postgres.connect(database, autocommit=True) as connection:
            while not done.is_set():
                for sql in statements:
                    with connection.cursor() as cursor:
                        cursor.execute(sql)
                moved.set()

    writer = threading.Thread(target=move)
    writer.start()
    try:
        assert moved.wait(30)
        yield
    finally:
        done.set()
        writer.join()


def test_the_catalog_and_every_kind_of_value_are_read(placement: Placement) -> None:
    source = placement.catalog.sources["shop"].connector
    assert TableName("public", "moments") in source.tables().names()
    assert source.statistics(TableName("public", "accounts")).rows == ROWS
    answer = placement.query("SELECT w, i, n FROM moments")
    assert [str(v) for v in answer.to_pylist()[0].values()] == [
        "2024-07-01 00:00:00+00:00",
        "1 day",
        "[Decimal('1.50'), None]",
    ]


def test_settings_hold_in_each_transaction_whoever_runs_it(
    connect: Callable[..., PostgresConnector],
) -> None:
    shop = connect()
    sql = "SELECT w::text || ' ' || d::text FROM moments"
    running = [Background(lambda: one(shop, sql, pa.string())) for _ in range(4)]
    assert {r.join().result for r in running} == {"2024-07-01 00:00:00+00 2024-07-01"}
    for name, value in {
        "transaction_read_only": "on",
        "transaction_isolation": "repeatable read",
        "extra_float_digits": "1",
        "idle_in_transaction_session_timeout": "0",
        "jit": "off",
    }.items():
        assert one(shop, f"SELECT current_setting('{name}')", pa.string()) == value


def test_a_scan_over_several_connections_sees_one_moment(
    placement: Placement, database: str, postgres_server: PostgresServer
) -> None:
    between = (
        "UPDATE accounts SET money = money + CASE WHEN id = 7 THEN -7 ELSE 7 END"
        f" WHERE id IN (7, {ROWS - 7})"
    )
    with moving(database, between):
        for _ in range(5):
            answer = placement.query("SELECT id, money FROM accounts").to_pydict()
            assert sorted(answer["id"]) == list(range(1, ROWS + 1))
            assert sum(answer["money"]) == 1000 * ROWS
    # The writer has gone: these are the pooler's.
    assert int(str(postgres_server.execute(SESSIONS)[0][0])) > 1


def test_fragments_of_one_query_see_one_moment(placement: Placement, database: str) -> None:
    plan = placement.plan(
        "SELECT sum(money) AS s FROM (SELECT money FROM near.zero UNION ALL SELECT money FROM cash"
        " UNION ALL SELECT money FROM debts)"
    )
    assert sum(fragment.source == "shop" for fragment in plan.fragments) == 2
    between = (
        "WITH paid AS (UPDATE cash SET money = money - 7 RETURNING money)"
        " UPDATE debts SET money = debts.money + 7 FROM paid"
    )
    with moving(database, between):
        for _ in range(10):
            assert placement.run(plan)["s"].to_pylist() == [1_000_000]


def test_a_cancel_reaches_the_server(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect()
    active = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(600%'"
    )
    stream = shop.execute(Fragment(SqlQuery(SLEEP), TEXT), None)
    waiting = Background(lambda: list(stream))
    eventually(lambda: postgres_server.execute(active) == [(2,)])  # itself, too
    stream.cancel()
    assert isinstance(waiting.join().error, CancelledError)
    eventually(lambda: postgres_server.execute(active) == [(1,)])
    with pytest.raises(DeadlineError):
        list(shop.execute(Fragment(SqlQuery(SLEEP), TEXT), time.monotonic() + 0.1))
    eventually(lambda: postgres_server.execute(active) == [(1,)])


def test_a_stream_that_is_left_ends_at_the_server(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=1)
    stream = shop.execute(Fragment(SqlQuery(ENDLESS), ENDLESS_SCHEMA), None)
    next(iter(stream))
    stream.close()
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%100000000%'"
    eventually(lambda: postgres_server.execute(f"{running} AND state = 'active'") == [(1,)])


def test_the_limit_of_a_statement_is_that_of_its_transaction(
    connect: Callable[..., PostgresConnector],
) -> None:
    with pytest.raises(SourceTimeoutError):
        read(connect(timeout_seconds=0.1), SLEEP, TEXT)
    assert one(connect(), "SELECT current_setting('statement_timeout')", pa.string()) == "0"


def test_what_fails_leaves_the_connection_to_the_next(
    connect: Callable[..., PostgresConnector],
) -> None:
    shop = connect(max_connections=1)
    for _ in range(3):
        with pytest.raises(SourceRejectedError, match="division by zero"):
            list(batches(shop, "SELECT (1 / (i - 2))::text FROM generate_series(1, 3) i", TEXT))
        assert one(shop, "SELECT 'sound'::text", pa.string()) == "sound"
    found = shop.estimate(Fragment(SqlQuery("SELECT id FROM accounts"), TEXT), None)
    assert found.rows is not None and found.rows >= ROWS


def test_a_role_that_has_the_settings_does_not_hide_the_pooler(
    postgres_server: PostgresServer,
    database: str,
) -> None:
    with pooled(postgres_server, ignore_startup_parameters="options") as uri:
        shop = create("shop", {"uri": uri.replace("postgres@", "advised@")})
        running = [
            Background(lambda: one(shop, "SELECT count(*) FROM accounts", pa.int64()))
            for _ in range(12)
        ]
        assert {(r.join().result, r.error) for r in running} == {(ROWS, None)}
        shop.close()


def test_it_is_an_error_where_a_session_is_wanted(
    connect: Callable[..., PostgresConnector],
) -> None:
    with pytest.raises(SourceRejectedError) as raised:
        connect(pool_mode="session").tables().names()
    assert "settings" in str(raised.value) or "options" in str(raised.value)


def test_a_pooler_that_dies_in_mid_stream_fails_the_query(
    postgres_server: PostgresServer,
    database: str,
) -> None:
    with contextlib.ExitStack() as stack:
        running = contextlib.ExitStack()
        stack.enter_context(running)
        uri = running.enter_context(pooled(postgres_server))
        shop = create("shop", {"uri": uri, "pool_mode": "transaction"})
        stack.callback(shop.close)
        stream = iter(shop.execute(Fragment(SqlQuery(ENDLESS), ENDLESS_SCHEMA), None))
        next(stream)
        running.close()
        with pytest.raises(SourceUnavailableError):
            list(stream)
