"""What a server is: a Crosswind or not, and its engine's version.

Owns the two questions. They are statements, because the driver keeps what one server answered to
Flight SQL's own question, GetSqlInfo, and gives it for the next server that does not answer.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import adbc_driver_manager as adbc
import datafusion
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.flightsql.statements import explained

_VERSION = "SELECT version()"

# Of EXPLAIN's object, as docs/explain.md has it.
_KEYS = frozenset({"version", "kind", "parts", "residual", "stayed", "rejected"})

_NO_ANSWER = (
    adbc.AdbcStatusCode.NOT_IMPLEMENTED,
    adbc.AdbcStatusCode.NOT_FOUND,
    adbc.AdbcStatusCode.INVALID_ARGUMENT,
    adbc.AdbcStatusCode.INTERNAL,
    adbc.AdbcStatusCode.UNKNOWN,
)
"""Of a server that does not know the question; one that refuses who asks is another matter."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a server is, as far as it was asked.

    Attributes:
        crosswind: it is another one.
        engine: what its engine says of itself.
    """

    crosswind: bool = False
    engine: str = ""

    @property
    def same_engine(self) -> bool:
        """A statement means there what it means here."""
        return self.crosswind and _release(self.engine) == _release(_own_engine())


def product_of(connection: adbc.AdbcConnection) -> Product:
    """Ask a server what it is."""
    try:
        plan = first_column(connection, explained("SELECT 1 AS one"))
        if not _is_plan("\n".join(plan)):
            return Product()
        return Product(True, *first_column(connection, _VERSION))
    except adbc.Error as error:
        if error.status_code in _NO_ANSWER:
            return Product()
        raise


def first_column(connection: adbc.AdbcConnection, sql: str) -> list[str]:
    """The texts that a short statement answers."""
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(sql)
        handle, _ = statement.execute_query()
        with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
            return list(map(str, reader.read_all().column(0).to_pylist()))


@functools.cache
def _own_engine() -> str:
    (batch,) = datafusion.SessionContext().sql(_VERSION).collect()
    return str(batch.column(0)[0])


def _release(engine: str) -> str:
    """`Apache DataFusion 55.2.0, x86_64 on linux` without what it runs on."""
    return engine.partition(",")[0]


def _is_plan(text: str) -> bool:
    try:
        plan = json.loads(text)
    except ValueError:
        return False
    return isinstance(plan, dict) and plan.keys() >= _KEYS
