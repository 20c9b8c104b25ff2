"""The engine's SQL as a sqlglot tree and back, word for word.

Owns the dialect that reads and writes it: functions keep the names that they were written with, and
nothing is translated. What stands in the tree and was not rewritten means to the engine what the
client's text meant. Knows no rewrite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlglot import Dialect, Token, TokenType, exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser


class NotReadError(Exception):
    """The text is nothing that sqlglot reads: it goes to the engine as it is."""


_CALLS_WITH_WORDS = ("CAST", "TRY_CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTRING", "TRIM")
"""Calls that are more than a name and arguments."""


def _position(self: Any) -> exp.Expr:
    """`POSITION(a IN b)`; with a comma it is a call, whose arguments keep their sides."""
    arguments = self._parse_csv(self._parse_bitwise)
    if self._match(TokenType.IN):
        return exp.StrPosition(this=self._parse_bitwise(), substr=arguments[0])
    return exp.Anonymous(this="position", expressions=arguments)


class WordForWordParser(PostgresParser):
    """Reads calls by name, as what they were written."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: PostgresParser.FUNCTION_PARSERS[name] for name in _CALLS_WITH_WORDS
    } | {"POSITION": _position}


def _negated(self: Any, expression: exp.Not) -> str:
    """`x NOT IN …` is kept: the engine plans it otherwise than `NOT x IN …`."""
    inner = expression.this
    if isinstance(inner, exp.In):
        this = self.sql(inner, "this")
        return f"{this} NOT{str(self.sql(inner))[len(this) :]}"
    return str(self.not_sql(expression))


class WordForWordGenerator(PostgresGenerator):
    """Writes what was read."""

    EXPRESSION_WITHOUT_NESTED_CTES: ClassVar[set[Any]] = set()
    STAR_EXCEPT = "EXCLUDE"
    LIMIT_FETCH = "LIMIT"
    TRY_SUPPORTED = True
    SUPPORTS_SELECT_INTO = False

    TYPE_MAPPING: ClassVar[dict[Any, str]] = {
        **PostgresGenerator.TYPE_MAPPING,
        exp.DType.TINYINT: "TINYINT",
        exp.DType.DOUBLE: "DOUBLE",
        exp.DType.FLOAT: "REAL",
        exp.DType.TEXT: "VARCHAR",
        exp.DType.BINARY: "BYTEA",
        exp.DType.VARBINARY: "BYTEA",
        exp.DType.UBIGINT: "BIGINT UNSIGNED",
        exp.DType.UINT: "INT UNSIGNED",
        exp.DType.USMALLINT: "SMALLINT UNSIGNED",
        exp.DType.UTINYINT: "TINYINT UNSIGNED",
    }

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **PostgresGenerator.TRANSFORMS,
        # Only `^` is read as one, which is no power to the engine.
        exp.Pow: lambda self, e: self.binary(e, "^"),
        exp.Array: lambda self, e: f"[{self.expressions(e, flat=True)}]",
        exp.TryCast: lambda self, e: f"TRY_CAST({self.sql(e, 'this')} AS {self.sql(e, 'to')})",
        exp.Select: lambda self, e: self.select_sql(e),
        exp.Not: _negated,
        exp.IgnoreNulls: lambda self, e: f"{self.sql(e, 'this')} IGNORE NULLS",
        exp.RespectNulls: lambda self, e: f"{self.sql(e, 'this')} RESPECT NULLS",
        exp.NullSafeEQ: lambda self, e: f"({self.binary(e, 'IS NOT DISTINCT FROM')})",
        exp.NullSafeNEQ: lambda self, e: f"({self.binary(e, 'IS DISTINCT FROM')})",
    }


class EngineText(Postgres):
    """DataFusion's SQL, read and written without a change."""

    Parser = WordForWordParser
    Generator = WordForWordGenerator


_DIALECT = Dialect.get_or_raise(EngineText)


def tree_of(sql: str, tokens: list[Token] | None = None) -> exp.Expr:
    """The tree of one query.

    Raises:
        NotReadError: for what sqlglot does not read, or reads as something else than a query.
    """
    try:
        read = _own_words(_DIALECT.tokenize(sql) if tokens is None else tokens)
        found = _DIALECT.parser(error_level=ErrorLevel.IMMEDIATE).parse(read, sql)
    except (ParseError, TokenError, RecursionError) as error:
        raise NotReadError(str(error)) from error
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        # Seen: the parser trips over some texts that end in the middle.
        raise NotReadError(str(error)) from error
    tree = found[0] if len(found) == 1 else None
    if not isinstance(tree, exp.Query | exp.Values):
        raise NotReadError("not a query")
    return tree


def _own_words(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, where a word means something else to the engine than to Postgres.

    Raises:
        NotReadError: for `MAP {…}`, which would be read as a structure.
    """
    found: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.L_BRACE and found and found[-1].text.upper() == "MAP":
            raise NotReadError("MAP {…}")
        if token.token_type is TokenType.DOUBLE and token.text.upper() == "FLOAT":
            # Of four bytes here, and of eight there.
            place = (token.line, token.col, token.start, token.end)
            token = Token(TokenType.FLOAT, token.text, *place)
        found.append(token)
    return found


def text_of(tree: exp.Expr) -> str:
    """The engine's text of a tree, which is used up."""
    generator = _DIALECT.generator(
        unsupported_level=ErrorLevel.RAISE, normalize_functions=False, comments=False
    )
    return str(generator.generate(tree, copy=False))
