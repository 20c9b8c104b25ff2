"""The least that a Flight SQL server can be asked, timed. Knows no connection's life."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import adbc_driver_manager as adbc
from adbc_driver_manager._reader import AdbcRecordBatchReader
from sqlglot import exp

from connectors.contract import Ping

ROUND_TRIPS = 2
"""A flight's description, and the flight."""

_NUMBER_BYTES = 8


TIMES = 3
AT_ONCE_SECONDS = 0.1
"""What comes sooner is asked for again, so often: the fastest has least of the machines' other work
in it."""


def timed(connection: adbc.AdbcConnection, answer_bytes: int) -> Ping:
    """The kinds of tables there are, or so many bytes of numbers, which the engine makes there.

    What the engine takes for a single number is not the link's, and left out.
    """
    if not answer_bytes:
        return Ping(_seconds(lambda: _kinds(connection)), ROUND_TRIPS)
    asked_seconds = _least_seconds(lambda: _kinds(connection))
    # It also wakes a connection that was silent, which is slow at first.
    one_seconds = _least_seconds(lambda: _numbers(connection, _NUMBER_BYTES))
    seconds = _least_seconds(lambda: _numbers(connection, answer_bytes))
    work_seconds = max(0.0, one_seconds - asked_seconds)
    return Ping(max(seconds - work_seconds, asked_seconds), ROUND_TRIPS, answer_bytes)


def _least_seconds(ask: Callable[[], None]) -> float:
    least = math.inf
    for _ in range(TIMES):
        seconds = _seconds(ask)
        least = min(least, seconds)
        if seconds > AT_ONCE_SECONDS:
            break
    return least


def _seconds(ask: Callable[[], None]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def _kinds(connection: adbc.AdbcConnection) -> None:
    handle = connection.get_table_types()
    with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
        reader.read_all()


def _numbers(connection: adbc.AdbcConnection, size_bytes: int) -> None:
    """Read numbers that are made as they are sent: a constant would be a part of the plan."""
    ends = (exp.Literal.number(end) for end in (0, max(1, size_bytes // _NUMBER_BYTES)))
    statement = exp.select("value").from_(
        exp.Table(this=exp.Anonymous(this="range", expressions=[*ends]))
    )
    with adbc.AdbcStatement(connection) as asked:
        asked.set_sql_query(statement.sql("postgres", normalize_functions=False))
        handle, _ = asked.execute_query()
        with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
            reader.read_all()
