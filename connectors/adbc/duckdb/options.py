"""What a configuration file may say about a DuckDB source. Knows no driver."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.adbc.in_memory import check_setup


class DuckdbOptions(BaseModel):
    """The options of one source.

    Attributes:
        uri: the path of a database file, relative to where the command runs.
        threads: how many threads its queries use together; None for one per processor.
        memory_limit_mb: what its queries may hold together before they spill, in MiB.
        max_connections: how many queries run at once.
        default_schema: the schema of table names that give none.
        setup: the statements that make the tables of a database in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(min_length=1)
    threads: int | None = Field(default=None, ge=1, le=1024)
    memory_limit_mb: int = Field(default=1024, ge=64, le=1 << 30)
    max_connections: int = Field(default=8, ge=1, le=1000)
    default_schema: str = "main"
    setup: tuple[str, ...] = ()

    @field_validator("uri")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if "\0" in value or "://" in value or value.startswith("md:"):
            raise ValueError("the path of a local file, or :memory:")
        return value

    @model_validator(mode="after")
    def _made_in_memory(self) -> Self:
        check_setup(self.uri, self.setup, "duckdb")
        return self
