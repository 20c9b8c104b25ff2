"""Which tables are read from first page to last, and which integers of theirs come short."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from connectors.contract import (
    Capabilities,
    ColumnStatistics,
    Fragment,
    Framing,
    SqlQuery,
    Statistics,
    TableName,
)
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.parse import parse
from planner.planning import plan_query
from tests.planner.paper import EVERYTHING, PaperConnector, PaperTable
from tests.planner.paper_shop import INT, TEXT

ITEMS = PaperTable(
    {"id": (INT,), "code": INT, "wide": INT, "unknown": INT, "small": pa.int32(), "note": TEXT},
    rows=1_000_000,
)
COLUMNS = {
    "id": ColumnStatistics(width_bytes=12.0, minimum=0, maximum=1_000_000),
    "code": ColumnStatistics(width_bytes=12.0, distinct=2.0, minimum=-(1 << 31), maximum=7),
    "wide": ColumnStatistics(width_bytes=12.0, minimum=0, maximum=1 << 31),
    "unknown": ColumnStatistics(width_bytes=12.0),
    "small": ColumnStatistics(width_bytes=8.0, minimum=0, maximum=9),
    "note": ColumnStatistics(width_bytes=20.0),
}


class _Server(PaperConnector):
    def statistics(self, table: TableName) -> Statistics:
        return Statistics(1_000_000, 72e6, COLUMNS)


def _fragment(sql: str, link: Link, framing: Framing) -> tuple[Fragment, float]:
    """What the source is sent, and the seconds in which its rows are expected to cross."""
    capabilities = Capabilities("postgres", EVERYTHING, framing=framing)
    shop = Source("shop", _Server("shop", {"items": ITEMS}, capabilities), link)
    (planned,) = plan_query(parse(sql), Catalog([shop])).fragments
    assert planned.cost is not None
    return planned.fragment, planned.cost.transfer_seconds


def _is_read_through(condition: str) -> bool:
    sql = f"SELECT id FROM shop.items WHERE {condition}"
    fragment, _ = _fragment(sql, Link.of(1, 100), Framing())
    assert isinstance(fragment.query, SqlQuery)
    return fragment.query.whole is not None


@pytest.mark.parametrize(
    "condition",
    [
        "id < 500000",
        "code = 3",
        "code <> 3 AND small IS NOT NULL",
        "id < code OR code = 1",
        "(code = 1 AND small <> 1) OR (code = 2 AND small <> 2)",
        "NOT id < 500000",
        "note <> 'a'",
    ],
)
def test_a_table_of_which_many_rows_are_picked_by_comparisons_is_read_through(
    condition: str,
) -> None:
    assert _is_read_through(condition)


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("id < 200000", "few rows: a server may know where they are"),
        ("unknown = 3", "few rows"),
        ("note NOT LIKE '%a%'", "it takes longer than what there is to gain"),
        ("code + 1 = 3 OR id < 900000", "it may fail"),
        (" OR ".join(f"(code = {n} AND small <> {n})" for n in range(20)), "it takes longer, too"),
        ("code = (SELECT max(code) FROM shop.items)", "it reads another table"),
    ],
)
def test_any_other_is_read_as_its_source_likes(condition: str, why: str) -> None:
    assert not _is_read_through(condition), why


def test_what_is_grouped_or_limited_is_not_a_table_that_is_read_through() -> None:
    for sql in (
        "SELECT id FROM shop.items WHERE code = 3 LIMIT 7",
        "SELECT code, count(*) FROM shop.items WHERE id < 500000 GROUP BY code",
        "SELECT id FROM shop.items WHERE code = 3 ORDER BY id",
    ):
        fragment, _ = _fragment(sql, Link.of(1, 100), Framing())
        assert isinstance(fragment.query, SqlQuery)
        assert fragment.query.whole is None


SHORT = Framing(row_bytes=7.0, whole_value_bytes=-4.0, short=True)


@pytest.mark.parametrize(
    ("sql", "short"),
    [
        ("SELECT small, code, wide, unknown, note, id FROM shop.items", (1, 5)),
        ("SELECT note, id FROM shop.items WHERE code = 3", (1,)),
        ("SELECT note, id FROM shop.items WHERE note LIKE 'a%'", ()),
        ("SELECT id + 1 AS next FROM shop.items", ()),
    ],
)
def test_integers_come_short_of_columns_that_are_known_to_be(
    sql: str, short: tuple[int, ...]
) -> None:
    fragment, _ = _fragment(sql, Link.of(1, 100), SHORT)
    assert fragment.short == short


def test_integers_come_as_they_are_where_bytes_are_cheap_or_the_source_knows_no_other_way() -> None:
    sql = "SELECT id FROM shop.items"
    assert _fragment(sql, Link.of(0, 1000), SHORT)[0].short == (0,)
    assert _fragment(sql, Link.of(0, 2000), SHORT)[0].short == ()
    assert _fragment(sql, Link.of(1, 100), Framing(whole_value_bytes=-4.0))[0].short == ()


def test_small_tables_come_row_by_row() -> None:
    """A source that reads tables by columns from 100 MB on, and one of 72 MB."""
    large = replace(SHORT, whole_from_bytes=100e6)
    sql = "SELECT wide FROM shop.items WHERE code = 3"
    link = Link.of(1, 100)
    _, seconds = _fragment(sql, link, large)
    assert seconds == pytest.approx(500_000 * (12 + 7) * 8 / 100e6)
    _, by_columns = _fragment(sql, link, replace(large, whole_from_bytes=50e6))
    assert by_columns == pytest.approx(500_000 * (12 - 4) * 8 / 100e6)


def test_what_comes_short_is_expected_to_cross_in_half_the_time() -> None:
    link = Link.of(1, 100)
    _, short = _fragment("SELECT id FROM shop.items", link, SHORT)
    _, long = _fragment("SELECT wide FROM shop.items", link, SHORT)
    assert short == pytest.approx(4e6 * 8 / 100e6)
    assert long == pytest.approx(8e6 * 8 / 100e6)
