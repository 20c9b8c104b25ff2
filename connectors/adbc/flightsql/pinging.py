"""The least that a Flight SQL server can be asked, timed. Knows no connection's life."""

from __future__ import annotations

import time

import adbc_driver_manager as adbc
from adbc_driver_manager._reader import AdbcRecordBatchReader
from sqlglot import exp

from connectors.adbc.flightsql.product import first_column
from connectors.contract import Ping

ROUND_TRIPS = 2
"""A flight's description, and the flight."""


def timed(connection: adbc.AdbcConnection, answer_bytes: int) -> Ping:
    """The kinds of tables there are, or a text of so many bytes, which the engine makes there."""
    started = time.perf_counter()
    if answer_bytes:
        text = exp.func("repeat", exp.Literal.string("x"), exp.Literal.number(answer_bytes))
        first_column(connection, exp.select(text).sql("postgres"))
    else:
        handle = connection.get_table_types()
        with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
            reader.read_all()
    return Ping(time.perf_counter() - started, ROUND_TRIPS, answer_bytes)
