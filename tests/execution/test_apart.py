"""A join of one source that is taken apart: the same rows, and fewer bytes from the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from planner.catalog import Source
from planner.cost import Link
from planner.options import PlanningOptions
from planner.plan import Plan
from tests.comparison import assert_same
from tests.placements import Placement
from tests.postgres_server import PostgresServer

ORDERS, CUSTOMERS = 12_000, 3_000


@pytest.fixture(scope="module")
def placement(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Placement]:
    """Customers with long notes; few of them have all orders, of which one in eight is new."""
    folder: Path = tmp_path_factory.mktemp("apart")
    items = pa.table({"order_id": pa.array(range(ORDERS), pa.int64())})
    pq.write_table(items, folder / "items.parquet")
    name = "apart"
    with postgres_server.database(name) as uri:
        postgres_server.execute(
            "CREATE TABLE customers (id bigint PRIMARY KEY, nation int, note text)",
            "INSERT INTO customers SELECT g, nullif(g % 25, 3), repeat('n' || g, 60)"
            f" FROM generate_series(1, {CUSTOMERS}) g",
            "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, old boolean)",
            "INSERT INTO orders SELECT g, nullif(g % 300, 11), g % 8 <> 3"
            f" FROM generate_series(0, {ORDERS - 1}) g",
            "CREATE TABLE nations (id int PRIMARY KEY, name text)",
            "INSERT INTO nations SELECT g, 'nation ' || g FROM generate_series(0, 24) g",
            "ANALYZE",
            database=name,
        )
        sources = [
            Source("shop", registry.create("postgres", "shop", {"uri": uri}), Link.of(1, 2)),
            Source("lake", registry.create("files", "lake", {"root": str(folder)})),
        ]
        with Placement.opened(sources) as placement:
            yield placement


def is_apart(plan: Plan) -> bool:
    """Whether customers wait for the keys of orders."""
    waiting = [f for f in plan.fragments if f.reduction is not None]
    return ["public.customers" in f.tables for f in waiting] == [True]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT o.id, c.note FROM orders o JOIN customers c ON c.id = o.customer"
        " JOIN items i ON i.order_id = o.id WHERE NOT o.old",
        "SELECT o.id, c.note, n.name FROM customers c JOIN orders o ON c.id = o.customer"
        " JOIN nations n ON n.id = c.nation JOIN items i ON i.order_id = o.id WHERE NOT o.old",
        "SELECT o.id, c.note FROM orders o LEFT JOIN customers c ON c.id = o.customer"
        " JOIN items i ON i.order_id = o.id WHERE NOT o.old",
        "SELECT o.id, c.note FROM orders o JOIN customers c ON c.id = o.customer WHERE NOT o.old"
        " ORDER BY o.id",
    ],
    ids=["inner", "with a third table", "left", "of one source alone"],
)
def test_a_join_taken_apart_has_the_same_rows(placement: Placement, sql: str) -> None:
    plan = placement.plan(sql)
    assert is_apart(plan)
    whole = replace(placement, options=PlanningOptions(reductions="none"))
    assert not is_apart(whole.plan(sql))
    assert_same(placement.run(plan), whole.query(sql), sql)


def test_rows_that_are_not_repeated_are_joined_at_their_source(placement: Placement) -> None:
    sql = "SELECT o.id, c.note FROM orders o JOIN customers c ON c.id = o.customer WHERE o.id = 5"
    assert not placement.plan(sql).stages
