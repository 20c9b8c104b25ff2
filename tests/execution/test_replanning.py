"""A plan that what is read refutes is made again while nobody has seen a row, and never after."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from connectors import registry
from connectors.contract import ColumnStatistics, Fragment, SqlQuery, Statistics
from connectors.errors import CancelledError, CrosswindError, MemoryLimitError, UnsupportedError
from execution.engine import EngineSettings
from execution.replanning import ReplannedRun, is_worth_it
from execution.running import Ran
from execution.suspicion import Suspicion, Watch, is_whole, part_of
from planner.account import Account
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.explain import explain_text
from planner.options import Caution, PlanningOptions
from planner.plan import Estimate, Plan, PlannedFragment, Reduction, Sending
from planner.seen import SeenRows
from planner.sized import grown
from tests.misled import Misleading, misled, times, withheld
from tests.placements import Placement
from tests.postgres_server import PostgresServer

ROWS = 200_000
SQL = (
    "SELECT count(*) AS n, sum(p.id) AS s FROM shop.events e JOIN lake.picked p ON p.id = e.id"
    " WHERE e.kind LIKE 'x%' AND e.kind LIKE '%x'"
)
"""A few hundred events are expected, by rules of thumb for two patterns; all are so."""


before_they_grew = times(0.01)


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, object]]]:
    folder = tmp_path_factory.mktemp("picked")
    picked = pa.table({"id": pa.array(range(0, 3_000, 3), pa.int64())})
    pq.write_table(picked, folder / "picked.parquet")
    with postgres_server.database("replanning") as uri:
        postgres_server.execute(
            f"CREATE TABLE events AS SELECT g AS id, 'x' AS kind"
            f" FROM generate_series(0, {ROWS - 1}::bigint) g",
            "ANALYZE events",
            database="replanning",
        )
        shop = {"connector": "postgres", "uri": uri, "max_connections": 2}
        yield {"shop": shop, "lake": {"connector": "files", "root": str(folder)}}


@contextlib.contextmanager
def opened(
    sources: dict[str, dict[str, object]], suspicion: Suspicion | None = None
) -> Iterator[Placement]:
    """A placement that remembers what it has seen."""
    settings = EngineSettings(
        target_partitions=2, suspicion=suspicion or Suspicion(rows=1_000.0, waits=True)
    )
    with (
        Placement.of_sources(sources) as plain,
        Placement.of_catalog(Catalog(plain.catalog.sources.values()), settings) as placement,
    ):
        yield placement


def ran(placement: Placement, plan: Plan, times: list[int]) -> tuple[list[object], Account]:
    def again(_: object, __: object) -> Plan:
        times.append(1)
        return placement.plan(plan.sql)

    execution = placement.engine.start(plan, again=again)
    batches = list(execution.batches())
    table = pa.Table.from_batches(batches, schema=plan.schema)
    return [tuple(row.values()) for row in table.to_pylist()], execution.account()


def test_a_plan_is_made_again_when_far_more_rows_come(
    sources: dict[str, dict[str, object]],
) -> None:
    with opened(sources) as placement:
        plan = placement.plan(SQL)
        assert not plan.stages, "few rows are expected, which need no keys"
        times: list[int] = []
        rows, account = ran(placement, plan, times)
        assert rows == [(1_000, sum(range(0, 3_000, 3)))]
        # With what is known by now, and without relying on what was refuted.
        assert (len(times), account.replanned) == (2, 1)
        assert account.plan is not None
        assert account.plan.stages
        # What was read before is no part of what was read.
        assert [(f.keys, f.rows) for f in account.fragments] == [(1_000, 1_000)]
        assert "planned again once" in explain_text(plan, account)
        assert "waits for the keys" in explain_text(plan, account)
        # Now it is known.
        assert placement.plan(SQL).stages


def test_a_plan_that_would_be_the_same_goes_on(sources: dict[str, dict[str, object]]) -> None:
    with opened(sources) as placement:
        plan = placement.plan(
            SQL.replace("JOIN", "CROSS JOIN").replace("ON p.id = e.id WHERE", "WHERE p.id < 9 AND")
        )
        times: list[int] = []
        _, account = ran(placement, plan, times)
        assert (len(times), account.replanned) == (2, 0)


def test_a_statement_that_cannot_be_planned_again_goes_on(
    sources: dict[str, dict[str, object]],
) -> None:
    with opened(sources) as placement:
        plan = placement.plan(SQL)

        def again(_: object, __: object) -> Plan:
            raise UnsupportedError("not now")

        execution = placement.engine.start(plan, again=again)
        assert sum(batch.num_rows for batch in execution.batches()) == 1
        assert execution.account().replanned == 0


def test_nothing_takes_over_when_a_batch_was_given(sources: dict[str, dict[str, object]]) -> None:
    sql = "SELECT e.id FROM shop.events e LEFT JOIN lake.picked p ON p.id = e.id + 1"
    with opened(sources, Suspicion(always=True, waits=True)) as placement:
        plan = placement.plan(sql)
        execution = placement.engine.start(plan, again=placement.again(sql))
        given = list(execution.batches())
        ids = pa.chunked_array([batch.column(0) for batch in given])
        assert len(ids) == ROWS == len(ids.unique())
        assert execution.account().replanned == 2


def test_a_cancel_while_planning_again_ends_the_run(sources: dict[str, dict[str, object]]) -> None:
    with opened(sources) as placement:
        plan = placement.plan(SQL)

        def again(_: object, __: object) -> Plan:
            execution.cancel()
            return placement.plan(SQL)

        execution = placement.engine.start(plan, again=again)
        with pytest.raises(CancelledError):
            list(execution.batches())


def test_the_failure_of_the_plan_that_takes_over_is_the_statements(
    sources: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    file = tmp_path / "broken.db"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE odd (id INTEGER NOT NULL)")
        database.execute("INSERT INTO odd VALUES (1), ('no number')")
    broken: dict[str, object] = {"connector": "sqlite", "uri": str(file)}
    with opened({**sources, "notes": broken}, Suspicion(always=True, waits=True)) as placement:
        plan = placement.plan(SQL)
        other = placement.plan("SELECT count(*) AS n, sum(o.id) AS s FROM notes.odd o, lake.picked")
        execution = placement.engine.start(plan, again=lambda _, __: other)
        with pytest.raises(CrosswindError) as found:
            list(execution.batches())
        assert found.value.source == "notes"


MULTIPLIED = 3_000
"""Rows of each of two tables of one key: their join has the square of that."""


@pytest.fixture(scope="module")
def multiplying(
    postgres_server: PostgresServer, sources: dict[str, dict[str, object]]
) -> Iterator[dict[str, dict[str, object]]]:
    """Two tables whose join has far more rows than both have together; and files."""
    with postgres_server.database("multiplying") as uri:
        for table in ("buyers", "sellers"):
            postgres_server.execute(
                f"CREATE TABLE {table} AS SELECT g AS id, 1 AS nation"
                f" FROM generate_series(0, {MULTIPLIED - 1}::bigint) g",
                f"ANALYZE {table}",
                database="multiplying",
            )
        shop = {"connector": "postgres", "uri": uri, "max_connections": 2}
        yield {**sources, "shop": shop}


@pytest.mark.parametrize("way", [withheld, before_they_grew])
def test_tables_whose_join_multiplies_are_joined_here(
    multiplying: dict[str, dict[str, object]], way: Misleading
) -> None:
    sql = (
        "SELECT count(*) AS n, sum(p.id) AS s FROM shop.buyers b JOIN shop.sellers s"
        " ON s.nation = b.nation JOIN lake.picked p ON p.id = b.id"
    )
    with misled_placement(multiplying, way) as placement:
        plan = placement.plan(sql)
        assert [f.tables for f in plan.fragments] == [("public.buyers", "public.sellers")]
        execution = placement.engine.start(plan, again=placement.again(sql))
        (row,) = pa.Table.from_batches(execution.batches(), schema=plan.schema).to_pylist()
        account = execution.account()
        assert row == {
            "n": MULTIPLIED * (MULTIPLIED // 3),
            "s": MULTIPLIED * sum(range(0, MULTIPLIED, 3)),
        }
        assert account.replanned == 1
        assert account.plan is not None
        fragments = {f.tables for f in account.plan.fragments}
        assert fragments == {("public.buyers",), ("public.sellers",)}
        reason = (
            "join over shop (public.buyers, public.sellers): joined there they had far more rows"
        )
        assert reason in explain_text(plan, account)


GROUPED = (
    "SELECT l.grp, count(*) AS n, sum(l.v + r.w) AS s FROM shop.left_g l JOIN shop.right_g r"
    " ON l.grp = r.grp JOIN lake.groups g ON g.grp = l.grp AND g.seq < 4 GROUP BY l.grp"
)
GREW = 1_500


@pytest.fixture(scope="module")
def grouped(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, object]]]:
    """Tables that were analysed before two of their groups grew, and files that pick these."""
    folder = tmp_path_factory.mktemp("grouped")
    groups = pa.table({"grp": [7 + i % 2 for i in range(3_000)], "seq": range(3_000)})
    pq.write_table(groups, folder / "groups.parquet")
    with postgres_server.database("grouped") as uri:
        for table, value in (("left_g", "v"), ("right_g", "w")):
            create = f"CREATE TABLE {table} (id bigint, grp bigint, {value} bigint)"
            rows = f"INSERT INTO {table} SELECT g, {{}}, g FROM generate_series(0, {{}}) g"
            postgres_server.execute(
                f"{create} WITH (autovacuum_enabled = false)",
                rows.format("g", 1_999),
                f"ANALYZE {table}",
                rows.format("7 + g % 2", GREW - 1),
                database="grouped",
            )
        shop = {"connector": "postgres", "uri": uri, "max_connections": 2}
        yield {"shop": shop, "lake": {"connector": "files", "root": str(folder)}}


@pytest.mark.parametrize("asked_before", [False, True])
def test_keys_that_found_far_more_than_expected_are_remembered(
    grouped: dict[str, dict[str, object]], asked_before: bool
) -> None:
    with misled_placement(grouped, lambda known: known, Link.of(20.0, 100.0)) as placement:
        if asked_before:
            options = PlanningOptions(reductions="none")
            ran(
                replace(placement, options=options),
                replace(placement, options=options).plan(GROUPED),
                [],
            )
        accounts, answers = [], []
        for _ in range(3):
            plan = placement.plan(GROUPED)
            execution = placement.engine.start(plan, again=placement.again(GROUPED))
            table = pa.Table.from_batches(execution.batches(), schema=plan.schema)
            answers.append(table.sort_by("grp").to_pylist())
            accounts.append(execution.account())
        assert [row["n"] for row in answers[0]] == [2 * (GREW // 2 + 1) ** 2] * 2
        assert answers == [answers[0]] * 3
        read = [sum(fragment.rows for fragment in account.fragments) for account in accounts]
        # The first takes over only if the other plan is expected to take less than it has run.
        assert max(read[1:]) <= 2 * (2_000 + GREW), "what both tables have"
        assert [account.replanned for account in accounts[1:]] == [0, 0]


@contextlib.contextmanager
def misled_placement(
    sources: dict[str, dict[str, object]], way: Misleading, link: Link | None = None
) -> Iterator[Placement]:
    """One that remembers, whose database is misled, and is said to be so far."""
    made = []
    for name, configured in sources.items():
        rest = {key: value for key, value in configured.items() if key != "connector"}
        connector = registry.create(str(configured["connector"]), name, rest)
        if name == "shop":
            made.append(Source(name, misled(connector, way), link or Link()))
        else:
            made.append(Source(name, connector))
    settings = EngineSettings(target_partitions=2, suspicion=Suspicion(rows=10_000.0, waits=True))
    with (
        Placement.opened(made) as plain,
        Placement.of_catalog(Catalog(plain.catalog.sources.values()), settings) as placement,
    ):
        yield placement


def test_what_goes_on_is_looked_at_again_at_twice_the_rows() -> None:
    told: list[int] = []
    planned = PlannedFragment("f1", "shop", FRAGMENT, ("public.events",), shape=b"1")
    watch = Watch(Suspicion(times=10.0, rows=100.0), lambda _, rows: told.append(rows))
    fragment = watch.on(replace(planned, estimate=Estimate(50.0, 400.0)))
    assert fragment is not None
    for rows in (400, 500, 501, 900, 1_002, 1_003, 2_006, 2_100):
        fragment.look(rows)
    assert told == [501, 1_003, 2_100]
    assert watch.on(planned) is None, "of a table nothing was expected"
    assert watch.on(replace(planned, operators=("join",))) is not None, "a join may multiply"


@pytest.mark.parametrize(
    ("change", "took_seconds", "is_doubtful", "pays"),
    [
        ({}, 0.0, False, False),
        ({"residual_text": "another order"}, 0.2, False, True),
        ({"residual_text": "another order"}, 0.3, False, False),
        ({"fragments": ()}, 0.0, False, True),
        ({"fragments": ()}, 0.9, True, False),
        ({"fragments": ()}, 1.1, True, True),
        ({"fragments": (), "seconds": None}, 0.0, True, True),
    ],
)
def test_what_takes_over_is_worth_what_has_been_read(
    change: dict[str, object], took_seconds: float, is_doubtful: bool, pays: bool
) -> None:
    fragment = PlannedFragment("f1", "shop", FRAGMENT, ())
    running = Plan("", pa.schema([]), (fragment,), (), None, "an order")
    plan = replace(running, **{"seconds": 1.0, **change})  # type: ignore[arg-type]
    assert is_worth_it(plan, running, took_seconds, is_doubtful=is_doubtful) == pays


def test_a_table_has_the_rows_that_were_seen_until_its_source_tells_another_number() -> None:
    seen = SeenRows()
    events = ("shop", "public.events")
    seen.note_table(*events, 500)
    assert seen.of_table(*events, 10.0) is None, "of whenever it had those"
    seen.note_table(*events, 8, 16.0)
    assert seen.of_table(*events, 10.0) is None, "it may have ten"
    seen.note_table(*events, 500, 1_000.0)
    assert seen.of_table(*events, 10.0) == 1_000.0
    seen.note_table(*events, 700)
    assert seen.of_table(*events, 10.0) == 700.0, "it has been read to its end"
    seen.note_table(*events, 20)
    assert seen.of_table(*events, 10.0) == 700.0, "a part of it"
    seen.note_table(*events, 20, whole=True)
    assert seen.of_table(*events, 10.0) == 20.0, "rows were deleted"
    assert seen.of_table(*events, 600.0) is None, "it was analysed since"
    assert seen.of_table(*events, 10.0) is None


@pytest.mark.parametrize(
    ("operators", "table", "whole"),
    [
        ((), "public.events", True),
        (("sort", "project"), "public.events", True),
        (("filter",), "public.events", False),
        (("fetch", "project"), "public.events", False),
        (("aggregate", "filter"), None, False),
    ],
)
def test_a_fragment_is_part_of_a_table(
    operators: tuple[str, ...], table: str | None, whole: bool
) -> None:
    planned = PlannedFragment("f1", "shop", FRAGMENT, ("public.events",), operators)
    assert (part_of(planned), is_whole(planned)) == (table, whole)


class Reading:
    """A run that reads as many rows as a test says, and gives nothing."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self._watches = [(watch.on(f), f.reduction is not None) for f in plan.fragments]
        self._ended = threading.Event()
        self._failure: CrosswindError | None = None

    def read(self, rows: int) -> None:
        """So many have come of each fragment; returns when nothing is planned any more."""
        for watch, keyed in self._watches:
            if watch is not None:
                watch.look(rows, keyed=keyed)
        for thread in threading.enumerate():
            if thread.name == "crosswind-replan":
                thread.join()

    def fail(self, failure: CrosswindError) -> None:
        self._failure = failure
        self._ended.set()

    def batches(self) -> Iterator[pa.RecordBatch]:
        self._ended.wait()
        raise self._failure or CancelledError("the query was cancelled")
        yield

    def cancel(self) -> None:
        self._ended.set()

    def close(self) -> None:
        self._ended.set()

    def account(self) -> Ran:
        return Ran()


