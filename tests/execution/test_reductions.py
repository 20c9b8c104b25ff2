"""Keys that are sent to a source: what is asked with them and without, and how waiting ends.

PostgreSQL holds one side of each join, Parquet files the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.errors import CancelledError, CrosswindError
from execution.running import Execution
from planner.account import Account
from planner.options import PlanningOptions
from planner.plan import Plan, PlannedFragment, Reduction
from tests.placements import Placement
from tests.postgres_server import PostgresServer

from .waiting import Background, eventually

ROWS = 20_000
TEXTS = ["plain", 'quo"te', "back\\slash", "a,b", "{brace}", "it's", "", "NULL", None, "nul\0"]

SILENT = (
    "SELECT o.note, k.slept FROM orders o JOIN (SELECT k.id, s.slept FROM picked k"
    " JOIN slow s ON s.id = k.id) k ON k.id = o.id"
)
"""What has keys for the orders does not come for minutes."""

JOIN = "SELECT o.id, o.note, k.tag FROM orders o JOIN picked k ON k.id = o.id"


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, object]]]:
    """Orders and words at the database, what picks some of them in files."""
    folder = tmp_path_factory.mktemp("picked")
    picked = pa.table(
        {"id": pa.array([3, 7, 7, None, 50_000], pa.int64()), "tag": ["a", "b", "c", "d", "e"]}
    )
    pq.write_table(picked, folder / "picked.parquet")
    every = pa.table({"id": pa.array(range(ROWS), pa.int64())})
    pq.write_table(every, folder / "every.parquet")
    pq.write_table(picked.slice(0, 0), folder / "none.parquet")
    narrow = pa.table({"id": pa.array([3, 7, None, 40_000], pa.int32())})
    pq.write_table(narrow, folder / "narrow.parquet")
    pq.write_table(pa.table({"word": TEXTS}), folder / "words.parquet")
    days = pa.array([date(2020, 1, 2), None, date(9999, 12, 31)], pa.date32())
    pq.write_table(pa.table({"day": days}), folder / "days.parquet")
    far = pa.array([18_263, 10_000_000], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"day": far}), folder / "far_days.parquet")
    zero = pa.table({"id": pa.array([1, 0], pa.int64())})
    pq.write_table(zero, folder / "divisors.parquet")
    name = "reductions"
    with postgres_server.database(name) as uri:
        postgres_server.execute(
            "CREATE TABLE orders (id bigint PRIMARY KEY, day date, note text)",
            "INSERT INTO orders SELECT g, date '2020-01-01' + (g % 300)::int, 'note ' || g"
            f" FROM generate_series(0, {ROWS - 1}) g",
            "CREATE TABLE notes (word text, n int)",
            "INSERT INTO notes VALUES ('plain', 1), ('quo\"te', 2), ('back\\slash', 3), ('a,b', 4),"
            " ('{brace}', 5), ('it''s', 6), ('', 7), ('NULL', 8), (NULL, 9), ('other', 10)",
            f"CREATE VIEW broken AS SELECT id, 1 / (id - {ROWS - 1}) AS part FROM orders",
            "CREATE VIEW small AS SELECT id::smallint AS id, day, note FROM orders",
            "CREATE VIEW slow AS SELECT id, pg_sleep(600)::text AS slept FROM orders",
            "ANALYZE",
            database=name,
        )
        yield {
            "shop": {"connector": "postgres", "uri": uri, "max_connections": 2},
            "lake": {"connector": "files", "root": str(folder)},
        }


@pytest.fixture(scope="module")
def both(sources: dict[str, dict[str, object]]) -> Iterator[Placement]:
    """Where keys are sent wherever they can be."""
    with Placement.of_sources(sources) as placement:
        yield replace(placement, options=PlanningOptions(reductions="all"))


@pytest.fixture(scope="module")
def narrow(sources: dict[str, dict[str, object]]) -> Iterator[Placement]:
    """The same over a single connection to the database."""
    shop = sources["shop"] | {"max_connections": 1}
    with Placement.of_sources(sources | {"shop": shop}) as placement:
        yield replace(placement, options=PlanningOptions(reductions="all"))


def reduced(plan: Plan) -> tuple[PlannedFragment, Reduction]:
    """The one fragment of a plan that waits for keys."""
    (found,) = [(f, f.reduction) for f in plan.fragments if f.reduction is not None]
    return found


def ran(placement: Placement, plan: Plan) -> tuple[pa.Table, Account]:
    execution = placement.engine.start(plan)
    batches = list(execution.batches())
    return pa.Table.from_batches(batches, schema=plan.schema), execution.account()


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return sorted(map(tuple, (row.values() for row in table.to_pylist())), key=str)


def test_a_source_sends_only_what_has_a_key(both: Placement) -> None:
    plan = both.plan(JOIN)
    answer, account = ran(both, plan)
    assert rows(answer) == [(3, "note 3", "a"), (7, "note 7", "b"), (7, "note 7", "c")]
    (fragment,) = account.fragments
    # Once each, without NULL.
    assert (fragment.keys, fragment.rows) == (3, 2)
    assert [(stage.name, stage.rows) for stage in account.stages] == [("k1", 5)]


def test_no_keys_are_sent_as_none(both: Placement) -> None:
    answer, account = ran(both, both.plan(JOIN.replace("picked", "none")))
    assert answer.num_rows == 0
    assert (account.fragments[0].keys, account.fragments[0].rows) == (0, 0)


def test_texts_are_found_whatever_is_in_them(both: Placement) -> None:
    plan = both.plan("SELECT n.n FROM notes n JOIN words w ON w.word = n.word")
    answer, account = ran(both, plan)
    assert rows(answer) == [(n,) for n in range(1, 9)]
    assert account.fragments[0].rows == 8


def test_days_are_sent_and_those_that_have_no_text_send_none(both: Placement) -> None:
    sql = "SELECT count(*) AS n FROM orders o JOIN days d ON d.day = o.day"
    answer, account = ran(both, both.plan(sql))
    assert answer["n"].to_pylist() == [-(-(ROWS - 1) // 300)]
    assert account.fragments[0].keys == 2
    answer, account = ran(both, both.plan(sql.replace("JOIN days", "JOIN far_days")))
    assert account.fragments[0].keys is None
    assert answer["n"].to_pylist() == [-(-ROWS // 300)]


@pytest.mark.parametrize(
    ("sql", "waits"),
    [
        ("SELECT k.tag, o.note FROM picked k LEFT JOIN orders o ON o.id = k.id", True),
        ("SELECT o.id FROM orders o LEFT JOIN picked k ON o.id = k.id", False),
        ("SELECT o.id FROM orders o FULL JOIN picked k ON o.id = k.id", False),
        ("SELECT o.id FROM orders o WHERE o.id IN (SELECT id FROM picked)", True),
        (
            "SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM picked k WHERE k.id = o.id)",
            False,
        ),
        (
            "SELECT k.tag FROM picked k"
            " WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = k.id)",
            True,
        ),
        ("SELECT k.tag FROM picked k WHERE k.id NOT IN (SELECT id FROM orders)", None),
        ("SELECT k.tag FROM picked k JOIN orders o ON o.id > k.id WHERE o.id < 9", False),
        ("SELECT k.tag FROM picked k JOIN orders o ON o.id = k.id + 1", None),
    ],
)
def test_only_what_a_join_does_not_keep_waits(
    both: Placement, sql: str, waits: bool | None
) -> None:
    plan = both.plan(sql)
    if waits is not None:
        assert any(f.reduction is not None for f in plan.fragments) is waits
    without = replace(both, options=PlanningOptions(reductions="none"))
    assert not without.plan(sql).stages
    assert rows(both.run(plan)) == rows(without.query(sql))


def test_too_many_keys_are_not_sent(both: Placement) -> None:
    plan = both.plan(JOIN.replace("picked k", "(SELECT id, 'x' AS tag FROM every) k"))
    fragment, reduction = reduced(plan)
    few = replace(fragment, reduction=replace(reduction, most=100))
    plan = replace(plan, fragments=(few,))
    answer, account = ran(both, plan)
    assert account.fragments[0].keys is None
    assert account.fragments[0].rows == answer.num_rows == ROWS


def test_a_fragment_waits_no_longer_than_it_has_patience(both: Placement) -> None:
    plan = both.plan(SILENT)
    fragments = tuple(
        f
        if f.reduction is None
        else replace(f, reduction=replace(f.reduction, patience_seconds=0.0))
        for f in plan.fragments
    )
    execution = both.engine.start(replace(plan, fragments=fragments))
    _cancelled_when(execution, lambda a: any(f.rows == ROWS for f in a.fragments))


def test_a_cancel_ends_the_waiting_and_leaves_nothing(
    both: Placement, postgres_server: PostgresServer
) -> None:
    threads = threading.active_count()
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%slept%'"
        " AND pid <> pg_backend_pid()"
    )
    execution = both.engine.start(both.plan(SILENT))
    _cancelled_when(execution, lambda _: postgres_server.execute(busy) != [(0,)])
    # A session's thread ends after whoever has let it go.
    eventually(lambda: threading.active_count() <= threads)
    eventually(lambda: postgres_server.execute(busy) == [(0,)])


def test_a_stage_that_fails_fails_the_query(both: Placement) -> None:
    sql = JOIN.replace("picked k", "(SELECT 10 / id AS id, 'x' AS tag FROM divisors) k")
    with pytest.raises(CrosswindError) as found:
        both.query(sql)
    assert found.value.code == "request.value"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT s.id, s.note FROM small s JOIN picked k ON k.id = s.id",
        "SELECT s.id, s.note FROM small s JOIN narrow k ON k.id = s.id",
        "SELECT o.id, o.note FROM orders o JOIN narrow k ON k.id = o.id",
        "SELECT o.id FROM orders o WHERE o.id IN (SELECT id FROM narrow)",
    ],
)
def test_integers_of_other_widths_are_keys_too(both: Placement, sql: str) -> None:
    answer, account = ran(both, both.plan(sql))
    # Those that are too large for the column find nothing, and no error.
    assert [f.keys for f in account.fragments] == [3]
    assert {row[0] for row in rows(answer)} == {3, 7}


STAGES = {
    "a union": "(SELECT id FROM picked UNION ALL SELECT id + 1 FROM narrow) k",
    "a limit": "(SELECT id FROM every ORDER BY id DESC LIMIT 3) k",
    "a window": "(SELECT id, row_number() OVER (ORDER BY tag) AS n FROM picked) k",
    "an aggregate": "(SELECT id, count(*) AS n FROM picked GROUP BY id) k",
    "a join": "(SELECT p.id FROM picked p JOIN narrow q ON p.id = q.id) k",
    "its own source": "(SELECT n.n AS id FROM notes n JOIN picked p ON p.id = n.n) k",
}


@pytest.mark.parametrize("stage", STAGES)
def test_whatever_is_computed_first_has_keys(both: Placement, stage: str) -> None:
    sql = f"SELECT k.id, o.note FROM orders o JOIN {STAGES[stage]} ON k.id = o.id"
    plan = both.plan(sql)
    assert any(f.reduction is not None for f in plan.fragments)
    without = replace(both, options=PlanningOptions(reductions="none"))
    assert rows(both.run(plan)) == rows(without.query(sql))


CHAIN = (
    "SELECT o.id, o.note, n.word FROM orders o JOIN notes n ON n.n = o.id"
    " LEFT JOIN (SELECT k.id, s.day FROM picked k JOIN small s ON s.id = k.id) j ON j.id = n.n"
    " JOIN every e ON e.id = o.id LEFT JOIN orders p ON p.id = j.id"
)
"""Keys of one fragment's rows are sent to the next one, at the same source."""


