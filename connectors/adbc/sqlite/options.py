"""What a configuration file may say about an SQLite source. Knows no driver."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.adbc.in_memory import check_setup


class SqliteOptions(BaseModel):
    """The options of one source.

    Attributes:
        uri: the path of a database file, relative to where the command runs.
        max_connections: how many queries run at once.
        joins: whether it joins where columns are equal; what else it would compare row by row.
        misfits: what becomes of a value that does not fit its column's declared type: the query
            fails, or it is NULL.
        setup: the statements that make the tables of a database in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(min_length=1)
    max_connections: int = Field(default=8, ge=1, le=1000)
    joins: bool = True
    misfits: Literal["error", "null"] = "error"
    setup: tuple[str, ...] = ()

    @field_validator("uri")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if value.startswith("file:") or "\0" in value or "://" in value:
            raise ValueError("the path of a local file, or :memory:")
        return value

    @model_validator(mode="after")
    def _made_in_memory(self) -> Self:
        check_setup(self.uri, self.setup, "sqlite")
        return self
