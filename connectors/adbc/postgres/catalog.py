"""The tables of a PostgreSQL database: names in one query, columns on demand, both cached.

Owns the catalog queries. Must not know how a table is read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import pyarrow as pa

from connectors.adbc.postgres.pool import Pool
from connectors.adbc.postgres.types import (
    ARRAY_AS_TEXT,
    DOMAIN_ELEMENTS,
    arrow_type,
    is_array,
    lost,
    native_type,
)
from connectors.contract import Column, Table, TableName
from connectors.errors import SourceRejectedError
from connectors.looked_up import LookedUp

Row = dict[str, object]

_KINDS = {
    "r": "TABLE",
    "p": "TABLE",
    "v": "VIEW",
    "m": "MATERIALIZED VIEW",
    "f": "FOREIGN TABLE",
}

# What is not enforced by the server itself cannot be promised.
_ENFORCED_KINDS = frozenset("rp")

# $1: the schemas to list as a JSON array of texts, or NULL. Tables without any readable column are
# left out, as information_schema does.
_NAMES = """
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND ($1::text IS NULL
       OR n.nspname IN (SELECT json_array_elements_text(CAST($1::text AS json))))
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
"""

_UNTRANSLATABLE = "(SQLSTATE 22P05)"
"""The server's encoding lacks a character of what it is sent."""

_SCHEMAS = "SELECT nspname::text AS name FROM pg_catalog.pg_namespace"

# $1: pairs of schema and name, as a JSON array of arrays, each pair once. One row for a column; one
# with a NULL column for a table without any.
# Domains are resolved to their base: its type, and the modifier that the innermost domain gives. An
# array is resolved to its element, whose modifier is the array's own.
_COLUMNS = """
SELECT n.nspname::text AS schema, c.relname::text AS name,
       c.relkind::text AS kind, a.attname::text AS column_name,
       CASE WHEN base.schema = 'pg_catalog' THEN base.type
            ELSE base.schema || '.' || base.type END AS type,
       base.modifier AS modifier,
       CASE WHEN base.element THEN GREATEST(base.dimensions, 1) ELSE 0 END AS dimensions,
       base.refined AS refined,
       a.attnotnull AND NOT EXISTS (
         SELECT 1 FROM pg_catalog.pg_constraint k
         WHERE k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum
           AND NOT k.convalidated) AS not_null,
       pg_catalog.getdatabaseencoding()::text AS encoding,
       COALESCE(NOT l.collisdeterministic, false) AS nondeterministic,
       base.type IN ('text', 'varchar', 'bpchar') AND NOT base.element
         AND l.collname <> 'default' AS collated
FROM json_array_elements(CAST($1::text AS json)) AS pair
JOIN pg_catalog.pg_namespace n ON n.nspname = pair->>0
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = pair->>1
LEFT JOIN pg_catalog.pg_attribute a
  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
  WITH RECURSIVE resolved AS (
    SELECT t.typtype, t.typbasetype, t.typelem, t.typinput, t.typtypmod, t.typname, t.typnamespace,
           a.atttypmod AS modifier, GREATEST(a.attndims, t.typndims)::int AS dimensions,
           false AS element, false AS refined
    FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
    UNION ALL
    SELECT t.typtype, t.typbasetype, t.typelem, t.typinput, t.typtypmod, t.typname, t.typnamespace,
           CASE WHEN r.modifier >= 0 THEN r.modifier ELSE r.typtypmod END,
           GREATEST(r.dimensions, t.typndims), r.element OR r.typtype <> 'd',
           r.element AND r.typtype = 'd'
    FROM resolved r JOIN pg_catalog.pg_type t
      ON t.oid = CASE WHEN r.typtype = 'd' THEN r.typbasetype
                      WHEN NOT r.element AND r.typinput = 'pg_catalog.array_in'::regproc
                      THEN r.typelem END)
  SELECT r.typname::text AS type, s.nspname::text AS schema, r.modifier, r.dimensions, r.element,
         r.refined
  FROM resolved r JOIN pg_catalog.pg_namespace s ON s.oid = r.typnamespace
  WHERE r.typtype <> 'd'
    AND (r.element OR r.typinput <> 'pg_catalog.array_in'::regproc)) base ON true
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'))
ORDER BY a.attnum
"""


