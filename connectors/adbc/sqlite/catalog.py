"""The tables of an SQLite file: names in one query, columns on demand, kept while the file is.

Owns the catalog queries and their cache. Must not know how a table is read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from connectors.adbc.sqlite.database import Database, Version
from connectors.adbc.sqlite.types import (
    MISFITS_ARE_NULL,
    arrow_type,
    lost,
    native_type,
    traits,
)
from connectors.contract import Column, Table, TableName
from connectors.errors import SourceRejectedError

SCHEMA = "main"

_ENCODING = "SELECT encoding FROM pragma_encoding"

_NAMES = """
SELECT name, type FROM pragma_table_list
WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')
  AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
"""

_COLUMNS = """
SELECT c.name AS name, c.type AS declared, c."notnull" AS not_null, c.pk AS key,
       l.type AS kind, l.wr AS without_rowid,
       c.pk = 1 AND upper(c.type) = 'INTEGER' AND NOT l.wr AND l.type = 'table' AND NOT EXISTS (
         SELECT 1 FROM pragma_index_list(l.name) WHERE origin = 'pk'
       ) AS is_rowid
FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name) AS c
WHERE l.schema = 'main' AND l.name = ?1 AND c.hidden IN (0, 2, 3)
ORDER BY c.cid
"""


class SqliteTables:
    """Tables and views; the one schema is `main`.

    Args:
        lenient: whether values that do not fit their columns' types are NULL.
    """

    def __init__(self, database: Database, *, lenient: bool = False) -> None:
        self._database = database
        self._lenient = lenient
        self._lock = threading.Lock()
        self._version: Version | None = None
        self._kinds: dict[TableName, str] | None = None
        self._found: dict[TableName, Table] = {}

    @property
    def default_schema(self) -> str:
        """The schema of names that give none; no I/O."""
        return SCHEMA

    def names(self) -> Sequence[TableName]:
        """Every table and view, sorted.

        Raises:
            SourceRejectedError: for a file whose texts are not in UTF-8.
        """
        return tuple(self.kinds())

    def kinds(self) -> Mapping[TableName, str]:
        """Of what kind each of them is, in the order of their names."""
        with self._lock:
            self._forget_old()
            if self._kinds is None:
                found = sorted((str(r["name"]), r["type"]) for r in self._database.rows(_NAMES))
                self._kinds = {TableName(SCHEMA, name): _kind(said) for name, said in found}
            return self._kinds

    def find(self, name: TableName) -> Table | None:
        """One table with its columns; names are told apart by case, as everywhere here."""
        if name.schema != SCHEMA:
            return None
        with self._lock:
            self._forget_old()
            if name not in self._found:
                rows = self._database.rows(_COLUMNS, name.name)
                if not rows:
                    return None
                kind = _kind(rows[0]["kind"])
                columns = tuple(_column(row, lenient=self._lenient) for row in rows)
                self._found[name] = Table(name, columns, kind)
            return self._found[name]

    def refresh(self) -> None:
        """Forget everything; the next look-up asks the file."""
        with self._lock:
            self._version = None

    def _forget_old(self) -> None:
        version = self._database.version()
        if version != self._version:
            self._check_encoding()
            self._version, self._kinds, self._found = version, None, {}

    def _check_encoding(self) -> None:
        """Texts compare by their bytes: only those of UTF-8 are in the order of code points."""
        encoding = self._database.rows(_ENCODING)[0]["encoding"]
        if encoding != "UTF-8":
            raise SourceRejectedError(
                f"the file keeps its texts in {encoding}, in which they have another order",
                source=self._database.source,
                hint="Copy it to a file in UTF-8, with `.dump` of the command sqlite3.",
            )


def _kind(said: object) -> str:
    return "VIEW" if said == "view" else "TABLE"


def _column(row: dict[str, object], *, lenient: bool) -> Column:
    declared = str(row["declared"] or "")
    table = row["kind"] == "table"
    known = traits(
        declared,
        rowid=table and not row["without_rowid"],
        is_rowid=bool(row["is_rowid"]),
        lenient=lenient,
    )
    return Column(
        name=str(row["name"]),
        type=arrow_type(declared),
        nullable=not (table and row["not_null"]) or MISFITS_ARE_NULL in known,
        native_type=native_type(declared),
        lost=lost(declared),
        traits=known,
    )
