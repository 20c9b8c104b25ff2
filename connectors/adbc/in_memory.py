"""Databases that are in memory, and have what the statements of a source's `setup` make.

Owns what may stand there, how it is run and what its failure says. Must not know the database, but
for its dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import adbc_driver_manager as adbc
import sqlglot
from sqlglot import TokenType
from sqlglot.errors import TokenError

from connectors.errors import SourceError, SourceRejectedError

IN_MEMORY = ":memory:"
"""The `uri` of such a source."""

VERSION = (0, 0, 0, 0)
"""Of what never changes."""


_NO_TABLES = frozenset(
    {
        *("ATTACH", "DETACH", "USE", "CALL", "CHECKPOINT", "VACUUM"),
        *("SET", "RESET", "PRAGMA"),
        *("BEGIN", "START", "SAVEPOINT", "RELEASE", "COMMIT", "ROLLBACK", "ABORT", "END"),
    }
)
"""How statements begin that make no tables. Settings would change what others mean, and what is
left open, or is made elsewhere, would not be there."""


def check_setup(uri: str, setup: Sequence[str], dialect: str) -> None:
    """Whether `uri` and `setup` go together, and each text is one statement that makes something.

    Args:
        dialect: sqlglot's, of the database.

    Raises:
        ValueError: a file that would be written, memory that would hold nothing, or settings.
    """
    for index, sql in enumerate(setup, 1):
        first = _first_words(sql, dialect)
        if len(first) != 1:
            raise ValueError(f"setup's text {index} has {len(first) or 'no'} statements: write one")
        if first[0] in _NO_TABLES:
            raise ValueError(f"setup's statement {index}, {first[0]}, makes no table")
    if uri.startswith(IN_MEMORY) and uri != IN_MEMORY:
        raise ValueError(f"a database in memory has no name: {IN_MEMORY}")
    if setup and uri != IN_MEMORY:
        raise ValueError(f"setup is for uri = {IN_MEMORY!r}: files are only read")
    if uri == IN_MEMORY and not setup:
        raise ValueError(
            "a database in memory has the tables that setup's statements make: give some"
        )


def _first_words(sql: str, dialect: str) -> list[str]:
    """Of each statement of a text. What stands within a trigger is a part of it.

    >>> _first_words("CREATE TABLE t (a INT); -- one; two", "sqlite")
    ['CREATE']
    >>> _first_words("create trigger g after insert on t begin select 1; end; set x = 1", "sqlite")
    ['CREATE', 'SET']
    """
    try:
        tokens = sqlglot.tokenize(sql, dialect)
    except TokenError:
        return ["?"]  # The database says what is wrong with it.
    found: list[str] = []
    words: list[str] = []
    depth = 0
    for token in tokens:
        word = token.text.upper()
        if token.token_type is TokenType.SEMICOLON and not depth:
            words = []
            continue
        if not words:
            found.append(word)
        words.append(word)
        if words[0] == "CREATE" and "TRIGGER" in words[:3]:
            depth += (word in ("BEGIN", "CASE")) - (word == "END")
    return found


def set_up(
    connection: adbc.AdbcConnection,
    setup: Sequence[str],
    translated: Callable[[], AbstractContextManager[None]],
) -> None:
    """Run the statements, each by itself.

    Args:
        translated: makes errors of the source of what the driver raises.

    Raises:
        SourceRejectedError: one fails; it is named by its number, and not repeated.
    """
    for number, sql in enumerate(setup, 1):
        try:
            with translated(), adbc.AdbcStatement(connection) as statement:
                statement.set_sql_query(sql)
                statement.execute_update()
        except SourceError as error:
            message = f"statement {number} of setup failed: {error.message}"
            raise SourceRejectedError(message, source=error.source) from None
