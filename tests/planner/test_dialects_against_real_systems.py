"""Client dialects against the real systems: each answer is equal, noted or refused, never else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pyarrow as pa
import pytest

from connectors.errors import CrosswindError, InternalError, UnsupportedError
from connectors.memory import MemoryConnector
from flight_server.service import SqlPlanning
from flight_server.session_options import SessionOptions
from planner.catalog import Source
from tests.placements import Placement
from tests.planner.real_systems import systems
from tests.planner.real_systems.systems import Ask

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


def answer(placement: Placement, sql: str, dialect: str) -> tuple[pa.Table, list[str]]:
    planned = SqlPlanning().plan(sql, placement.catalog, SessionOptions(dialect=dialect))
    notes = [
        warning.message
        for warning in planned.plan.warnings
        if warning.code in ("function.translated", "dialect.best_effort")
    ]
    return placement.run(planned.plan), notes


@pytest.mark.parametrize(("dialect", "sql"), LINES)
def test_the_answer_is_that_of_the_real_system_or_noted_or_refused(
    placements: dict[str, Placement], real: dict[str, Ask], dialect: str, sql: str
) -> None:
    try:
        table, notes = answer(placements[dialect], sql, dialect)
    except CrosswindError as error:
        assert not isinstance(error, InternalError), error
        assert error.position is not None or not isinstance(error, UnsupportedError), error
        return
    ours = systems.rows_of(table)
    try:
        theirs = real[dialect](sql)
    except Exception as error:
        assert notes, f"they fail: {error}; we answer {ours}"
        return
    ordered = "order by" in sql.lower()
    assert systems.same(ours, theirs, dialect, ordered=ordered) or notes, (ours, theirs)


@pytest.mark.parametrize(
    ("dialect", "share"), [("duckdb", 0.6), ("sqlite", 0.6), ("postgres", 0.8)]
)
def test_most_lines_are_answered_as_the_real_system_does(
    placements: dict[str, Placement], real: dict[str, Ask], dialect: str, share: float
) -> None:
    lines = systems.statements(dialect)
    assert len(lines) >= 150
    equal = 0
    for sql in lines:
        try:
            table, _ = answer(placements[dialect], sql, dialect)
            theirs = real[dialect](sql)
        except Exception:  # counted as not answered
            continue
        equal += systems.same(systems.rows_of(table), theirs, dialect, ordered=False)
    assert equal >= share * len(lines), f"{equal} of {len(lines)}"