def test_a_chain_of_keys_takes_one_connection(both: Placement, narrow: Placement) -> None:
    plan = narrow.plan(CHAIN)
    assert len(plan.stages) > 1
    assert sum(f.reduction is not None for f in plan.fragments) > 1
    without = replace(both, options=PlanningOptions(reductions="none"))
    assert rows(narrow.run(plan)) == rows(without.query(CHAIN))


def test_many_at_once_do_not_wait_for_each_other(narrow: Placement) -> None:
    plan = narrow.plan(CHAIN)
    want = rows(narrow.run(plan))
    answers = [Background(lambda: rows(narrow.run(plan))) for _ in range(32)]
    for answer in answers:
        answer.join()
    assert all(answer.error is None and answer.result == want for answer in answers)


def test_what_fails_beside_a_fragment_that_waits_is_what_is_told(both: Placement) -> None:
    sql = f"{JOIN} LEFT JOIN broken b ON b.part > k.id WHERE o.id < 9"
    with pytest.raises(CrosswindError, match="division by zero"):
        both.query(sql)


def _cancelled_when(execution: Execution, happened: Callable[[Account], bool]) -> None:
    """Cancel a run as soon as its account says so; it must then end by itself."""
    running = Background(lambda: list(execution.batches()))
    try:
        eventually(lambda: happened(execution.account()))
    finally:
        execution.cancel()
        running.join()
    assert isinstance(running.error, CancelledError)
