"""What a configuration file may say about a source behind an ODBC driver. Knows no driver."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlglot
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

MYSQL = "mysql"
"""MySQL and MariaDB, whose types are known here."""

_PART = re.compile(r"\s*(?P<key>[^=;{}]+?)\s*=\s*(?P<value>\{(?:[^}]|\}\})*\}|[^;]*)(?:;|$)")


class OdbcOptions(BaseModel):
    """The options of one source.

    Attributes:
        connection_string: as ODBC has it: `Driver={MariaDB};Server=db;Database=shop`. It may hold
            a password, and is never shown.
        user, password: of the login, where the string does not hold them.
        dialect: `mysql` for MySQL and MariaDB, else sqlglot's name of the SQL there.
        schemas: the only schemas to see; None for all. In MySQL, its databases.
        tables: their names, `TABLE`, `SCHEMA.TABLE` or `CATALOG.SCHEMA.TABLE`, where the database
            has no `information_schema`.
        default_schema: the schema of table names that give none; `Database` of a MySQL's
            connection string where it is not said.
        max_connections: how many queries run there at once.
        max_batch_mb: what a batch takes on its way, in MiB: its rows times the longest values that
            they may have.
        max_text_bytes, max_binary_bytes: the longest value of a column that has no bound of its
            own; a longer one fails the query.
        fetch_concurrently: whether the next batch is fetched while one is read, into another
            `max_batch_mb`.
        timeout_seconds: how long a query may take; None for no bound.
        wait_seconds: how long connecting, and each question for the catalog, may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connection_string: SecretStr
    user: str | None = None
    password: SecretStr | None = None
    dialect: str
    schemas: tuple[str, ...] | None = None
    tables: tuple[str, ...] | None = Field(default=None, min_length=1)
    default_schema: str = ""
    max_connections: int = Field(default=8, ge=1, le=1000)
    max_batch_mb: int = Field(default=16, ge=1, le=1024)
    max_text_bytes: int = Field(default=65_536, ge=1, le=1 << 30)
    max_binary_bytes: int = Field(default=65_536, ge=1, le=1 << 30)
    fetch_concurrently: bool = True
    timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    wait_seconds: float = Field(default=30.0, gt=0, le=3600)

    @field_validator("connection_string")
    @classmethod
    def _names_a_driver(cls, value: SecretStr) -> SecretStr:
        keys = {key for key, _ in parts(value.get_secret_value())}
        if not keys & {"driver", "dsn", "filedsn"}:
            raise ValueError("expected Driver=… or DSN=… in it, as `Driver={MariaDB};Server=db`")
        return value

    @field_validator("dialect")
    @classmethod
    def _is_known(cls, value: str) -> str:
        name = value.lower()
        try:
            known = bool(name) and sqlglot.Dialect.get(name) is not None
        except ValueError:
            known = False
        if not known:
            raise ValueError("expected sqlglot's name of a dialect, as mysql, tsql or oracle")
        return name

    @model_validator(mode="after")
    def _fit_together(self) -> OdbcOptions:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        return self

    @property
    def schema_of_names(self) -> str:
        """The schema of table names that give none."""
        if self.default_schema or self.dialect != MYSQL:
            return self.default_schema
        found = dict(parts(self.connection_string.get_secret_value()))
        return found.get("database", found.get("db", ""))


def parts(connection_string: str) -> Iterator[tuple[str, str]]:
    """The keys of a connection string, in lower case, with their values.

    >>> list(parts("Driver={My SQL};PWD={a;b}}};Server=db"))
    [('driver', 'My SQL'), ('pwd', 'a;b}'), ('server', 'db')]
    """
    for match in _PART.finditer(connection_string):
        value = match["value"]
        if value.startswith("{"):
            value = value[1:-1].replace("}}", "}")
        yield match["key"].lower(), value
