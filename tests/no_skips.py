"""A pytest plugin: a test that is skipped counts as failed.

`make test` loads it, because a machine that cannot run a test has not passed it. Expected failures
are not skips. Without the plugin, a skip stays a skip; so does one for want of Debian's packages,
which not every machine can have, unless the environment variable `CROSSWIND_TESTS_NEED` is set.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

PACKAGES_ARE_MISSING = "no packages of Debian's: python -m tests.debian_packages fetches them"
"""Why a test is skipped that needs MariaDB or PgBouncer."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when anything was skipped."""
    if _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say so."""
    if skipped := _skipped(config):
        terminalreporter.write_line(f"{len(skipped)} skipped: here every test must run", red=True)


def _skipped(config: pytest.Config) -> list[Any]:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    skipped = list(reporter.stats.get("skipped", ())) if reporter else []
    if "CROSSWIND_TESTS_NEED" in os.environ:
        return skipped
    return [report for report in skipped if PACKAGES_ARE_MISSING not in str(report.longrepr)]
