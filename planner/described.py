"""SHOW and DESCRIBE as queries of the information schema.

Owns the statements that ask what there is: SHOW CATALOGS, SCHEMAS, TABLES, COLUMNS, and DESCRIBE.
They are the same in every dialect of a client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import Token, TokenType, exp

from connectors.contract import Table
from connectors.errors import CrosswindError, UnknownNameError, UnsupportedError
from planner.catalog import Catalog, CatalogTable
from planner.explain_options import position_of
from planner.parse import tokenize

SCHEMA = "information_schema"

_WORDS = ("SHOW", "DESCRIBE", "DESC")
_LONGEST = max(map(len, _WORDS))
_CATALOGS = frozenset({"CATALOGS", "DATABASES", "SOURCES"})
_SHOWN = ("column_name", "data_type", "is_nullable", "native_type")
_FORMS = "SHOW TABLES, SHOW SCHEMAS, SHOW CATALOGS, SHOW COLUMNS FROM a table, DESCRIBE a table"


def described(sql: str, catalog: Catalog) -> str | None:
    """The query that a SHOW or a DESCRIBE stands for; None for any other statement.

    Args:
        sql: the client's text.
        catalog: where the table of DESCRIBE is looked for.

    Raises:
        UnsupportedError: for a SHOW that there is not.
        UnknownNameError: for a table that there is not, with its place.
    """
    start = sql.lstrip()[: _LONGEST + 1].upper().split()
    if not start or start[0] not in _WORDS or SCHEMA not in catalog.runnable:
        return None
    at = len(sql) - len(sql.lstrip()) + len(start[0])
    # The tokenizer leaves what follows these words whole: it is given the rest alone.
    blanked = "".join(c if c == "\n" else " " for c in sql[:at]) + sql[at:]
    words = _Words([t for t in tokenize(blanked) if t.token_type is not TokenType.SEMICOLON])
    if start[0] != "SHOW":
        words.skip("TABLE")
        return _columns(words, catalog)
    what = words.next()
    match what.text.upper() if what is not None else "":
        case "TABLES":
            return _tables(words)
        case "SCHEMAS":
            return _named("schemata", ("catalog_name", "schema_name"), words)
        case "COLUMNS":
            words.skip("FROM", "IN")
            return _columns(words, catalog)
        case word if word in _CATALOGS:
            return _named("schemata", ("catalog_name",), words)
    raise _refused(what)


@dataclass(slots=True)
class _Words:
    """The words after the first, read from left to right."""

    tokens: Sequence[Token]
    at: int = 0

    def next(self) -> Token | None:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        self.at += 1
        return token

    def skip(self, *words: str) -> bool:
        """Go past one of these words, if it is next."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        found = token is not None and token.text.upper() in words
        self.at += found
        return found

    def name(self) -> tuple[tuple[str, ...], Token]:
        """A dotted name, as the engine looks it up, and its last token."""
        parts: list[str] = []
        token = self.next()
        while token is not None:
            quoted = token.token_type is TokenType.IDENTIFIER
            if not quoted and not token.text.replace("_", "a").isalnum():
                raise _refused(token)
            parts.append(token.text if quoted else token.text.lower())
            if not self.skip("."):
                return tuple(parts), token
            token = self.next()
        raise _refused(None)

    def end(self) -> None:
        token = self.next()
        if token is not None:
            raise _refused(token)


def _tables(words: _Words) -> str:
    names = ("table_catalog", "table_schema", "table_name")
    conditions: list[exp.Expr] = []
    if words.skip("FROM", "IN"):
        parts, _ = words.name()
        conditions += [_equals(*pair) for pair in zip(names, parts, strict=False)]
    if words.skip("LIKE"):
        pattern = words.next()
        if pattern is None or pattern.token_type is not TokenType.STRING:
            raise _refused(pattern)
        conditions.append(
            exp.Like(this=exp.column("table_name"), expression=exp.Literal.string(pattern.text))
        )
    words.end()
    return _query("tables", names, conditions, names)


def _named(table: str, columns: tuple[str, ...], words: _Words) -> str:
    conditions: list[exp.Expr] = []
    if len(columns) > 1 and words.skip("FROM", "IN"):
        (source, *_), _ = words.name()
        conditions.append(_equals("catalog_name", source))
    words.end()
    return _query(table, columns, conditions, columns, distinct=True)


def _columns(words: _Words, catalog: Catalog) -> str:
    parts, last = words.name()
    words.end()
    table = _resolved(parts, last, catalog)
    if table.source.name not in catalog.sources:
        return _own_columns(table.table)
    names = ("table_catalog", "table_schema", "table_name")
    conditions = [_equals(*pair) for pair in zip(names, table.path, strict=True)]
    return _query("columns", _SHOWN, conditions, ("ordinal_position",))


def _own_columns(table: Table) -> str:
    """The columns of a table of the server's own, which its information schema does not list."""
    described = [
        (column.name, str(column.type), "YES" if column.nullable else "NO", column.native_type, at)
        for at, column in enumerate(table.columns, 1)
    ]
    values = exp.values(described, alias="own", columns=(*_SHOWN, "ordinal_position"))
    query = exp.select(*map(exp.column, _SHOWN)).from_(values)
    return query.order_by(exp.column("ordinal_position")).sql("postgres")


def _resolved(parts: tuple[str, ...], last: Token, catalog: Catalog) -> CatalogTable:
    try:
        return catalog.resolve(parts)
    except UnknownNameError as error:
        raise UnknownNameError(error.message, position=position_of(last), hint=error.hint) from None


def _equals(column: str, text: str) -> exp.Expr:
    return exp.EQ(this=exp.column(column), expression=exp.Literal.string(text))


def _query(
    table: str,
    columns: Sequence[str],
    conditions: Sequence[exp.Expr],
    order: Sequence[str],
    *,
    distinct: bool = False,
) -> str:
    query = exp.select(*map(exp.column, columns)).from_(exp.table_(table, db=SCHEMA))
    if distinct:
        query = query.distinct()
    return query.where(*conditions).order_by(*map(exp.column, order)).sql("postgres")


def _refused(token: Token | None) -> CrosswindError:
    return UnsupportedError(
        "this form of SHOW or DESCRIBE is not supported",
        position=None if token is None else position_of(token),
        hint=f"There are {_FORMS}, and the tables of {SCHEMA}.",
    )
