"""When small tables are sent whole to a source: what may be sent, and where it takes less time."""

from __future__ import annotations

import pyarrow as pa
import pytest

from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.emit.dialects import dialect_named
from planner.emit.rows import MOST_ROWS, braced_rows
from planner.explain import explain_text
from planner.options import PlanningOptions, Reductions
from planner.parse import parse
from planner.plan import Plan, sent_by
from planner.planning import plan_query
from tests.planner.paper import PaperTable, paper
from tests.planner.paper_shop import INT, MONEY, TEXT

ORDERS = PaperTable(
    {"id": (INT,), "code": INT, "kind": INT, "total": MONEY},
    rows=2_000_000,
    distinct={"id": 2_000_000, "code": 500_000, "kind": 40},
)
RATES = {"code": INT, "kind": INT, "label": TEXT, "weight": pa.float64(), "at": pa.timestamp("ns")}
DISTINCT = {"code": 200, "kind": 40, "label": 10}

BY_LABEL = "SELECT r.label, sum(o.total) AS t FROM orders o JOIN rates r ON {} GROUP BY r.label"


def catalog(link: Link, rows: int | None = 200, kind: str = "postgres") -> Catalog:
    rates = PaperTable(RATES, rows=rows, distinct=DISTINCT)
    shop = paper(kind, {"orders": ORDERS}, "shop")
    return Catalog([Source("shop", shop, link), Source("lake", paper("native", {"rates": rates}))])


def planned(sql: str, made: Catalog, reductions: Reductions = "costed") -> Plan:
    return plan_query(parse(sql), made, PlanningOptions(reductions=reductions))


SLOW, FAST = Link.of(20, 10), Link.of(0.2, 10_000)
ALL = BY_LABEL.format("o.code % 10 = r.code")
"""Of a condition on what is no column there are no keys."""


def test_a_small_table_is_sent_where_that_takes_less_time() -> None:
    plan = planned(ALL, catalog(SLOW))
    assert sent_by(plan) == {"k1"}
    (fragment,) = plan.fragments
    assert fragment.operators == ("aggregate", "join")
    assert fragment.tables == ("main.orders",)
    assert any("main.rates not sent whole to shop" in r.description for r in plan.rejected)


def test_the_rest_of_what_was_compared_is_told() -> None:
    plan = planned(ALL, catalog(FAST))
    assert not sent_by(plan)
    assert any("main.rates sent whole to shop" in r.description for r in plan.rejected)


@pytest.mark.parametrize("reductions", ["none", "all", "whole"])
def test_the_session_may_say_so(reductions: Reductions) -> None:
    assert bool(sent_by(planned(ALL, catalog(FAST), reductions))) == (reductions == "whole")


def test_keys_are_sent_where_these_take_less_time() -> None:
    plan = planned(BY_LABEL.format("o.code = r.code") + " LIMIT 3", catalog(Link.of(1, 1_000)))
    assert not sent_by(plan)
    assert plan.fragments[0].reduction is not None


@pytest.mark.parametrize("rows", [MOST_ROWS + 1, None])
def test_a_large_table_is_not_sent_nor_one_of_unknown_size(rows: int | None) -> None:
    assert not sent_by(planned(ALL, catalog(SLOW, rows)))


@pytest.mark.parametrize("column", ["weight", "at"])
def test_what_a_source_may_read_otherwise_is_not_sent(column: str) -> None:
    sql = f"SELECT r.{column}, sum(o.total) AS t FROM orders o JOIN rates r USING (code) GROUP BY 1"
    assert not sent_by(planned(sql, catalog(SLOW), "whole"))


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "datafusion", "postgres_not_utf8"])
def test_other_dialects_take_none(dialect: str) -> None:
    assert dialect_named(dialect).rows is None


def test_nothing_is_sent_to_what_is_only_scanned() -> None:
    assert not sent_by(planned(ALL, catalog(SLOW, kind="scan"), "whole"))


def test_only_columns_that_are_read_go() -> None:
    sql = "SELECT sum(o.total) AS t FROM orders o JOIN rates r USING (code) WHERE r.label = 'x'"
    (fragment,) = planned(sql, catalog(SLOW), "whole").fragments
    assert fragment.sending is not None
    assert fragment.sending.columns == {("k1", 0)}


def test_what_the_source_refuses_is_not_sent_for_nothing() -> None:
    sql = "SELECT sum(o.total) AS t FROM orders o JOIN rates r ON random() < o.code + r.code"
    assert not sent_by(planned(sql, catalog(SLOW), "whole"))


def test_a_part_that_could_not_be_sent_is_not_sent_again() -> None:
    made = catalog(SLOW)
    plan = planned(ALL, made)
    (stage,) = plan.stages
    assert stage.shape is not None
    assert not made.seen.refutes(plan)
    made.seen.note_refused(stage.shape)
    assert made.seen.refutes(plan)
    assert not sent_by(planned(ALL, made))


def test_what_the_source_took_is_remembered() -> None:
    plan = planned(ALL, catalog(SLOW))
    (work,) = [f.work for f in plan.fragments]
    assert work is not None
    assert work.shape is not None
    assert work.shape == planned(ALL, catalog(SLOW)).fragments[0].work.shape  # type: ignore[union-attr]


def test_texts_are_quoted_and_nulls_are_not() -> None:
    values = pa.array(['a"b\\', None, "NULL", "", "{,}"])
    assert braced_rows(values) == '{"a\\"b\\\\",NULL,"NULL","","{,}"}'
    assert braced_rows(values.cast(pa.string_view())) == braced_rows(values)
    assert braced_rows(pa.array([None, None], pa.int64())) == "{NULL,NULL}"
    assert braced_rows(pa.array([True, None])) == "{true,NULL}"
    assert braced_rows(pa.array([None, 2_932_897], pa.int32()).cast(pa.date32())) is None
    assert braced_rows(pa.array([], pa.date32())) == "{}"


def test_explain_shows_the_places_of_the_rows() -> None:
    text = explain_text(planned(ALL, catalog(SLOW)))
    assert "sends the 200 rows of k1" in text
    assert "UNNEST(" in text
    assert "'rows of k1.1'" in text