class Replanning:
    """A replanned run whose runs read what a test says, and whose plans are what it says.

    Attributes:
        cautions: that it was planned again with.
    """

    def __init__(self, *plans: Plan, rows: float = 100.0) -> None:
        self.seen = SeenRows()
        self.runs: list[Reading] = []
        self.cautions: list[Caution] = []
        self._plans = list(plans)
        self._begun = threading.Semaphore(0)
        first = self._plans.pop(0)
        self._run = ReplannedRun(first, self._begin, self._again, self.seen, Suspicion(rows=rows))
        self._thread = threading.Thread(target=self._drive)
        self._thread.start()
        self.wait()

    def _begin(self, plan: Plan, watch: Watch) -> Reading:
        self.runs.append(Reading(plan, watch))
        self._begun.release()
        return self.runs[-1]

    def _again(self, _: object, caution: Caution) -> Plan:
        self.cautions.append(caution)
        return self._plans.pop(0)

    def _drive(self) -> None:
        with contextlib.suppress(CrosswindError):
            list(self._run.batches())

    def account_plan(self) -> Plan | None:
        """What runs now."""
        return self._run.account().plan

    def wait(self) -> None:
        """Until the next run has begun."""
        assert self._begun.acquire(timeout=30)

    def __enter__(self) -> Replanning:
        return self

    def __exit__(self, *_: object) -> None:
        self._run.close()
        self._thread.join()


