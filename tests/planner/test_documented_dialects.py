"""Client dialects against the documentation of the systems that cannot be run here.

Each line of `real_systems/documented/<dialect>.txt` is an expression and the value that the system
gives, after the page of its documentation. `REFUSED` stands for what has no equal here.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import UnsupportedError
from connectors.memory import MemoryConnector
from flight_server.service import SqlPlanning
from flight_server.session_options import SessionOptions
from planner.catalog import Source
from tests.placements import Placement
from tests.planner.real_systems import systems

FOLDER = Path(systems.__file__).parent / "documented"
REFUSED = object()


def examples() -> Iterator[tuple[str, str, object]]:
    for path in sorted(FOLDER.glob("*.txt")):
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("-- "):
                sql, _, value = line.rpartition(" | ")
                # The files are the project's own.
                names = {"datetime": datetime, "Decimal": Decimal, "REFUSED": REFUSED}
                yield path.stem, sql, eval(value, names)


EXAMPLES = list(examples())

OTHER_NAMES = {"athena": "trino", "presto": "trino", "databricks": "spark"}
"""Dialects that another one's examples are for, too."""


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    memory = MemoryConnector("shop", {"t": systems.table("duckdb")})
    with Placement.opened([Source("shop", memory)]) as placement:
        yield placement


def value_of(placement: Placement, sql: str, dialect: str) -> object:
    planned = SqlPlanning().plan(
        f"SELECT {sql} AS v", placement.catalog, SessionOptions(dialect=dialect)
    )
    (row,) = systems.rows_of(placement.run(planned.plan))
    return row[0]


@pytest.mark.parametrize(
    ("dialect", "sql", "value"), EXAMPLES, ids=[f"{d}-{sql}" for d, sql, _ in EXAMPLES]
)
def test_the_value_is_that_of_the_documentation(
    placement: Placement, dialect: str, sql: str, value: object
) -> None:
    if value is REFUSED:
        with pytest.raises(UnsupportedError) as refused:
            value_of(placement, sql, dialect)
        assert refused.value.position is not None
        return
    found = value_of(placement, sql, dialect)
    assert systems.same([(found,)], [(value,)], dialect, ordered=True), found


@pytest.mark.parametrize("dialect", sorted({dialect for dialect, _, _ in EXAMPLES}))
def test_there_are_enough_examples(dialect: str) -> None:
    answered = [value for name, _, value in EXAMPLES if name == dialect and value is not REFUSED]
    assert len(answered) >= 25
