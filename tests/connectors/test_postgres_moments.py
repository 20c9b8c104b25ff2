"""One query sees one moment of PostgreSQL, over however many connections; tables read in pieces."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector, create, ranges
from connectors.adbc.postgres.ranges import Extent, in_ranges
from connectors.adbc.postgres.session import Session
from connectors.adbc.postgres.snapshot import Snapshot
from connectors.errors import CancelledError, SourceRejectedError, SourceUnavailableError
from connectors.memory import MemoryConnector
from execution import reading
from execution.running import Execution
from planner.catalog import Source
from tests.connectors.shop import sessions
from tests.execution.waiting import eventually
from tests.placements import Placement
from tests.postgres_server import PostgresServer

DATABASE = __name__.replace(".", "_")
ROWS = 5000
TOTAL = 1000 * ROWS

TABLES = [
    f"CREATE TABLE accounts AS SELECT i AS id, 1000::bigint AS money, repeat('x', 100) AS note"
    f" FROM generate_series(1, {ROWS}) i",
    "CREATE UNIQUE INDEX ON accounts (id)",
    "CREATE TABLE cash AS SELECT 500000::bigint AS money",
    "CREATE TABLE debts AS SELECT 500000::bigint AS money",
    "CREATE TABLE odd (i, n, note) AS SELECT i,"
    " CASE WHEN i = 4000 THEN 'NaN' ELSE i::numeric(9, 2) END AS n,"
    f" repeat('x', 100) AS note FROM generate_series(1, {ROWS}) i",
    "CREATE MATERIALIZED VIEW kept AS SELECT * FROM accounts",
    "CREATE VIEW seen AS SELECT * FROM accounts",
    "CREATE TABLE parts (id int, money bigint, note text) PARTITION BY HASH (id)",
    "CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    "INSERT INTO parts SELECT * FROM accounts",
    "CREATE TABLE parent (LIKE accounts)",
    "CREATE TABLE child () INHERITS (parent)",
    "INSERT INTO parent SELECT * FROM accounts",
    "CREATE TABLE guarded (LIKE accounts)",
    "INSERT INTO guarded SELECT * FROM accounts",
    "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
    "ANALYZE",
]

BETWEEN_ROWS = """
UPDATE accounts SET money = money + CASE WHEN id = $1 THEN -7 ELSE 7 END,
                    note = note || CASE WHEN length(note) < 600 THEN 'xxxxxxxx' ELSE '' END
WHERE id IN ($1, $2)
"""
THREE_TABLES = """
SELECT sum(money) AS s FROM (
  SELECT money FROM near.zero UNION ALL SELECT money FROM cash UNION ALL SELECT money FROM debts
  UNION ALL SELECT money FROM accounts)
"""
BETWEEN_TABLES = """
WITH paid AS (UPDATE cash SET money = money - 7 RETURNING money)
UPDATE debts SET money = debts.money + 7 FROM paid
"""


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, postgres_uri: str) -> str:
    postgres_server.execute(*TABLES, database=DATABASE)
    return postgres_uri


Open = Callable[..., Placement]


@pytest.fixture
def open_placement(
    database: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Makes placements whose tables are many pieces; every turn and connection is given back."""
    monkeypatch.setattr(ranges, "RANGE_BYTES", 4 * 8192)
    with contextlib.ExitStack() as opened:

        def make(uri: str = database, **options: object) -> Placement:
            shop = Source("shop", create("shop", {"uri": uri, **options}))
            near = Source("near", MemoryConnector("near", {"zero": pa.table({"money": [0]})}))
            placement = opened.enter_context(Placement.opened([shop, near]))
            opened.callback(lambda: eventually(lambda: _free(placement)))
            return placement

        yield make
    eventually(lambda: sessions(postgres_server) == 0)


def _free(placement: Placement) -> bool:
    gate = placement.engine.gate("shop")
    return gate._free == gate.capacity


@contextlib.contextmanager
def moving(
    database: str, *statements: tuple[str, Callable[[int], tuple[int, ...]]]
) -> Iterator[None]:
    """Money moves, in one transaction after another, as long as this is open."""
    done = threading.Event()
    moved = threading.Event()

    def move() -> None:
        with postgres.connect(database, autocommit=True) as connection:
            number = 0
            while not done.is_set():
                number += 1
                for sql, parameters in statements:
                    with connection.cursor() as cursor:
                        cursor.execute(sql, parameters(number) or None)
                moved.set()

    writer = threading.Thread(target=move)
    writer.start()
    try:
        assert moved.wait(30)
        yield
    finally:
        done.set()
        writer.join()


