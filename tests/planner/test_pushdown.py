"""The pushdown option: what of a query goes to a source, and what fails when not all of it does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.errors import ConfigurationError, UnsupportedError
from flight_server.config import Config
from flight_server.service import open_catalog
from planner.catalog import Catalog, Source
from planner.emit.dialects import DIALECTS
from planner.emit.postgres import POSTGRES
from planner.plan import SqlResidual
from tests.planner.paper_shop import plan, shop, shop_catalog


@pytest.fixture
def catalog() -> Catalog:
    return shop_catalog()


AT_ONE = "SELECT customer, count(*) FROM shop.orders WHERE id > 5 GROUP BY customer ORDER BY 2"


def test_none_reads_tables_and_nothing_else(catalog: Catalog) -> None:
    found = plan(AT_ONE, catalog, "none")
    assert [f.operators for f in found.fragments] == [()]
    assert "WHERE" not in str(found.fragments[0].fragment.query)
    assert '"total"' not in str(found.fragments[0].fragment.query)
    assert {k.reason for k in found.kept} == {"pushdown is off for this source"}


def test_required_passes_what_its_source_runs(catalog: Catalog) -> None:
    assert plan(AT_ONE, catalog, "required").residual is None


def test_required_fails_with_every_reason(catalog: Catalog) -> None:
    sql = "SELECT id FROM shop.orders WHERE weight * 2 > 1.5 AND sin(id) > 0.5"
    with pytest.raises(UnsupportedError) as failure:
        plan(sql, catalog, "required")
    assert "a float overflow fails there and is infinite here" in failure.value.message
    assert "filter over shop: function sin is not proven there" in failure.value.message
    assert failure.value.source == "shop"
    assert failure.value.code == "request.unsupported"


def test_required_does_not_mind_a_join_with_another_source(catalog: Catalog) -> None:
    sql = "SELECT * FROM shop.orders o JOIN till.members m ON m.id = o.customer WHERE o.id < 5"
    assert len(plan(sql, catalog, "required").fragments) == 2
    subquery = "SELECT * FROM shop.orders WHERE total > (SELECT max(total) FROM till.sales)"
    assert plan(subquery, catalog, "required").fragments


def test_required_does_not_mind_what_costs_less_here(catalog: Catalog) -> None:
    sql = "SELECT * FROM shop.customers a JOIN shop.suppliers b ON a.nation = b.nation"
    found = plan(sql, catalog, "required")
    assert [k.reason for k in found.kept] == ["its inputs are cheaper to move"]


def test_required_fails_for_what_cannot_be_cut(catalog: Catalog) -> None:
    with pytest.raises(UnsupportedError, match="statement over shop"):
        plan("SELECT unnest([id]) AS x FROM shop.orders", catalog, "required")


def test_a_statement_that_cannot_be_cut_takes_the_option_along(catalog: Catalog) -> None:
    residual = plan("SELECT unnest([id]) AS x FROM shop.orders", catalog, "none").residual
    assert isinstance(residual, SqlResidual)
    assert residual.pushdown == "none"


def test_what_is_not_proven_goes_only_when_asked_for(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = dict(POSTGRES.functions)
    functions["like"] = replace(functions["like"], proven=False)
    monkeypatch.setitem(DIALECTS, "postgres", replace(POSTGRES, functions=functions))
    sql = "SELECT id FROM shop.customers WHERE name LIKE 'a%'"
    assert plan(sql, catalog).fragments[0].operators == ()
    assert plan(sql, catalog, "all").residual is None
    with pytest.raises(UnsupportedError, match="function like is not proven"):
        plan(sql, catalog, "required")


def test_a_source_says_what_goes_to_it_and_a_statement_may_say_otherwise() -> None:
    own = Catalog([Source("shop", shop(), pushdown="none")])
    assert plan(AT_ONE, own).residual is not None
    assert plan(AT_ONE, own, "proven").residual is None


def test_the_configuration_knows_the_option() -> None:
    sources = {"shop": {"connector": "memory", "pushdown": "none"}, "rest": {"connector": "memory"}}
    config = Config.from_mapping({"sources": sources})
    found = open_catalog(config).sources
    assert {name: source.pushdown for name, source in found.items()} == {
        "shop": "none",
        "rest": "proven",
    }
    sources["shop"]["pushdown"] = "most"
    with pytest.raises(ConfigurationError, match="pushdown"):
        Config.from_mapping({"sources": sources})
