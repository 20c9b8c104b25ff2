"""What the kit must be told of a connector, and of a source that runs. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pyarrow as pa

from connectors import registry
from connectors.contract import Connector


@dataclass(frozen=True)
class Place:
    """A real source that runs and holds the kit's tables. What is None cannot be asked of it, and
    the checks that need it are then waived, with the reason.

    Attributes:
        options: as a configuration file has them, secrets resolved.
        schema: of the tables; None for the source's default one.
        unreachable: options that lead to nothing: a closed port, a file that is not there.
        refused: options that the source is reached with and refuses: a wrong password.
        other: options of another database, which must not be taken for this one.
        secret: a text within `options` that must never be shown, nor the wrong one that the kit
            tries in its place.
        active: how many statements the source runs now for those who have `options`.
        add: makes another table of a name, with one row.
        alter: drops the column `a` of a table.
        silent: a statement, in the source's own SQL, that gives no row for a minute.
        kill: ends the source without a word; nothing is asked of it afterwards.
    """

    options: Mapping[str, object]
    schema: str | None = None
    unreachable: Mapping[str, object] | None = None
    refused: Mapping[str, object] | None = None
    other: Mapping[str, object] | None = None
    secret: str | None = None
    active: Callable[[], int] | None = None
    add: Callable[[str], None] | None = None
    alter: Callable[[str], None] | None = None
    silent: str | None = None
    kill: Callable[[], None] | None = None


def _registered(connector: str) -> Callable[[Mapping[str, object]], Connector]:
    return lambda options: registry.create(connector, "kit", options)


@dataclass(frozen=True)
class Profile:
    """One kind of source.

    Attributes:
        connector: its name in the entry-point group `crosswind.connectors`.
        opened: makes a fresh source that holds the given tables, and ends it.
        holds: the Arrow types that a column there can be made of, and the type it comes back as.
        lacks: values of those types that it cannot hold, by type.
        waivers: names of checks that cannot pass, and why. Strict: one that passes fails.
        connect: how options become a connector; by the registry unless said otherwise.
    """

    connector: str
    opened: Callable[[Mapping[str, pa.Table]], AbstractContextManager[Place]]
    holds: Mapping[pa.DataType, pa.DataType]
    lacks: Mapping[pa.DataType, tuple[object, ...]] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)
    connect: Callable[[Mapping[str, object]], Connector] | None = None

    def connected(self, options: Mapping[str, object]) -> Connector:
        """A connector named `kit`, for the caller to close. Does no I/O."""
        return (self.connect or _registered(self.connector))(options)
