"""Tables as a list of them shows them: one that its source cannot read hides none of the others.

Owns which failures are one table's own. Must not know who asks for the list.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, runtime_checkable

from connectors.contract import Table, TableName, Tables
from connectors.errors import (
    CrosswindError,
    RequestError,
    SourceRejectedError,
    SourceSchemaChangedError,
)

_log = logging.getLogger(__name__)

_OF_ONE_TABLE = (RequestError, SourceRejectedError, SourceSchemaChangedError)
"""After any other failure nothing is expected of the source's next table either."""


@runtime_checkable
class KnowsKinds(Protocol):
    """Optional to `connectors.contract.Tables`: of what kind a table is, is known with its name."""

    def kinds(self) -> Mapping[TableName, str]:
        """The kind of each table that `names` gives, without a look at any."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """Optional to `connectors.contract.Tables`: many tables are looked at in one question."""

    def look_ahead(self, names: Sequence[TableName]) -> None:
        """Look at all of these, so that `find` has them for a while without asking."""
        ...


AT_ONCE = 500
"""Tables of one question: what it answers is held, and nobody can cancel it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A table of a list.

    Attributes:
        table: with its columns; None where nobody looked at it, or nobody could.
        problem: why nobody could.
    """

    name: TableName
    kind: str
    table: Table | None = None
    problem: CrosswindError | None = None


def listed(
    source: str, tables: Tables, names: Iterable[TableName], *, columns: bool
) -> Iterator[Listed]:
    """Tables of a source in the order of their names; without those that are gone by now.

    Args:
        source: whose they are, for the log: it says which could not be looked at, and why.
        names: of its tables.
        columns: each is looked at; without, only where the source does not know its kind before.

    Raises:
        SourceError: when the source cannot be asked.
    """
    kinds = tables.kinds() if not columns and isinstance(tables, KnowsKinds) else {}
    for name in _looked_ahead(source, tables, names) if columns else names:
        if name in kinds:
            yield Listed(name, kinds[name])
            continue
        try:
            table = tables.find(name)
        except _OF_ONE_TABLE as error:
            _log.warning("table %r of source %r cannot be looked at: %s", str(name), source, error)
            yield Listed(name, "TABLE", problem=error)
        else:
            if table is not None:
                yield Listed(table.name, table.kind, table)


def _looked_ahead(source: str, tables: Tables, names: Iterable[TableName]) -> Iterator[TableName]:
    if not isinstance(tables, LooksAhead):
        yield from names
        return
    left = iter(names)
    while some := list(islice(left, AT_ONCE)):
        # What is wrong with one of them is found when that one is looked at.
        try:
            tables.look_ahead(some)
        except _OF_ONE_TABLE as error:
            _log.debug("%d tables of source %r are looked at singly: %s", len(some), source, error)
        yield from some
