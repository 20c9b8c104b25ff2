"""What was looked up of a source's catalog, kept for a while: its listing, and tables by name.

Owns for how long, and that nothing from before a refresh comes back. Must not know how the source
is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from connectors.contract import TableName

MISSING_SECONDS = 10.0
"""A name that is not there may be made at any time; asking again costs a round trip or more."""

KNOWN_SECONDS = 60.0
"""What was added since causes no error by which it would be noticed."""

_L = TypeVar("_L")
_T = TypeVar("_T")


class LookedUp(Generic[_L, _T]):
    """The listing of a source, and what is known of its tables. Questions are asked unlocked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = 0
        self._listing: tuple[_L, float] | None = None
        self._found: dict[TableName, tuple[_T, float]] = {}
        self._missing: dict[TableName, float] = {}

    @property
    def last_listing(self) -> _L | None:
        """What was listed since the last refresh, however long ago."""
        with self._lock:
            return None if self._listing is None else self._listing[0]

    def listing(self, ask: Callable[[], _L]) -> _L:
        """What the source lists."""
        with self._lock:
            if self._listing is not None and time.monotonic() < self._listing[1]:
                return self._listing[0]
            generation = self._generation
        listing = ask()
        with self._lock:
            # What was asked for before a refresh may be old already.
            if generation == self._generation:
                self._listing = listing, time.monotonic() + KNOWN_SECONDS
        return listing

    def find(
        self,
        name: TableName,
        look_up: Callable[[], _T | None],
        named: Callable[[_T], TableName] | None = None,
    ) -> _T | None:
        """What is known of a table, or None.

        Args:
            look_up: asks the source.
            named: the name by which the table is known as well.
        """
        with self._lock:
            known, until = self._found.get(name, (None, 0.0))
            if known is not None and time.monotonic() < until:
                return known
            if time.monotonic() < self._missing.get(name, 0.0):
                return None
            generation = self._generation
        found = look_up()
        with self._lock:
            if generation == self._generation:
                if found is None:
                    self._remember_missing(name)
                else:
                    until = time.monotonic() + KNOWN_SECONDS
                    for each in {name, name if named is None else named(found)}:
                        self._found[each] = (found, until)
        return found

    def look_ahead(
        self,
        names: Iterable[TableName],
        look_up: Callable[[Sequence[TableName]], Mapping[TableName, _T]],
    ) -> None:
        """Have many tables known, in one question for those that are not.

        Args:
            look_up: asks the source; what it does not give is missing.
        """
        with self._lock:
            now, generation = time.monotonic(), self._generation
            unknown = [
                name
                for name in names
                if (name not in self._found or now >= self._found[name][1])
                and now >= self._missing.get(name, 0.0)
            ]
        if not unknown:
            return
        found = look_up(unknown)
        with self._lock:
            if generation == self._generation:
                until = time.monotonic() + KNOWN_SECONDS
                self._found |= {name: (table, until) for name, table in found.items()}
                for name in unknown:
                    if name not in found:
                        self._remember_missing(name)

    def forget_tables(self) -> None:
        """Ask for each table anew; those that are missing stay so for their time."""
        with self._lock:
            self._found = {}

    def refresh(self) -> None:
        """Forget everything."""
        with self._lock:
            self._generation += 1
            self._listing = None
            self._found = {}
            self._missing = {}

    def _remember_missing(self, name: TableName) -> None:
        now = time.monotonic()
        # Clients choose these names, so what is remembered of them must not grow for ever.
        self._missing = {n: until for n, until in self._missing.items() if until > now}
        self._missing[name] = now + MISSING_SECONDS
