"""A table as it was: what its name says of which of its versions is meant.

Owns that name, which stands in statements, plans and scans. A source that keeps versions reads it
by `split`; to all others it is the name of a table that they do not have. Must not know SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

MOST_KEPT = 32
"""Versions that were asked for by such names, of which a source remembers what it read."""

_NAME = re.compile(r"(?s)(.+) FOR (?:VERSION AS OF (?:(\d+)|'(.+)')|TIMESTAMP AS OF '([^']+)')")


@dataclass(frozen=True, slots=True)
class AsOf:
    """One of a table's versions.

    Attributes:
        version: its number.
        ref: the name of a branch or a tag.
        timestamp: when it was the newest one; with a zone.
    """

    version: int | None = None
    ref: str | None = None
    timestamp: datetime | None = None

    def named(self, table: str) -> str:
        """The name of this version of a table.

        >>> AsOf(version=5).named("orders"), AsOf(ref="main").named("orders")
        ('orders FOR VERSION AS OF 5', "orders FOR VERSION AS OF 'main'")
        """
        return f"{table} FOR {self}"

    def __str__(self) -> str:
        if self.timestamp is not None:
            return f"TIMESTAMP AS OF '{self.timestamp.astimezone(UTC).isoformat()}'"
        return f"VERSION AS OF '{self.ref}'" if self.ref else f"VERSION AS OF {self.version}"


def split(name: str) -> tuple[str, AsOf | None]:
    """A table's own name, and which version of it is meant; None for what is the newest.

    >>> split("orders"), split("orders FOR VERSION AS OF 5")
    (('orders', None), ('orders', AsOf(version=5, ref=None, timestamp=None)))
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return name, None
    table, version, ref, timestamp = found.groups()
    if timestamp is not None:
        moment = moment_of(timestamp)
        return (name, None) if moment is None else (table, AsOf(timestamp=moment))
    return table, AsOf(ref=ref) if version is None else AsOf(version=int(version))


def moment_of(text: str) -> datetime | None:
    """A moment as SQL writes it, in UTC where it names no zone; None for what is none.

    >>> moment_of("2026-01-31 12:00:00+02")
    datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
