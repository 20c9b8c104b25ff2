"""The page of functions shows what the planner's tables say, and that what is proven was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.emit.dialects import PROVEN, UNPROVEN
from tests.functions_page import cases_of, page

PAGE = Path(__file__).parents[1] / "docs" / "functions.md"


def test_the_page_is_up_to_date(pytestconfig: pytest.Config) -> None:
    text = page()
    if pytestconfig.getoption("--regen"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "docs/functions.md is stale: make regen"


def test_every_rule_that_is_called_proven_has_statements_that_show_it() -> None:
    for dialect in PROVEN:
        rules = dialect.functions | dialect.aggregates
        proven = {name for name, rule in rules.items() if rule.proven}
        assert proven <= {name for name, cases in cases_of(dialect).items() if cases}, dialect.name


def test_nothing_is_proven_of_a_dialect_that_was_not_run() -> None:
    for dialect in UNPROVEN:
        rules = (*dialect.functions.values(), *dialect.aggregates.values())
        assert not dialect.proven
        assert not any(rule.proven for rule in rules)
