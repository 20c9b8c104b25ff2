"""Databases that are in memory, and have what the statements of a source's `setup` make.

Owns how these are run and what their failure says. Must not know which database it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import adbc_driver_manager as adbc

from connectors.errors import SourceError, SourceRejectedError

IN_MEMORY = ":memory:"
"""The `uri` of such a source."""

VERSION = (0, 0, 0, 0)
"""Of what never changes."""


def check_setup(uri: str, setup: Sequence[str]) -> None:
    """Whether `uri` and `setup` go together.

    Raises:
        ValueError: a file that would be written, or memory that would hold nothing.
    """
    if uri.startswith(IN_MEMORY) and uri != IN_MEMORY:
        raise ValueError(f"a database in memory has no name: {IN_MEMORY}")
    if setup and uri != IN_MEMORY:
        raise ValueError(f"setup is for uri = {IN_MEMORY!r}: files are only read")
    if uri == IN_MEMORY and not setup:
        raise ValueError(
            "a database in memory has the tables that setup's statements make: give some"
        )


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
