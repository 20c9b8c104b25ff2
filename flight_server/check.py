"""Whether each source answers, how far away it is, and how many tables it has.

Owns what counts as reachable. Prints nothing; serves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from connectors.contract import Connector, Ingests, Pings
from connectors.errors import CrosswindError
from connectors.notes import Notes
from execution.links import Links
from flight_server.link_watch import measure
from planner.catalog import Source


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What was found.

    Attributes:
        name: the source's.
        tables: how many, None when it cannot be reached.
        error: why it cannot be reached, or None.
        notes: what was configured and finds nothing there.
    """

    name: str
    tables: int | None = None
    error: CrosswindError | None = None
    notes: tuple[str, ...] = ()


def check_sources(sources: Iterable[Source], links: Links | None = None) -> list[SourceCheck]:
    """Ask every source for its tables, all at once.

    Args:
        sources: whom to ask.
        links: has the links of those measured that can be timed; None to leave that.
    """
    asked = list(sources)
    if not asked:
        return []
    with ThreadPoolExecutor(len(asked), thread_name_prefix="crosswind-check") as pool:
        return list(pool.map(lambda source: _check(source, links), asked))


def _check(source: Source, links: Links | None) -> SourceCheck:
    connector = source.connector
    try:
        tables = len(connector.tables().names())
    except CrosswindError as error:
        return SourceCheck(source.name, error=error)
    if links is not None and isinstance(connector, Pings) and source.name in links.wanting():
        measure(source.name, connector, links)
    return SourceCheck(source.name, tables, notes=_notes(connector, tables))


def _notes(connector: Connector, tables: int) -> tuple[str, ...]:
    found: list[str] = []
    if isinstance(connector, Notes):
        with suppress(CrosswindError):  # It has answered: what it cannot say is no error of its.
            found = list(map(str, connector.notes()))
    if not (found or tables or (isinstance(connector, Ingests) and connector.takes_rows)):
        found = ["it has no tables"]
    return tuple(found)