def rows(number: int) -> tuple[int, ...]:
    """Two accounts far from each other, others each time."""
    return number * 7 % ROWS + 1, (number * 13 + ROWS // 2) % ROWS + 1


def used(server: PostgresServer) -> int:
    """Connections that the pool has made."""
    return sessions(server, f"datname = '{DATABASE}'")


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that nobody reads from comes to a halt, far from its end."""
    monkeypatch.setattr(reading, "BUFFER_BYTES", 1)


def start(placement: Placement, sql: str) -> Execution:
    return placement.engine.start(placement.plan(sql))


def read_by(placement: Placement, server: PostgresServer, sql: str, connections: int) -> pa.Table:
    """The answer, of which nothing is read before it comes over so many connections."""
    answer = start(placement, sql).batches()
    batches = [next(answer)]
    eventually(lambda: used(server) == connections)
    batches += answer
    assert used(server) == connections
    return pa.Table.from_batches(batches)


# One moment -------------------------------------------------------------------------------------


def test_the_sum_over_a_parallel_scan_never_changes(
    open_placement: Open, database: str, postgres_server: PostgresServer
) -> None:
    placement = open_placement()
    with moving(database, (BETWEEN_ROWS, rows)):
        for _ in range(10):
            answer = placement.query("SELECT id, money FROM accounts").to_pydict()
            assert sorted(answer["id"]) == list(range(1, ROWS + 1))
            assert sum(answer["money"]) == TOTAL
    assert used(postgres_server) > 1


def test_a_table_that_is_rewritten_meanwhile_is_read_once(
    open_placement: Open, database: str
) -> None:
    placement = open_placement()
    with moving(database, (BETWEEN_ROWS, rows), ("VACUUM FULL accounts", lambda _: ())):
        for _ in range(10):
            answer = placement.query("SELECT id, money FROM accounts").to_pydict()
            assert sorted(answer["id"]) == list(range(1, ROWS + 1))
            assert sum(answer["money"]) == TOTAL


@pytest.mark.parametrize("connections", [1, 2, 8])
def test_fragments_of_one_query_see_one_moment(
    open_placement: Open, database: str, connections: int
) -> None:
    placement = open_placement(max_connections=connections)
    plan = placement.plan(THREE_TABLES)
    assert sum(fragment.source == "shop" for fragment in plan.fragments) == 3
    with moving(database, (BETWEEN_TABLES, lambda _: ()), (BETWEEN_ROWS, rows)):
        for _ in range(15):
            assert placement.run(plan)["s"].to_pylist() == [1_000_000 + TOTAL]


def test_scans_of_an_uncut_statement_see_one_moment(open_placement: Open, database: str) -> None:
    placement = open_placement()
    sql = "SELECT sum(u) AS s FROM (SELECT unnest([c.money, d.money]) AS u FROM cash c, debts d)"
    plan = placement.plan(sql)
    assert plan.residual is not None and not plan.fragments
    with moving(database, (BETWEEN_TABLES, lambda _: ())):
        for _ in range(15):
            assert placement.run(plan)["s"].to_pylist() == [1_000_000]


def test_a_server_that_exports_no_snapshot_is_read_apart_and_one_table_by_one_connection(
    open_placement: Open,
    database: str,
    postgres_server: PostgresServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with guest(postgres_server, "EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC"):
        placement = open_placement(postgres_server.uri(DATABASE, user="guest"))
        with moving(database, (BETWEEN_ROWS, rows)), caplog.at_level(logging.WARNING):
            for _ in range(5):
                answer = placement.query("SELECT id, money FROM accounts").to_pydict()
                assert sorted(answer["id"]) == list(range(1, ROWS + 1))
                assert sum(answer["money"]) == TOTAL
        assert "cannot show one moment" in caplog.text
        assert used(postgres_server) == 1
        placement.catalog.sources["shop"].connector.close()


def test_connections_to_another_server_are_not_in_the_moment(
    open_placement: Open,
    database: str,
    held_up: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    export = Session.export
    # The same id means something at the other server too.
    monkeypatch.setattr(Session, "export", lambda self: replace(export(self), server="another"))
    with moving(database, (BETWEEN_ROWS, rows)), caplog.at_level(logging.WARNING):
        answer = start(open_placement(), "SELECT id, money FROM accounts").batches()
        batches = [next(answer)]
        eventually(lambda: "cannot show one moment" in caplog.text)
        batches += answer
    read = pa.Table.from_batches(batches).to_pydict()
    assert sorted(read["id"]) == list(range(1, ROWS + 1))
    assert sum(read["money"]) == TOTAL


def test_a_slow_client_does_not_end_a_transaction(
    open_placement: Open, postgres_server: PostgresServer, held_up: None
) -> None:
    with guest(postgres_server):
        postgres_server.execute("ALTER ROLE guest SET idle_in_transaction_session_timeout = 100")
        placement = open_placement(postgres_server.uri(DATABASE, user="guest"))
        answer = start(placement, "SELECT * FROM accounts").batches()
        count = next(answer).num_rows
        eventually(lambda: sessions(postgres_server, "state = 'idle in transaction'") > 0)
        time.sleep(0.5)
        assert count + sum(batch.num_rows for batch in answer) == ROWS
        placement.catalog.sources["shop"].connector.close()


@contextlib.contextmanager
def guest(server: PostgresServer, revoked: str = "", limit: int = -1) -> Iterator[None]:
    """A role that may read, but for what is revoked from all."""
    server.execute(
        f"CREATE ROLE guest LOGIN CONNECTION LIMIT {limit}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest",
        *([f"REVOKE {revoked}"] if revoked else []),
        database=DATABASE,
    )
    try:
        yield
    finally:
        server.execute(
            *([f"GRANT {revoked.replace(' FROM ', ' TO ')}"] if revoked else []),
            "DROP OWNED BY guest",
            "DROP ROLE guest",
            database=DATABASE,
        )


@pytest.mark.parametrize("sql", ["SELECT id FROM accounts", THREE_TABLES])
def test_idle_connections_that_died_unseen_are_replaced(
    open_placement: Open, postgres_server: PostgresServer, sql: str
) -> None:
    placement = open_placement()
    plan = placement.plan(sql)
    answer = placement.run(plan)
    for _ in range(5):
        eventually(lambda: quiet(placement, postgres_server))
        terminate(postgres_server)
        assert placement.run(plan).num_rows == answer.num_rows


def terminate(server: PostgresServer) -> None:
    """End the connections from the server's side."""
    server.execute(
        "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity"
        f" WHERE application_name = 'crosswind' AND datname = '{DATABASE}'"
    )


# Pieces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "connections"),
    [
        ("SELECT * FROM accounts", 4),
        ("SELECT * FROM kept", 4),
        ("SELECT * FROM part", 4),
        ("SELECT * FROM seen", 1),
        ("SELECT * FROM parts", 1),
        ("SELECT * FROM parent", 1),
        ("SELECT * FROM guarded", 1),
        ("SELECT * FROM cash", 1),
        ("SELECT * FROM accounts WHERE money >= 0", 4),
        ("SELECT * FROM accounts WHERE id < 2", 1),
        ("SELECT * FROM accounts WHERE id % 2 >= 0", 1),
        ("SELECT * FROM accounts ORDER BY id", 1),
        ("SELECT * FROM accounts LIMIT 4000", 1),
        ("SELECT DISTINCT id FROM accounts", 1),
    ],
)
def test_only_tables_that_are_read_through_and_have_pages_are_read_in_pieces(
    open_placement: Open,
    postgres_server: PostgresServer,
    held_up: None,
    sql: str,
    connections: int,
) -> None:
    answer = read_by(open_placement(), postgres_server, sql, connections)
    assert answer.num_rows in (1, 4000, ROWS)


