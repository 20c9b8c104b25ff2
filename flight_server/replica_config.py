"""`[replicas]`: which tables are in several sources.

Owns how that is written. Asks no source: whether there are such tables shows when they are read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Protocol

from connectors.errors import ConfigurationError

Path = tuple[str, str, str]
"""`(source, schema, table)`."""

Replicas = Mapping[Path, tuple[Path, ...]]
"""By the full name of a table, the full names of its copies."""

_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


class Places(Protocol):
    """Where keys were written."""

    def error(self, path: tuple[str, ...], message: str) -> ConfigurationError:
        """An error about the key at `path`."""
        ...


def replicas_of(table: object, sources: Collection[str], places: Places) -> Replicas:
    """The copies that `[replicas]` names.

    Args:
        table: its keys and values.
        sources: the configured ones.

    Raises:
        ConfigurationError: naming the key, and the nearest source to one that there is not.
    """
    if not isinstance(table, Mapping):
        raise places.error(
            ("replicas",), "'replicas' is not a table; write [replicas] and below it its keys"
        )
    found: dict[Path, tuple[Path, ...]] = {}
    for key, value in table.items():
        where = ("replicas", key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            raise places.error(
                where,
                f"{key!r} in [replicas]: expected a table's full name in quotes, and a list of"
                ' those of its copies: "shop.public.orders" = ["lake.main.orders"]',
            )
        named, *copies = (_path(name, where, sources, places) for name in (key, *value))
        if len({named, *copies}) <= len(copies):
            raise places.error(where, f"{key!r} in [replicas]: it names a table twice")
        found[named] = tuple(copies)
    return found


def _path(text: str, where: tuple[str, ...], sources: Collection[str], places: Places) -> Path:
    parts = [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(text)]
    if len(parts) != 3 or _PART.sub("", text) != "..":
        raise places.error(
            where,
            f"{text!r} in [replicas] is not a table's full name: SOURCE.SCHEMA.TABLE, with a part"
            " that has a dot in it in double quotes",
        )
    if parts[0] not in sources:
        close = difflib.get_close_matches(parts[0], sources, n=1)
        near = f"; did you mean {close[0]!r}?" if close else ""
        raise places.error(where, f"{text!r} in [replicas]: there is no source {parts[0]!r}{near}")
    return (parts[0], parts[1], parts[2])
