"""Client dialects against the real systems: each answer is equal, noted or refused, never else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from connectors.errors import CrosswindError, InternalError, UnsupportedError
from connectors.memory import MemoryConnector
from flight_server.service import SqlPlanning
from flight_server.session_options import SessionOptions
from planner.catalog import Source
from tests.placements import Placement
from tests.planner.real_systems import systems
from tests.planner.real_systems.systems import Ask, Rows

DIALECTS = ("duckdb", "sqlite", "postgres")

LINES = [(dialect, sql) for dialect in DIALECTS for sql in systems.statements(dialect)]


@pytest.fixture(scope="module")
def placements() -> Iterator[dict[str, Placement]]:
    with ExitStack() as stack:
        yield {
            dialect: stack.enter_context(
                Placement.opened(
                    [Source("shop", MemoryConnector("shop", {"t": systems.table(dialect)}))]
                )
            )
            for dialect in DIALECTS
        }


@pytest.fixture(scope="module")
def real(postgres_uri: str) -> Iterator[dict[str, Ask]]:
    with ExitStack() as stack:
        yield {
            "duckdb": stack.enter_context(systems.duckdb_answers()),
            "sqlite": stack.enter_context(systems.sqlite_answers()),
            "postgres": stack.enter_context(systems.postgres_answers(postgres_uri)),
        }


@dataclass(frozen=True)
class Outcome:
    """What a statement came to: rows and what was noted, or an error."""

    rows: Rows = field(default_factory=list)
    notes: tuple[str, ...] = ()
    error: Exception | None = None


Both = Callable[[str, str], tuple[Outcome, Outcome]]
"""Ours and theirs, of a statement of a dialect."""


def ours(placement: Placement, sql: str, dialect: str) -> Outcome:
    try:
        planned = SqlPlanning().plan(sql, placement.catalog, SessionOptions(dialect=dialect))
        rows = systems.rows_of(placement.run(planned.plan))
    except CrosswindError as error:
        return Outcome(error=error)
    notes = [
        warning.message
        for warning in planned.plan.warnings
        if warning.code in ("function.translated", "dialect.best_effort")
    ]
    return Outcome(rows, tuple(notes))


def theirs(ask: Ask, sql: str) -> Outcome:
    try:
        return Outcome(ask(sql))
    except Exception as error:  # each system's driver has its own
        return Outcome(error=error)


@pytest.fixture(scope="module")
def outcomes(placements: dict[str, Placement], real: dict[str, Ask]) -> Both:
    @functools.cache
    def both(dialect: str, sql: str) -> tuple[Outcome, Outcome]:
        return ours(placements[dialect], sql, dialect), theirs(real[dialect], sql)

    return both


@pytest.mark.parametrize(("dialect", "sql"), LINES)
def test_the_answer_is_that_of_the_real_system_or_noted_or_refused(
    outcomes: Both, dialect: str, sql: str
) -> None:
    mine, other = outcomes(dialect, sql)
    if mine.error is not None:
        assert not isinstance(mine.error, InternalError), mine.error
        if isinstance(mine.error, UnsupportedError):
            assert mine.error.position is not None, mine.error
        return
    if other.error is not None:
        assert mine.notes, f"they fail: {other.error}; we answer {mine.rows}"
        return
    ordered = "order by" in sql.lower()
    equal = systems.same(mine.rows, other.rows, dialect, ordered=ordered)
    assert equal or mine.notes, (mine.rows, other.rows)


@pytest.mark.parametrize(
    ("dialect", "share"), [("duckdb", 0.7), ("sqlite", 0.7), ("postgres", 0.85)]
)
def test_most_lines_are_answered_as_the_real_system_does(
    outcomes: Both, dialect: str, share: float
) -> None:
    lines = systems.statements(dialect)
    assert len(lines) >= 150
    pairs = [outcomes(dialect, sql) for sql in lines]
    equal = [
        mine.error is None
        and other.error is None
        and systems.same(mine.rows, other.rows, dialect, ordered=False)
        for mine, other in pairs
    ]
    assert sum(equal) >= share * len(lines), f"{sum(equal)} of {len(lines)}"
