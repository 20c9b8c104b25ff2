"""The catalog as Flight SQL's metadata results: catalogs, schemas, tables, keys.

Owns their exact schemas (clients compare nullability too) and the name patterns. A source is a
catalog. Where all are asked for, one that cannot be asked is left out with a warning: it must not
hide the others.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

import pyarrow as pa

from connectors.contract import Column, Table, TableName
from connectors.errors import CrosswindError
from connectors.listed import Listed, listed
from planner.catalog import Catalog, Source

_log = logging.getLogger(__name__)


def _schema(*fields: tuple[str, pa.DataType, bool]) -> pa.Schema:
    return pa.schema([pa.field(name, type_, nullable) for name, type_, nullable in fields])


_TEXT = pa.utf8()

CATALOGS = _schema(("catalog_name", _TEXT, False))
DB_SCHEMAS = _schema(("catalog_name", _TEXT, True), ("db_schema_name", _TEXT, False))
TABLES = _schema(
    ("catalog_name", _TEXT, True),
    ("db_schema_name", _TEXT, True),
    ("table_name", _TEXT, False),
    ("table_type", _TEXT, False),
)
TABLES_WITH_SCHEMA = TABLES.append(pa.field("table_schema", pa.binary(), nullable=False))
TABLE_TYPES = _schema(("table_type", _TEXT, False))
# The specification's comment has the last two the other way round; every implementation has this.
PRIMARY_KEYS = _schema(
    ("catalog_name", _TEXT, True),
    ("db_schema_name", _TEXT, True),
    ("table_name", _TEXT, False),
    ("column_name", _TEXT, False),
    ("key_sequence", pa.int32(), False),
    ("key_name", _TEXT, True),
)
FOREIGN_KEYS = _schema(
    ("pk_catalog_name", _TEXT, True),
    ("pk_db_schema_name", _TEXT, True),
    ("pk_table_name", _TEXT, False),
    ("pk_column_name", _TEXT, False),
    ("fk_catalog_name", _TEXT, True),
    ("fk_db_schema_name", _TEXT, True),
    ("fk_table_name", _TEXT, False),
    ("fk_column_name", _TEXT, False),
    ("key_sequence", pa.int32(), False),
    ("fk_key_name", _TEXT, True),
    ("pk_key_name", _TEXT, True),
    ("update_rule", pa.uint8(), False),
    ("delete_rule", pa.uint8(), False),
)

KINDS = ("FOREIGN TABLE", "MATERIALIZED VIEW", "TABLE", "VIEW")
"""The table types that connectors use."""

_T = TypeVar("_T")


def like(pattern: str) -> re.Pattern[str]:
    r"""A Flight SQL name pattern (`%`, `_`, escaped by a backslash) as a regular expression.

    >>> bool(like("ord_r%").fullmatch("orders")), bool(like(r"a\_b").fullmatch("axb"))
    (True, False)
    """
    segments = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            segments.append("")
        elif character == "\\":
            segments[-1] += re.escape(next(characters, "\\"))
        else:
            segments[-1] += "." if character == "_" else re.escape(character)
    first, *middle = segments
    if not middle:
        return re.compile(first, re.DOTALL)
    last = middle.pop()
    # The leftmost place of each segment is as good as any later one, so no match backtracks: a
    # pattern may be a whole SQL text, and must not be able to keep the server busy.
    found = "".join(f"(?>.*?{segment})" for segment in middle if segment)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)


def catalogs(catalog: Catalog) -> pa.RecordBatch:
    """One row for each source."""
    return pa.RecordBatch.from_pydict({"catalog_name": sorted(catalog.sources)}, schema=CATALOGS)


def db_schemas(catalog: Catalog, source: str | None, pattern: str | None) -> pa.RecordBatch:
    """One row for each schema that has a table."""
    wanted = like(pattern) if pattern is not None else None

    def schemas(of: Source) -> Iterable[str]:
        found = {name.schema for name in of.connector.tables().names()}
        return sorted(s for s in found if wanted is None or wanted.fullmatch(s))

    rows = _ask(catalog, source, schemas)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([name for name, found in rows for _ in found], _TEXT),
            pa.array([schema for _, found in rows for schema in found], _TEXT),
        ],
        schema=DB_SCHEMAS,
    )


def tables(
    catalog: Catalog,
    source: str | None,
    schema_pattern: str | None,
    name_pattern: str | None,
    kinds: Sequence[str],
    include_schema: bool,
) -> pa.RecordBatch:
    """One row for each table, by source, schema and name.

    A table whose name is the pattern itself comes first: ADBC asks for one table by its unescaped
    name and reads the first row, and `a_b` also matches `axb`. One that cannot be read has no
    columns.

    Raises:
        SourceError: of a table that cannot be read, where its columns were asked for by its name.
    """
    in_schema = like(schema_pattern) if schema_pattern is not None else None
    named = like(name_pattern) if name_pattern is not None else None

    def matching(of: Source) -> list[Listed]:
        known = of.connector.tables()
        names = [
            name
            for name in known.names()
            if (named is None or named.fullmatch(name.name))
            and (in_schema is None or in_schema.fullmatch(name.schema))
        ]
        found = listed(of.name, known, names, columns=include_schema)
        return [each for each in found if not kinds or each.kind in kinds]

    def place(row: tuple[str, Listed]) -> tuple[bool, bool, str]:
        source, each = row
        asked_for = _is(each.name, schema_pattern, name_pattern)
        return (not asked_for, asked_for and each.problem is not None, source)

    rows = [(s, each) for s, found in _ask(catalog, source, matching) for each in found]
    rows.sort(key=place)
    if (
        include_schema
        and rows
        and _is(rows[0][1].name, schema_pattern, name_pattern)
        and rows[0][1].problem
    ):
        raise rows[0][1].problem
    columns = [
        pa.array([name for name, _ in rows], _TEXT),
        pa.array([each.name.schema for _, each in rows], _TEXT),
        pa.array([each.name.name for _, each in rows], _TEXT),
        pa.array([each.kind for _, each in rows], _TEXT),
    ]
    if not include_schema:
        return pa.RecordBatch.from_arrays(columns, schema=TABLES)
    columns.append(
        pa.array([_described(s, each).serialize().to_pybytes() for s, each in rows], pa.binary())
    )
    return pa.RecordBatch.from_arrays(columns, schema=TABLES_WITH_SCHEMA)


def table_types() -> pa.RecordBatch:
    """One row for each kind of table."""
    return pa.RecordBatch.from_pydict({"table_type": list(KINDS)}, schema=TABLE_TYPES)


def no_rows(schema: pa.Schema) -> pa.RecordBatch:
    """An empty result: keys are not known to sources yet."""
    return pa.RecordBatch.from_pylist([], schema=schema)


def _is(name: TableName, schema_pattern: str | None, name_pattern: str | None) -> bool:
    return name.name == name_pattern and schema_pattern in (None, name.schema)


def _ask(
    catalog: Catalog, only: str | None, question: Callable[[Source], _T]
) -> list[tuple[str, _T]]:
    """Each source's answer, in order; sources are asked at once, and one that fails is left out.

    Raises:
        SourceError: of the only one that was to be asked: it hides no other.
    """
    if only is not None:
        found = catalog.sources.get(only)
        return [] if found is None else [(only, question(found))]
    sources = [catalog.sources[name] for name in sorted(catalog.sources)]

    def answer(source: Source) -> tuple[str, _T] | None:
        try:
            return (source.name, question(source))
        except CrosswindError as error:
            _log.warning("source %r is left out of the metadata: %s", source.name, error)
            return None

    if len(sources) < 2:
        answers = [answer(source) for source in sources]
    else:
        with ThreadPoolExecutor(len(sources), thread_name_prefix="crosswind-metadata") as pool:
            # Each thread with what belongs to the call: a context can be entered once at a time.
            asked = [(copy_context(), source) for source in sources]
            answers = list(pool.map(lambda each: each[0].run(answer, each[1]), asked))
    return [given for given in answers if given is not None]


def _described(source: str, each: Listed) -> pa.Schema:
    """The table's schema with the column metadata that JDBC reads."""
    if (table := each.table) is None:
        return pa.schema([])
    return pa.schema(
        [
            pa.field(c.name, c.type, c.nullable, metadata=_column_metadata(source, table, c))
            for c in table.columns
        ]
    )


def _column_metadata(source: str, table: Table, column: Column) -> dict[str, str]:
    metadata = {
        "ARROW:FLIGHT:SQL:CATALOG_NAME": source,
        "ARROW:FLIGHT:SQL:DB_SCHEMA_NAME": table.name.schema,
        "ARROW:FLIGHT:SQL:TABLE_NAME": table.name.name,
        "ARROW:FLIGHT:SQL:TYPE_NAME": column.native_type or str(column.type),
        "ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT": "0",
        "ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE": "1",
        "ARROW:FLIGHT:SQL:IS_READ_ONLY": "1",
        "ARROW:FLIGHT:SQL:IS_SEARCHABLE": "1",
    }
    if pa.types.is_decimal(column.type):
        metadata["ARROW:FLIGHT:SQL:PRECISION"] = str(column.type.precision)
        metadata["ARROW:FLIGHT:SQL:SCALE"] = str(column.type.scale)
    return metadata