FRAGMENT = Fragment(SqlQuery("SELECT 1"), pa.schema([]))
EVENTS = PlannedFragment(
    "f1", "shop", FRAGMENT, ("public.events",), ("filter",), Estimate(1.0, 8.0), shape=b"events"
)
JOINED = replace(
    EVENTS, tables=("public.events", "public.kinds"), operators=("join",), shape=b"joined"
)
APART = frozenset((("shop", frozenset(JOINED.tables)),))


def plan_of(*fragments: PlannedFragment, seconds: float | None = None) -> Plan:
    return Plan("", pa.schema([]), fragments, (), None, "", seconds=seconds)


def other(fragment: PlannedFragment, sql: str, rows: float | None = 1.0) -> PlannedFragment:
    asked = Fragment(SqlQuery(sql), pa.schema([]))
    return replace(fragment, fragment=asked, estimate=Estimate(rows, rows), shape=sql.encode())


def test_each_time_that_rows_double_they_are_expected_to_double_again() -> None:
    same = plan_of(EVENTS)
    with Replanning(same, same, same, same, same) as replanning:
        seen = replanning.seen
        assert seen.of_table("shop", "public.events", 10.0) is None
        for rows, planned in ((150, 2), (200, 2), (310, 4)):
            replanning.runs[0].read(rows)
            assert len(replanning.cautions) == planned
            expected = 2.0 * (rows if rows != 200 else 150)
            assert seen.of_shape(b"events") == expected
            assert seen.of_table("shop", "public.events", 10.0) == expected
        plain, doubting = replanning.cautions[:2]
        assert (plain, doubting) == (Caution(), Caution(doubted=frozenset((b"events",))))


