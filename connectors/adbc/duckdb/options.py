"""What a configuration file may say about a DuckDB source. Knows no driver."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class DuckdbOptions(BaseModel):
    """The options of one source.

    Attributes:
        uri: the path of a database file, relative to where the command runs.
        threads: how many threads its queries use together; None for one per processor.
        memory_limit_mb: what its queries may hold together before they spill, in MiB.
        max_connections: how many queries run at once.
        default_schema: the schema of table names that give none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(min_length=1)
    threads: int | None = Field(default=None, ge=1, le=1024)
    memory_limit_mb: int = Field(default=1024, ge=64, le=1 << 30)
    max_connections: int = Field(default=8, ge=1, le=1000)
    default_schema: str = "main"

    @field_validator("uri")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if value.startswith(":memory:"):
            raise ValueError("the path of a file; a database in memory holds no tables to read")
        if "\0" in value or "://" in value or value.startswith("md:"):
            raise ValueError("the path of a local file")
        return value
