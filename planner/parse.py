"""The client's text -> one statement that may run. Reads tokens only; the engine parses the rest.

Owns what kinds of statements are allowed, EXPLAIN, and positions in the text. Knows no names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import Dialect, Token, TokenType
from sqlglot.errors import TokenError

from connectors.errors import Position, SizeLimitError, SqlSyntaxError, UnsupportedError
from planner.as_of import with_versions_named
from planner.brackets import DEEP, depth, without_idle_brackets
from planner.explain_options import Form, Mode, read_options
from planner.explain_options import position_of as position_of
from planner.nesting import refuse_deep
from planner.unplanned import refuse_left_out

ENGINE = "postgres"
"""The dialect whose tokens the engine's SQL has."""

MAX_SQL_CHARACTERS = 1_000_000

_QUERY_STARTS = {"SELECT", "WITH", "VALUES", "TABLE", "("}
_OTHER_STARTS = {"duckdb": {"FROM"}, "hive": {"FROM"}, "spark": {"FROM"}}
_VOLATILE = {
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "today",
    "random",
    "rand",
    "uuid",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One query, or an EXPLAIN of one.

    Attributes:
        sql: the query alone, without EXPLAIN and trailing semicolons; lines and columns are those
            of the client's text.
        mode: `query`; `explain` shows the plan; `analyze` runs it and shows what happened.
        form: how EXPLAIN shows it.
        volatile: it names a function whose value is fixed when planned (`now()`), so that its
            plan must not be kept.
        tokens: the query's, or none where they were not kept.
        estimates: EXPLAIN shows what each source expects of its part.
    """

    sql: str
    mode: Mode = "query"
    volatile: bool = False
    form: Form = "text"
    tokens: tuple[Token, ...] = field(default=(), repr=False, compare=False)
    estimates: bool = False


def parse(sql: str, dialect: str = ENGINE) -> Statement:
    """Take one query, or EXPLAIN of one, from a client's text.

    Args:
        sql: the text.
        dialect: sqlglot's name of the dialect that it is in.

    Raises:
        SqlSyntaxError: no statement, several, or text that cannot be split into tokens.
        UnsupportedError: a statement that is not a query.
        SizeLimitError: a text of more than `MAX_SQL_CHARACTERS`.

    >>> parse("EXPLAIN (ANALYZE, FORMAT json) select 1;").form
    'json'
    """
    if len(sql) > MAX_SQL_CHARACTERS:
        raise SizeLimitError(
            f"the statement has {len(sql):,} characters; the limit is {MAX_SQL_CHARACTERS:,}"
        )
    tokens = _statement_tokens(sql, dialect)
    if not tokens:
        raise SqlSyntaxError("there is no statement in this text", position=Position(1, 1))
    mode: Mode = "query"
    form: Form = "text"
    estimates = False
    start = 0
    if tokens[0].text.upper() == "EXPLAIN":
        # The tokenizer leaves what follows EXPLAIN whole: blank it, and split the rest.
        opening = tokens[0]
        tokens = _statement_tokens(_blanked(sql, opening.start + len("EXPLAIN")), dialect)
        mode, form, estimates, start = read_options(tokens)
        if start == len(tokens):
            raise SqlSyntaxError("EXPLAIN needs a query after it", position=position_of(opening))
    end = tokens[-1].end + 1
    _refuse_several(tokens)
    first = tokens[start]
    if first.text.upper() not in _QUERY_STARTS | _OTHER_STARTS.get(dialect, set()):
        raise _refusal(first)
    _refuse_parameters(tokens)
    text = sql[:end]
    if depth(tokens) > DEEP:
        text, tokens = without_idle_brackets(text, tokens)
    refuse_deep(tokens, rewritten=dialect == ENGINE)
    refuse_left_out(tokens)
    volatile = any(t.text.lower() in _VOLATILE for t in tokens[start:])
    query = _blanked(text, first.start)
    if dialect == ENGINE and (named := with_versions_named(query, tokens[start:])) is not None:
        query, tokens, start = named, tokenize(named), 0
    return Statement(query, mode, volatile, form, tuple(tokens[start:]), estimates)


def _statement_tokens(sql: str, dialect: str) -> list[Token]:
    tokens = tokenize(sql, dialect)
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    return tokens


def _blanked(sql: str, end: int) -> str:
    """The text with its first `end` characters as spaces: lines and columns stay."""
    return "".join(c if c == "\n" else " " for c in sql[:end]) + sql[end:]


def tokenize(sql: str, dialect: str = ENGINE) -> list[Token]:
    """The text's tokens, comments left out.

    Raises:
        SqlSyntaxError: for an unterminated string or comment, with its position.
    """
    try:
        return Dialect.get_or_raise(dialect).tokenize(sql)
    except TokenError as error:
        line = sql.count("\n") + 1
        raise SqlSyntaxError(
            "a string, quoted name or comment does not end",
            position=Position(line, len(sql) - (sql.rfind("\n") + 1) + 1),
        ) from error


def _refuse_parameters(tokens: list[Token]) -> None:
    for at, token in enumerate(tokens):
        sign = token.token_type in (TokenType.PARAMETER, TokenType.PLACEHOLDER)
        if sign or _is_named(tokens, at):
            raise UnsupportedError(
                "statements do not take parameters yet",
                position=position_of(token),
                hint="Write the value in its place.",
            )


def _is_named(tokens: list[Token], at: int) -> bool:
    """Whether `:name` begins here: a colon where a value is expected, a word right after it."""
    if tokens[at].token_type is not TokenType.COLON or at + 1 == len(tokens):
        return False
    before, after = tokens[at - 1].token_type, tokens[at + 1]
    ends_value = (*_VALUES, TokenType.L_BRACKET)
    named = after.token_type in (TokenType.VAR, TokenType.NUMBER) or after.text.isidentifier()
    return after.start == tokens[at].end + 1 and named and before not in ends_value


_VALUES = (
    *(TokenType.VAR, TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.STRING),
    *(TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.NULL),
)


def _refuse_several(tokens: list[Token]) -> None:
    for index, token in enumerate(tokens[:-1]):
        if token.token_type is TokenType.SEMICOLON:
            raise SqlSyntaxError(
                "this text has more than one statement",
                position=position_of(tokens[index + 1]),
                hint="Send one statement at a time.",
            )


def _refusal(first: Token) -> SqlSyntaxError | UnsupportedError:
    word = first.text.upper()
    if word in _OF_OPTIONS:
        return UnsupportedError(
            f"{word} is not something this server does: options of a session are not set in SQL",
            position=position_of(first),
            hint="Send one as the header x-crosswind-OPTION (ADBC: the connection option"
            " adbc.flight.sql.rpc.call_header.x-crosswind-OPTION), or by SetSessionOptions.",
        )
    if word in _KNOWN_STATEMENTS:
        return UnsupportedError(
            f"{word} is not something this server does: it only reads",
            position=position_of(first),
            hint="Write a query: SELECT, WITH, VALUES, or EXPLAIN before one.",
        )
    return SqlSyntaxError(
        f"a statement cannot start with {first.text!r}",
        position=position_of(first),
        hint="Write a query: SELECT, WITH, VALUES, or EXPLAIN before one.",
    )


_OF_OPTIONS = frozenset({"SET", "RESET"})
_KNOWN_STATEMENTS = frozenset(
    {
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "UPSERT",
        "REPLACE",
        "COPY",
        "CREATE",
        "ALTER",
        "DROP",
        "TRUNCATE",
        "GRANT",
        "REVOKE",
        "BEGIN",
        "START",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "SHOW",
        "DESCRIBE",
        "DESC",
        "USE",
        "ATTACH",
        "DETACH",
        "CALL",
        "DO",
        "EXECUTE",
        "PREPARE",
        "DEALLOCATE",
        "LOCK",
        "VACUUM",
        "ANALYZE",
        "REFRESH",
        "LOAD",
        "UNLOAD",
        "PRAGMA",
        "KILL",
    }
)
