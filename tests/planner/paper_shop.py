"""A shop on paper to plan over: databases, a lake of files, and notes that are only scanned."""

from __future__ import annotations

import pyarrow as pa

from planner.catalog import Catalog
from planner.options import PlanningOptions, Pushdown
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from tests.planner.paper import PaperConnector, PaperTable, paper, paper_catalog

INT, TEXT, FLOAT, MONEY = pa.int64(), pa.string(), pa.float64(), pa.decimal128(15, 2)

ORDERS = PaperTable(
    {"id": (INT,), "customer": INT, "day": pa.date32(), "total": MONEY, "weight": FLOAT},
    rows=100_000,
    distinct={"id": 100_000, "customer": 1_000, "day": 365},
)
CUSTOMERS = PaperTable(
    {"id": (INT,), "name": TEXT, "nation": INT, "small": pa.int32()},
    rows=1_000,
    distinct={"id": 1_000, "name": 1_000, "nation": 25},
)
SUPPLIERS = PaperTable(
    {"id": (INT,), "nation": INT}, rows=1_000, distinct={"id": 1_000, "nation": 25}
)
ITEMS = PaperTable(
    {"order_id": INT, "customer": INT, "supplier": INT, "price": MONEY, "weight": FLOAT},
    rows=1_000_000,
    distinct={"order_id": 100_000, "customer": 1_000, "supplier": 1_000},
)


def shop() -> PaperConnector:
    return paper(
        "postgres", {"orders": ORDERS, "customers": CUSTOMERS, "suppliers": SUPPLIERS}, "shop"
    )


def shop_catalog() -> Catalog:
    """A shop and a till in databases, a lake of files, notes that are only scanned."""
    return paper_catalog(
        shop=shop(),
        till=paper("postgres", {"sales": ORDERS, "members": CUSTOMERS}, "till"),
        lake=paper("native", {"items": ITEMS}),
        notes=paper("scan", {"remarks": CUSTOMERS}),
    )


def plan(sql: str, catalog: Catalog, pushdown: Pushdown | None = None) -> Plan:
    return plan_query(parse(sql), catalog, PlanningOptions(pushdown))
