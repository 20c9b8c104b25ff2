"""The tables of types: connectors and planner agree, and the page shows what they say."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from planner.emit.dialects import DIALECTS
from tests.types_page import page, rows_of

PAGE = Path(__file__).parents[1] / "docs" / "types.md"


def test_the_page_is_up_to_date(pytestconfig: pytest.Config) -> None:
    text = page()
    if pytestconfig.getoption("--regen"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "docs/types.md is stale: make regen"


@pytest.mark.parametrize("name", DIALECTS)
def test_what_a_connector_reads_the_planner_can_write(name: str) -> None:
    """Else constants and conversions of a column's type would have no form at its own source."""
    missing = {
        str(row.arrow)
        for row in rows_of(name)
        if DIALECTS[name].type_sql(row.arrow) is None
        # Compared and sorted here: sources differ in their narrow floats and wide decimals, and the
        # engine's SQL has no name for most nested types.
        and not pa.types.is_nested(row.arrow)
        and not pa.types.is_float32(row.arrow)
        and not pa.types.is_decimal256(row.arrow)
    }
    assert missing <= {"uint8", "int8", "timestamp[us, tz=UTC]"}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_text_of_another_type_says_what_is_lost(name: str) -> None:
    kinds = ("text", "char", "string", "name", "utf8")
    for row in rows_of(name):
        if row.arrow == pa.string() and not any(k in row.native.lower() for k in kinds):
            assert row.lost, row.native
