"""What a configuration file may say about a PostgreSQL source.

Owns the options and their checks. Must not know where they were written, nor any driver.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.adbc.postgres.endpoint import parse

PoolMode = Literal["session", "transaction"]
"""Whose a connection's server is, and so the settings: the session's, or a transaction's."""


class PostgresOptions(BaseModel):
    """The options of one source.

    Attributes:
        uri: `postgresql://…`, or libpq's `host=… dbname=…`; secrets are already in it.
        max_connections: hard maximum at the server, for queries and metadata together.
        timeout_seconds: the server's own limit for one statement; None leaves the role's.
        wait_seconds: how long connecting, and each question for the catalog, may take; the latter
            after as long a wait for a connection, at most. Queries wait by the server's
            `queue_timeout_seconds` for others to end.
        scan_connections: how many of them may read one large table together; 1 for never.
        schemas: the schemas to list; None for all that are readable.
        default_schema: the schema of table names that give none.
        arrays: `list`, where a value of several dimensions fails the query that reads it; or
            `text`, as PostgreSQL writes them.
        pool_mode: `transaction` behind a pooler that lends a server for one transaction at a time,
            so that a session has no settings; None to find that out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    uri: SecretStr
    max_connections: int = Field(default=8, ge=1, le=1000)
    timeout_seconds: float | None = Field(default=None, gt=0, le=86_400)
    wait_seconds: float = Field(default=30.0, gt=0, le=3600)
    scan_connections: int = Field(default=4, ge=1, le=64)
    schemas: tuple[str, ...] | None = None
    default_schema: str = "public"
    arrays: Literal["list", "text"] = "list"
    pool_mode: PoolMode | None = None

    @field_validator("uri")
    @classmethod
    def _is_readable(cls, value: SecretStr) -> SecretStr:
        parse(value.get_secret_value())
        return value
