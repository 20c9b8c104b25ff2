"""Which side of a join is kept in memory: by estimate where streams are joined, and the same rows.

Turned joins are compared in the engine, as in `test_passes_keep_rows`; sides are chosen on paper.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import datafusion
import pyarrow as pa
import pytest

from connectors.errors import RequestError
from planner.bind import bind
from planner.catalog import Catalog
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan, SubstraitResidual
from planner.planning import plan_query
from planner.relations import Cross, Join, JoinKind, Relation, inputs_of
from planner.rewrite import over
from planner.sides import turned
from tests.planner.paper import PaperTable, paper, paper_catalog
from tests.planner.test_passes_keep_rows import (
    CATALOGS,
    COLUMNS,
    TABLES,
    Statements,
    answered,
    rows_of,
)

STATEMENTS = 120

MARKS = (
    "SELECT r0.k AS c0 FROM a.t r0 WHERE r0.k IN (SELECT k FROM b.t) OR r0.x = 1",
    "SELECT r0.k AS c0, r0.s AS c1 FROM a.t r0 WHERE r0.x = 1 OR NOT EXISTS"
    " (SELECT 1 FROM b.t r1 WHERE r1.k = r0.k AND r1.x > r0.x)",
)


@pytest.fixture(scope="module")
def engine() -> datafusion.SessionContext:
    config = datafusion.SessionConfig().with_target_partitions(1)
    context = datafusion.SessionContext(config.set("datafusion.optimizer.join_reordering", "false"))
    dice = random.Random(4)
    for name in TABLES:
        batches = rows_of(dice, dice.choice((0, 9, 14, 14))).to_batches()
        empty = [pa.RecordBatch.from_pylist([], pa.schema(list(COLUMNS.items())))]
        context.register_record_batches(name.replace(".", "_"), [batches or empty])
    return context


def test_turned_joins_answer_the_same(engine: datafusion.SessionContext) -> None:
    kinds = Counter[str]()

    def all_turned(relation: Relation) -> Relation:
        relation = over(relation, [all_turned(source) for source in inputs_of(relation)])
        if not isinstance(relation, Join | Cross):
            return relation
        kinds[relation.kind.value if isinstance(relation, Join) else "CROSS"] += 1
        return turned(relation)

    made = Statements(random.Random(21))
    for sql in (*MARKS, *(made.statement() for _ in range(STATEMENTS))):
        try:
            bound = bind(parse(sql), CATALOGS[0])
        except RequestError:
            continue
        if bound.relation is None or (new := all_turned(bound.relation)) is bound.relation:
            continue
        assert new.fields == bound.relation.fields
        want, got = answered(bound.relation, bound, engine), answered(new, bound, engine)
        assert got[0] == want[0], sql
        assert Counter(got[1]) == Counter(want[1]) or " LIMIT " in sql, sql
    assert kinds.keys() >= {"INNER", "LEFT", "RIGHT", "OUTER", "LEFT_SEMI", "LEFT_ANTI"}
    assert kinds["LEFT_MARK"] == len(MARKS)


@pytest.mark.parametrize("kind", JoinKind)
def test_a_join_turned_twice_is_the_join(kind: JoinKind) -> None:
    bound = bind(parse("SELECT t.k, u.x FROM a.t t JOIN b.u u ON t.k = u.k AND t.x < u.x"), SHOP)
    relation = bound.relation
    while not isinstance(relation, Join):
        assert relation is not None
        (relation,) = inputs_of(relation)
    join = replace(relation, kind=kind)
    once = turned(join)
    while not isinstance(once, Join):
        (once,) = inputs_of(once)
    assert (once.left, once.right) == (join.right, join.left)
    twice = turned(once)
    while not isinstance(twice, Join):
        (twice,) = inputs_of(twice)
    assert (twice.kind, twice.condition) == (join.kind, join.condition)


def _catalog(
    few: float | None, many: float | None, lake: float | None, *, far: bool = False
) -> Catalog:
    def table(rows: float | None) -> PaperTable:
        return PaperTable(COLUMNS, rows, {} if rows is None else {"k": rows})

    files = paper("native", {"t": table(lake), "u": table(100.0)}, "c")
    files.capabilities = replace(files.capabilities, local=not far)
    return paper_catalog(
        a=paper("postgres", {"t": table(few)}, "a"),
        b=paper("postgres", {"u": table(many)}, "b"),
        c=files,
    )


SHOP = _catalog(1_000.0, 1_000_000.0, 50_000.0)


def _planned(sql: str, catalog: Catalog) -> tuple[bool, list[str]]:
    """Whether sides were chosen, and the joins and reads of the residual, left side first."""
    plan: Plan = plan_query(parse(sql), catalog, PlanningOptions(reductions="none"))
    assert isinstance(plan.residual, SubstraitResidual)
    tables = {f.name: f.tables[0] for f in plan.fragments}
    tables |= {n.name: str(n.table) for n in plan.natives}
    sources = {f.name: f.source for f in plan.fragments} | {n.name: n.source for n in plan.natives}
    found = []
    for line in plan.residual_text.splitlines():
        words = line.split()
        if words[0] == "read":
            name = words[1].rstrip(":")
            found.append(f"{sources[name]}.{tables[name].split('.')[-1]}")
        elif "join" in words:
            found.append(line.strip().split(" join")[0])
    return plan.residual.as_written, found


@pytest.mark.parametrize(
    ("join", "want"),
    [
        ("a.t s JOIN c.t f ON s.k = f.k", ["inner", "a.t", "c.t"]),
        ("c.t f JOIN b.u s ON s.k = f.k", ["inner", "c.t", "b.u"]),
        ("c.t s LEFT JOIN a.t f ON s.k = f.k", ["right", "a.t", "c.t"]),
        ("a.t s LEFT JOIN c.t f ON s.k = f.k", ["left", "a.t", "c.t"]),
        ("b.u s FULL JOIN a.t f ON s.k = f.k", ["outer", "a.t", "b.u"]),
        ("c.t s LEFT SEMI JOIN a.t f ON s.k = f.k", ["right semi", "a.t", "c.t"]),
        ("c.t s LEFT ANTI JOIN a.t f ON s.k = f.k", ["right anti", "a.t", "c.t"]),
        ("c.t s LEFT ANTI JOIN b.u f ON s.k = f.k", ["left anti", "c.t", "b.u"]),
    ],
)
def test_the_smaller_side_is_on_the_left(join: str, want: list[str]) -> None:
    assert _planned(f"SELECT s.x, s.s FROM {join}", SHOP) == (True, want)


@pytest.mark.parametrize(
    ("few", "want"), [(100_000.0, ["left", "c.t", "a.t"]), (100.0, ["right", "a.t", "c.t"])]
)
def test_far_files_are_kept_where_they_would_wait_for_a_long_stream(
    few: float, want: list[str]
) -> None:
    catalog = _catalog(few, 1.0, 500_000.0, far=True)
    assert _planned("SELECT s.x, s.s FROM c.t s LEFT JOIN a.t f ON s.k = f.k", catalog) == (
        True,
        want,
    )


def test_far_files_are_not_kept_where_they_are_large() -> None:
    catalog = _catalog(40_000_000.0, 1.0, 50_000_000.0, far=True)
    _, found = _planned("SELECT s.x, s.s FROM c.t s LEFT JOIN a.t f ON s.k = f.k", catalog)
    assert found == ["right", "a.t", "c.t"]


def test_sides_in_a_subquery_are_chosen() -> None:
    inner = "SELECT max(s.x) FROM c.t s LEFT JOIN a.t f ON s.k = f.k"
    chosen, found = _planned(f"SELECT x FROM c.u WHERE x > ({inner})", SHOP)
    assert chosen
    assert found == ["right", "a.t", "c.t", "c.u"]


@pytest.mark.parametrize(
    ("sql", "catalog"),
    [
        ("SELECT s.x FROM c.t s LEFT JOIN a.t f ON s.k = f.k", _catalog(None, 9.0, 9.0)),
        ("SELECT s.x FROM c.t s LEFT JOIN a.t f ON s.k = f.k", _catalog(9.0, 9.0, None)),
        ("SELECT s.x FROM c.t s LEFT JOIN c.u f ON s.k = f.k", SHOP),
        ("SELECT s.x FROM c.t s UNION ALL SELECT x FROM a.t", SHOP),
    ],
)
def test_the_engine_chooses_where_rows_are_unknown_and_between_files(
    sql: str, catalog: Catalog
) -> None:
    chosen, found = _planned(sql, catalog)
    assert not chosen
    assert "right" not in found
