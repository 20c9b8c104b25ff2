"""What a configuration file may say about a source behind any ADBC driver. Knows no driver."""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

NO_DIALECT = "none"

_OWN_KEYS = frozenset({"driver", "entrypoint", "uri"})

DATAFUSION = "datafusion"
"""The engine's own SQL, which sqlglot has no name for."""


class AdbcOptions(BaseModel):
    """The options of one source.

    Attributes:
        driver: a package (`adbc_driver_snowflake`), the path of a library or of a manifest, or the
            name of a manifest, which ADBC looks for where it always does.
        entrypoint: the driver's function that makes it, where it is not the usual one.
        uri: where the database is, for drivers that take one.
        db_kwargs: the driver's own options of a database. They may be secret, and are never shown.
        conn_kwargs: its own options of a connection; never shown, either.
        dialect: sqlglot's name of the SQL there, or `none`: then names stand in double quotes, and
            nothing but columns is asked for.
        catalog: the only catalog to see; the connection's own where it has one.
        schemas: the only schemas to see, by their names there; None for all.
        tables: their names, `TABLE`, `SCHEMA.TABLE` or `CATALOG.SCHEMA.TABLE`, where the driver
            cannot list them.
        default_schema: the schema of table names that give none; empty for whichever has one.
        max_connections: how many queries run there at once.
        timeout_seconds: how long one may take; None for no bound.
        wait_seconds: how long connecting, and each question for the catalog, may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    driver: str = Field(min_length=1)
    entrypoint: str | None = None
    uri: SecretStr | None = None
    db_kwargs: Mapping[str, SecretStr] = Field(default_factory=dict)
    conn_kwargs: Mapping[str, SecretStr] = Field(default_factory=dict)
    dialect: str = NO_DIALECT
    catalog: str | None = None
    schemas: tuple[str, ...] | None = None
    tables: tuple[str, ...] | None = Field(default=None, min_length=1)
    default_schema: str = ""
    max_connections: int = Field(default=8, ge=1, le=1000)
    timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    wait_seconds: float = Field(default=30.0, gt=0, le=3600)

    @field_validator("db_kwargs", "conn_kwargs", mode="before")
    @classmethod
    def _are_texts(cls, value: object) -> object:
        """Numbers and truth values, as ADBC's options are written."""
        return {k: _text(v) for k, v in value.items()} if isinstance(value, Mapping) else value

    @field_validator("db_kwargs")
    @classmethod
    def _leave_what_has_a_key(cls, value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name in sorted(_OWN_KEYS & value.keys()):
            raise ValueError(f"{name} has a key of its own, beside db_kwargs")
        return value

    @field_validator("dialect")
    @classmethod
    def _is_known(cls, value: str) -> str:
        name = value.lower()
        if name in (NO_DIALECT, DATAFUSION):
            return name
        try:
            found = sqlglot.Dialect.get(name)
        except ValueError:
            found = None
        if not name or found is None:
            raise ValueError("expected none, datafusion, or sqlglot's name of a dialect")
        return name


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
