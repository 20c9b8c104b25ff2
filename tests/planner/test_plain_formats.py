"""Formats of the engine's own language that name no field."""

from __future__ import annotations

import pytest

from connectors.errors import Position
from connectors.memory import MemoryConnector
from flight_server.service import SqlPlanning
from flight_server.session_options import SessionOptions
from planner.catalog import Source
from planner.parse import parse
from planner.plain_formats import plain_formats
from tests.placements import Placement
from tests.planner.real_systems import systems


@pytest.mark.parametrize(
    "call",
    ["to_char(d, 'YYYY-MM')", "date_format(ts, 'yyyy')", "TO_CHAR(coalesce(d, (e)),\n 'Mon')"],
)
def test_a_format_without_a_field_is_warned_of_at_its_place(call: str) -> None:
    (found,) = plain_formats(parse(f"select 1,\n  {call} from t"))
    lines = call.split("\n")
    column = lines[-1].index("'") + 1 + (2 if len(lines) == 1 else 0)
    assert found.code == "format.without_fields"
    assert found.position == Position(1 + len(lines), column)


@pytest.mark.parametrize(
    "sql",
    [
        "select to_char(d, '%Y-%m') from t",
        "select to_char(d, '-') from t",
        "select to_char(d, f) from t",
        "select to_char(d, '%Y' || 'a') from t",
        "select to_char from t where 'to_char' = 'YYYY'",
        "select to_char(d, 'YYYY'",
    ],
)
def test_other_calls_are_not(sql: str) -> None:
    assert list(plain_formats(parse(sql))) == []


def test_the_plan_has_the_warning_and_a_dialect_that_has_such_formats_none() -> None:
    memory = MemoryConnector("shop", {"t": systems.table("duckdb")})
    sql = "select to_char(d, 'YYYY-MM') from t where id = 1"
    with Placement.opened([Source("shop", memory)]) as placement:
        plain = SqlPlanning().plan(sql, placement.catalog).plan
        assert plain.warnings[0].code == "format.without_fields"
        assert systems.rows_of(placement.run(plain)) == [("YYYY-MM",)]
        options = SessionOptions(dialect="postgres")
        translated = SqlPlanning().plan(sql, placement.catalog, options).plan
        assert "format.without_fields" not in [w.code for w in translated.warnings]
        assert systems.rows_of(placement.run(translated)) == [("2024-01",)]