@pytest.mark.parametrize(
    ("options", "connections"),
    [
        ({"max_connections": 1}, 1),
        ({"max_connections": 3}, 1),
        ({"max_connections": 5}, 2),
        ({"scan_connections": 1}, 1),
        ({"scan_connections": 3}, 3),
    ],
)
def test_a_scan_leaves_half_of_the_connections_to_others(
    open_placement: Open,
    postgres_server: PostgresServer,
    held_up: None,
    options: dict[str, object],
    connections: int,
) -> None:
    sql = "SELECT id, note FROM accounts"
    answer = read_by(open_placement(**options), postgres_server, sql, connections)
    assert sorted(answer["id"].to_pylist()) == list(range(1, ROWS + 1))


def test_connections_that_the_server_refuses_are_done_without(
    open_placement: Open, postgres_server: PostgresServer
) -> None:
    with guest(postgres_server, limit=2):
        placement = open_placement(postgres_server.uri(DATABASE, user="guest"))
        shop = placement.catalog.sources["shop"].connector
        assert isinstance(shop, PostgresConnector)
        for _ in range(5):
            answer = placement.query("SELECT id, note FROM accounts")
            assert sorted(answer["id"].to_pylist()) == list(range(1, ROWS + 1))
            eventually(lambda: len(shop._pool._idle) == shop._pool._total)
        assert 1 <= used(postgres_server) <= 2
        placement.catalog.sources["shop"].connector.close()