def test_what_was_kept_apart_stays_apart() -> None:
    unknown = plan_of(other(EVENTS, "SELECT 2", rows=None), EVENTS)
    with Replanning(plan_of(JOINED), plan_of(EVENTS), unknown, unknown, unknown) as replanning:
        replanning.runs[0].read(150)
        replanning.wait()
        assert [caution.apart for caution in replanning.cautions] == [frozenset(), APART]
        assert len(replanning.runs) == 2
        assert replanning.seen.of_shape(b"joined") == 1_500.0, "it is not read to its end"
        replanning.runs[1].read(150)
        assert [caution.apart for caution in replanning.cautions[2:]] == [APART, APART]


def test_tables_are_kept_apart_where_that_is_expected_to_take_less_than_was_lost() -> None:
    apart = plan_of(other(EVENTS, "SELECT 2"), seconds=1e6)
    with Replanning(plan_of(JOINED), plan_of(EVENTS), apart) as replanning:
        replanning.runs[0].read(150)
        assert [caution.apart for caution in replanning.cautions] == [frozenset(), APART]
        assert len(replanning.runs) == 1


@pytest.mark.parametrize(("seconds", "runs"), [(1e6, 1), (0.0, 2)])
def test_keys_that_were_sent_are_given_up_for_what_takes_less(seconds: float, runs: int) -> None:
    reduction = Reduction(None, "", (("k1", 0),), 9, None, ("k1.id",), Estimate(1e6, 8e6), "")
    keyed = replace(EVENTS, reduction=reduction, shape=None, keyed_shape=b"keyed")
    unkeyed = plan_of(other(EVENTS, "SELECT 2"), seconds=seconds)
    with Replanning(plan_of(keyed), unkeyed, unkeyed) as replanning:
        replanning.runs[0].read(150)
        if runs > 1:
            replanning.wait()
        assert len(replanning.runs) == runs
        expected = 1_500.0 if runs > 1 else 300.0
        assert replanning.seen.of_shape(b"keyed") == expected


