"""The page of what each connector does is the one that the profiles make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.connectors import test_conformance
from tests.support_page import PROFILES, page

PAGE = Path(__file__).parents[1] / "docs" / "connectors" / "support.md"


def test_the_page_is_up_to_date(pytestconfig: pytest.Config) -> None:
    text = page()
    if pytestconfig.getoption("--regen"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "docs/connectors/support.md is stale: make regen"


def test_every_profile_of_the_page_is_run() -> None:
    """Else the page would say what nobody has checked."""
    suites = [s for n, s in vars(test_conformance).items() if n.startswith("Test")]
    run = [(suite.profile.connector, suite.profile.waivers) for suite in suites]
    shown = [(profile.connector, profile.waivers) for profile in PROFILES.values()]
    assert sorted(map(str, run)) == sorted(map(str, shown))