def test_rows_that_came_since_the_size_was_noted_are_read(
    open_placement: Open, postgres_server: PostgresServer
) -> None:
    placement = open_placement()
    postgres_server.execute(
        "CREATE TABLE growing AS SELECT * FROM accounts", "ANALYZE growing", database=DATABASE
    )
    try:
        plan = placement.plan("SELECT id FROM growing")
        postgres_server.execute("INSERT INTO growing SELECT * FROM accounts", database=DATABASE)
        assert placement.run(plan).num_rows == 2 * ROWS
    finally:
        postgres_server.execute("DROP TABLE growing", database=DATABASE)


def test_only_what_is_written_back_word_for_word_is_taken_apart() -> None:
    extent = Extent(1 << 20, 8192)
    for text in ('SELECT "a" FROM "t"', 'SELECT "a" FROM "t" WHERE "a" > 1'):
        assert in_ranges(text, extent) is not None
    for text in (
        'SELECT "a" FROM "t" WHERE "a" > (SELECT 1)',
        'SELECT "a" FROM "t" WHERE "a" in (1)',
        'SELECT "a" FROM "t" LIMIT 1',
        'SELECT "a" FROM "t" GROUP BY "a"',
        'SELECT DISTINCT "a" FROM "t"',
        'SELECT "a" FROM "t" ORDER BY "a"',
        'SELECT "a" FROM "t", "u"',
        'SELECT "a" FROM (SELECT "a" FROM "t") AS s',
        'SELECT "a" FROM "t" UNION ALL SELECT "a" FROM "t"',
        'SELECT "a"::text FROM "t"',
        "SELECT (",
    ):
        assert in_ranges(text, extent) is None


# Endings ----------------------------------------------------------------------------------------


def quiet(placement: Placement, server: PostgresServer) -> bool:
    """Nothing of ours runs or is in a transaction, and every turn is free."""
    return _free(placement) and sessions(server, "state <> 'idle'") == 0


def test_a_scan_that_is_cancelled_ends_every_connection(
    open_placement: Open, postgres_server: PostgresServer, held_up: None
) -> None:
    placement = open_placement()
    for taken in (1, 2, 5, 9):
        execution = start(placement, "SELECT * FROM accounts")
        answer = execution.batches()
        for _ in range(taken):
            next(answer)
        execution.cancel()
        with pytest.raises(CancelledError):
            for _ in answer:
                pass
        eventually(lambda: quiet(placement, postgres_server))


def test_a_scan_that_is_left_ends_every_connection(
    open_placement: Open, postgres_server: PostgresServer, held_up: None
) -> None:
    placement = open_placement()
    answer = start(placement, "SELECT * FROM accounts").batches()
    next(answer)
    answer.close()  # type: ignore[attr-defined]
    eventually(lambda: quiet(placement, postgres_server))


def test_a_piece_that_fails_fails_the_scan_and_ends_every_connection(
    open_placement: Open, postgres_server: PostgresServer
) -> None:
    placement = open_placement()
    for _ in range(5):
        with pytest.raises(SourceRejectedError, match=r"shop.*column 'n'.*NaN"):
            placement.query("SELECT * FROM odd")
        eventually(lambda: quiet(placement, postgres_server))


class _Plenty:
    """Turns without end."""

    def take(self) -> bool:
        return True

    def give(self) -> None:
        pass


@pytest.mark.parametrize("late", [False, True])
def test_a_connection_that_is_lost_on_its_way_into_the_moment_is_not_waited_for(
    open_placement: Open,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    late: bool,
) -> None:
    ended = threading.Event()

    def join(_: Snapshot, session: Session) -> None:
        if late:
            ended.wait(30)
        session.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(Snapshot, "_join", join)
    placement = open_placement()
    fragment = placement.plan("SELECT * FROM accounts").fragments[0].fragment
    shop = placement.catalog.sources["shop"].connector
    assert isinstance(shop, PostgresConnector)
    moment = shop.moment(1, 1, _Plenty())
    try:
        assert sum(batch.num_rows for batch in moment.execute(fragment, None)) == ROWS
        ended.set()
        eventually(lambda: quiet(placement, postgres_server))
    finally:
        ended.set()
        moment.close()


def test_a_connection_that_is_lost_fails_the_scan(
    open_placement: Open, postgres_server: PostgresServer, held_up: None
) -> None:
    placement = open_placement()
    answer = start(placement, "SELECT * FROM accounts").batches()
    next(answer)
    terminate(postgres_server)
    with pytest.raises(SourceUnavailableError, match="shop"):
        for _ in answer:
            pass
    eventually(lambda: quiet(placement, postgres_server))
    assert placement.query("SELECT * FROM accounts").num_rows == ROWS