class PostgresTables:
    """`connectors.contract.Tables` of one database.

    Args:
        pool: where connections come from.
        default_schema: the schema of names that give none.
        schemas: the schemas that exist for the client; None for all.
        arrays_as_text: whether every array is its text.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        default_schema: str,
        schemas: tuple[str, ...] | None = None,
        arrays_as_text: bool = False,
    ) -> None:
        self._pool = pool
        self._default_schema = default_schema
        self._schemas = schemas
        self._arrays_as_text = arrays_as_text
        self._known: LookedUp[dict[TableName, str], Table] = LookedUp()
        self._encoding = ""

    @property
    def encoding(self) -> str:
        """The encoding of the database, which never changes; empty before a table is found."""
        return self._encoding

    @property
    def default_schema(self) -> str:
        """The schema of names that give none; no I/O."""
        return self._default_schema

    def names(self) -> Sequence[TableName]:
        """Every readable table, view and foreign table outside the system schemas, sorted."""
        return tuple(self.kinds())

    def kinds(self) -> Mapping[TableName, str]:
        """Of what kind each of them is, in the order of their names."""
        return self._known.listing(self._listed)

    def _listed(self) -> dict[TableName, str]:
        schemas = None if self._schemas is None else _sent(self._schemas)
        rows = self._pool.rows(_NAMES, (schemas,))
        found = (tuple(map(str, (row["schema"], row["name"], row["kind"]))) for row in rows)
        return {TableName(schema, name): _KINDS[kind] for schema, name, kind in sorted(found)}

    def find(self, name: TableName) -> Table | None:
        """One table with its columns. A missing one is asked for again after a few seconds."""
        if not self._may_be_there(name):
            return None
        return self._known.find(name, lambda: self._asked_for(name))

    def look_ahead(self, names: Sequence[TableName]) -> None:
        """Look at all of these in one query.

        Raises:
            SourceError: also where one of them has a character that the server's encoding lacks.
        """
        self._known.look_ahead([n for n in names if self._may_be_there(n)], self._looked_up)

    def _may_be_there(self, name: TableName) -> bool:
        seen = self._schemas is None or name.schema in self._schemas
        return seen and _can_be_sent(name.schema) and _can_be_sent(name.name)

    def _asked_for(self, name: TableName) -> Table | None:
        try:
            return self._looked_up([name]).get(name)
        except SourceRejectedError as error:
            if _UNTRANSLATABLE in error.message:
                return None
            raise

    def _looked_up(self, names: Sequence[TableName]) -> dict[TableName, Table]:
        pairs = _sent([[name.schema, name.name] for name in names])
        columns: dict[TableName, list[Row]] = defaultdict(list)
        for row in self._pool.rows(_COLUMNS, (pairs,)):
            columns[TableName(str(row["schema"]), str(row["name"]))].append(row)
            self._encoding = str(row["encoding"])
        return {name: _table(name, of, self._arrays_as_text) for name, of in columns.items()}

    def lacking(self, schemas: Iterable[str]) -> dict[str, str]:
        """Those that the database does not have, each with the name that is nearest, or none."""
        there = [str(row["name"]) for row in self._pool.rows(_SCHEMAS, ())]
        return {
            name: "".join(get_close_matches(name, there, n=1))
            for name in schemas
            if name not in there
        }

    def refresh(self) -> None:
        """Forget everything; the next look-up asks the server."""
        self._known.refresh()


def _sent(names: Sequence[object]) -> str:
    """Names as JSON, whose escapes only a server in UTF-8 reads."""
    return json.dumps(names, ensure_ascii=False)


def _can_be_sent(name: str) -> bool:
    """Whether a server may have it at all."""
    return "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)


def _table(name: TableName, rows: Sequence[Row], arrays_as_text: bool) -> Table:
    kind = str(rows[0]["kind"])
    columns = tuple(
        _column(row, enforced=kind in _ENFORCED_KINDS, arrays_as_text=arrays_as_text)
        for row in rows
        if row["column_name"] is not None
    )
    return Table(name, columns, _KINDS[kind])


def _column(row: Row, *, enforced: bool, arrays_as_text: bool) -> Column:
    modifier, dimensions = row["modifier"], row["dimensions"]
    assert isinstance(modifier, int)
    assert isinstance(dimensions, int)
    plain = native_type(str(row["type"]), modifier, dimensions)
    as_text = arrays_as_text and is_array(plain)
    suffix = (
        " nondeterministic" if row["nondeterministic"] else " collated" if row["collated"] else ""
    )
    return Column(
        name=str(row["column_name"]),
        type=pa.string() if as_text else arrow_type(plain),
        nullable=not (enforced and row["not_null"]),
        native_type=plain + suffix,
        lost=ARRAY_AS_TEXT if as_text else lost(plain),
        traits=frozenset({DOMAIN_ELEMENTS}) if row["refined"] and dimensions else frozenset(),
    )