def test_what_is_safe_only_may_do_without_keys() -> None:
    keyed, unkeyed = plan_of(other(EVENTS, "keys"), seconds=1.0), plan_of(EVENTS, seconds=100.0)
    with Replanning(plan_of(EVENTS), keyed, unkeyed) as replanning:
        replanning.runs[0].read(150)
        replanning.wait()
        assert [bool(caution.doubted) for caution in replanning.cautions] == [False, True]
        assert replanning.account_plan() is keyed


def test_what_found_no_room_is_planned_plainly_from_then_on() -> None:
    sending = Sending(exp.Select(), "postgres", frozenset())
    sent = replace(JOINED, sending=sending, shape=None)
    apart = plan_of(other(EVENTS, "SELECT 2", rows=None))
    with Replanning(plan_of(sent), plan_of(EVENTS), apart) as replanning:
        replanning.runs[0].read(150)
        replanning.wait()
        assert replanning.cautions[-1] == Caution(plain=True, apart=APART)
    columns = replace(sending, columns=frozenset((("k1", 0),)))
    no_room = plan_of(replace(EVENTS, sending=columns))
    plain = plan_of(other(EVENTS, "SELECT 2"))
    with Replanning(no_room, plain, plain, plain) as replanning:
        replanning.runs[0].fail(MemoryLimitError("no room"))
        replanning.wait()
        replanning.runs[1].read(150)
        assert [caution.plain for caution in replanning.cautions] == [True, True, True]


def test_a_table_that_grew_has_more_values_of_its_keys() -> None:
    columns = {"id": ColumnStatistics(distinct=10.0), "kind": ColumnStatistics(distinct=1.0)}
    found = grown(Statistics(10.0, 100.0, columns), 1_000.0)
    assert (found.rows, found.size_bytes) == (1_000.0, 10_000.0)
    assert [column.distinct for column in found.columns.values()] == [1_000.0, 1.0]
    assert grown(found, 10.0) is found


def test_the_rows_of_a_table_are_learned_from_a_part_of_it(
    sources: dict[str, dict[str, object]],
) -> None:
    with misled_placement(sources, before_they_grew) as placement:
        sql = "SELECT e.id FROM shop.events e LEFT JOIN lake.picked p ON p.id = e.id WHERE e.id > 9"
        execution = placement.engine.start(placement.plan(sql))
        assert sum(batch.num_rows for batch in execution.batches()) == ROWS - 10
        assert placement.catalog.seen.of_table("shop", "public.events", ROWS / 100) == ROWS - 10
        other = placement.plan(sql.replace("e.id > 9", "e.kind = 'x'"))
        (fragment,) = other.fragments
        assert fragment.estimate.rows == pytest.approx(ROWS, rel=0.01)
