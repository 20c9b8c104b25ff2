"""The sources of a server by name, and how a name in SQL finds its table.

Owns name resolution and the nearest-name suggestions. Does no I/O of its own: connectors look
tables up, and cache them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from connectors.as_of import split
from connectors.contract import Connector, Table, TableName
from connectors.errors import (
    QueueFullError,
    SourceError,
    SourceUnavailableError,
    UnknownNameError,
)
from connectors.notes import Notes
from planner.asked import asking
from planner.cost import Link
from planner.options import Pushdown
from planner.seen import SeenRows

Path = tuple[str, str, str]
"""`(source, schema, table)`: a table's full name in SQL."""


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source.

    Attributes:
        name: in SQL.
        pushdown: how much of a query goes there, unless the query says so itself.
    """

    name: str
    connector: Connector
    link: Link = field(default_factory=Link)
    pushdown: Pushdown = "proven"


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A table together with the source that holds it."""

    source: Source
    table: Table

    @property
    def path(self) -> Path:
        """The full name in SQL."""
        return (self.source.name, self.table.name.schema, self.table.name.name)


class Catalog:
    """Every source by name. Immutable but for what connectors cache.

    Args:
        sources: those that may be asked.
        absent: configured sources that are left out, and why.
        own: what the server has besides, as `information_schema`: named in full, and never listed.
        seen: where rows are remembered; one of its own where none is given.
        replicas: by the full name of a table, those of its copies.

    Attributes:
        sources: the configured ones.
        runnable: these, and the server's own.
        nameable: the names of all that a statement may write, left out or not.
        seen: the rows of what ran over them.
        replicas: as given.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        absent: Mapping[str, str] | None = None,
        own: Iterable[Source] = (),
        seen: SeenRows | None = None,
        replicas: Mapping[Path, tuple[Path, ...]] | None = None,
    ) -> None:
        self.sources: Mapping[str, Source] = {source.name: source for source in sources}
        self.runnable = {source.name: source for source in own} | dict(self.sources)
        self._absent = absent or {}
        self.nameable = (*self.sources, *self._absent)
        self.seen = seen or SeenRows()
        self.replicas = replicas or {}

    def linked(self, links: Mapping[str, Link]) -> Catalog:
        """The same sources at the ends of these links; others keep theirs."""
        changed = {
            name: replace(source, link=links[name])
            for name, source in self.sources.items()
            if name in links and links[name] != source.link
        }
        if not changed:
            return self  # what is kept by catalog is kept
        own = [source for name, source in self.runnable.items() if name not in self.sources]
        return Catalog(
            {**self.sources, **changed}.values(), self._absent, own, self.seen, self.replicas
        )

    def resolve(self, parts: tuple[str, ...]) -> CatalogTable:
        """The table that `source.schema.table`, `source.table` or `table` means.

        One part must be held by exactly one source in its default schema, or else by one schema of
        all that there are; two parts are a source and a table of its default schema, or else a
        schema and a table that only one source has.

        Raises:
            UnknownNameError: with the nearest names, or with the sources when several hold it.
            SourceError: when a source must be asked and cannot be.
        """
        if len(parts) > 1 and parts[0] in self._absent:
            if (copy := self._copy_of(parts)) is not None:
                return copy
            raise SourceUnavailableError(
                f"it was left out when the server started: {self._absent[parts[0]]}",
                source=parts[0],
                hint="Start the server again when it answers.",
            )
        try:
            found = self._candidates(parts)
        except (SourceUnavailableError, QueueFullError):
            if (copy := self._copy_of(parts)) is not None:
                return copy
            raise
        if not found and len(parts) == 1:
            found = self._elsewhere(parts[0])
        if len(found) == 1:
            return found[0]
        name = ".".join(parts)
        if (named := self._of_one_group(found)) is not None:
            return named
        if found:
            full = ", ".join(".".join(table.path) for table in found)
            raise UnknownNameError(
                f"table {name!r} is ambiguous: {full}", hint="Write one of these full names."
            )
        message = f"table {name!r} does not exist{self._noted(parts)}"
        # Another source than the one that is named may not answer, and keep it from being said.
        own = self.sources.get(parts[0]) if len(parts) > 1 else None
        raise UnknownNameError(message, hint=self._nearest(parts, (own,) if own else None))

    def at(self, path: Path) -> CatalogTable | None:
        """The table of a full name, where its source is there and has it.

        Raises:
            SourceError: when its source cannot be asked.
        """
        found = self._candidates(path)
        return found[0] if found else None

    def unchanged(self, tables: Iterable[tuple[str, Table]]) -> bool:
        """Whether these sources still have these tables, as they are there.

        Raises:
            SourceError: when one cannot be asked.
        """
        for source, table in tables:
            with asking(source, str(table.name)):
                if self.sources[source].connector.tables().find(table.name) != table:
                    return False
        return True

    def copies(self, parts: tuple[str, ...], path: Path) -> tuple[Path, ...]:
        """The other tables that hold the same rows as one that a statement names.

        Args:
            parts: as the statement names it.
            path: what these were resolved to: a copy where the table itself cannot be asked for.
        """
        copies = self.replicas.get(path) or self._copies_of(parts)
        return tuple(copy for copy in copies if copy != path and copy[0] not in self._absent)

    def nearest(self, path: Path) -> str:
        """A hint of which tables of its source have a name like this one."""
        source = self.sources.get(path[0])
        return self._nearest(path, () if source is None else (source,))

    def _copy_of(self, parts: tuple[str, ...]) -> CatalogTable | None:
        """What answers for a table whose own source does not."""
        for copy in self._copies_of(parts):
            with suppress(SourceError, QueueFullError):
                found = None if copy[0] in self._absent else self.at(copy)
                if found is not None:
                    return found
        return None

    def _copies_of(self, parts: tuple[str, ...]) -> tuple[Path, ...]:
        """The copies of the table that parts name, of which its schema may be left out."""
        if len(parts) < 2:
            return ()
        found = [c for path, c in self.replicas.items() if parts in (path, (path[0], path[2]))]
        return found[0] if len(found) == 1 else ()

    def _of_one_group(self, found: Sequence[CatalogTable]) -> CatalogTable | None:
        """Of tables that one name may mean, that of which all others are copies."""
        paths = {table.path for table in found}
        for table, copies in self.replicas.items() if len(found) > 1 else ():
            if paths <= {table, *copies}:
                listed = (table, *copies)
                return min(found, key=lambda each: listed.index(each.path))
        return None

    def _candidates(self, parts: tuple[str, ...]) -> list[CatalogTable]:
        if len(parts) == 3:
            source = self.sources.get(parts[0])
            return _found([source] if source else [], TableName(parts[1], parts[2]))
        if len(parts) == 2:
            source = self.runnable.get(parts[0])
            if source:
                default = source.connector.tables().default_schema
                return _found([source], TableName(default, parts[1]))
            return _found(self.sources.values(), TableName(parts[0], parts[1]))
        found: list[CatalogTable] = []
        for source in self.sources.values():
            default = source.connector.tables().default_schema
            try:
                found += _found([source], TableName(default, parts[0]))
            except SourceUnavailableError as error:
                # It might have a table of this name: another one must not stand in for it.
                hint = f"To ask another source only, write its name before it: NAME.{parts[0]}."
                if error.hint or len(self.sources) == 1:
                    raise
                hinted = type(error)(error.message, source=error.source, hint=hint)
                raise hinted.while_reading(error.tables) from error
        return found

    def _elsewhere(self, name: str) -> list[CatalogTable]:
        """The tables of a name, or of its versions, outside of their sources' default schemas."""
        table, _ = split(name)
        found: list[CatalogTable] = []
        for source in self.sources.values():
            schemas = [known.schema for known in _names(source) if known.name == table]
            for schema in schemas:
                found += _found([source], TableName(schema, name))
        return found

    def _noted(self, parts: tuple[str, ...]) -> str:
        """Why a table that is configured is not there, to follow what says so."""
        named = self.sources.get(parts[0]) if len(parts) > 1 else None
        for source in (named,) if named is not None else self.sources.values():
            if isinstance(source.connector, Notes):
                with suppress(SourceError, QueueFullError), asking(source.name):
                    for note in source.connector.notes():
                        if note.table is not None and note.table.name == parts[-1]:
                            return f": {note.text}"
        return ""

    def _nearest(self, parts: tuple[str, ...], sources: Iterable[Source] | None = None) -> str:
        known = [
            (source.name, name.schema, name.name)
            for source in (self.sources.values() if sources is None else sources)
            for name in _names(source)
        ]
        if len(parts) == 3 and parts[0] not in self.sources:
            return f"Known sources: {', '.join(sorted(self.sources)) or 'none'}."
        by_text = {".".join(path): path for path in known} | {path[2]: path for path in known}
        wanted = [".".join(parts), parts[-1]]
        close = [m for w in wanted for m in difflib.get_close_matches(w, by_text, n=3, cutoff=0.6)]
        names = list(dict.fromkeys(".".join(by_text[match]) for match in close))[:3]
        if names:
            return f"Nearest: {', '.join(names)}."
        return f"Known sources: {', '.join(sorted(self.sources)) or 'none'}."


def _names(source: Source) -> Sequence[TableName]:
    """A source's tables; none where it cannot be asked: a name's error is not its."""
    try:
        with asking(source.name):
            return source.connector.tables().names()
    except SourceError:
        return ()


def _found(sources: Iterable[Source], name: TableName) -> list[CatalogTable]:
    found: list[CatalogTable] = []
    for source in sources:
        with asking(source.name, str(name)):
            table = source.connector.tables().find(name)
        if table is not None:
            found.append(CatalogTable(source, table))
    return found
