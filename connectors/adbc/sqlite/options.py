"""What a configuration file may say about an SQLite source. Knows no driver."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SqliteOptions(BaseModel):
    """The options of one source.

    Attributes:
        uri: the path of a database file, relative to where the command runs.
        max_connections: how many queries run at once.
        joins: whether it joins where columns are equal; what else it would compare row by row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(min_length=1)
    max_connections: int = Field(default=8, ge=1, le=1000)
    joins: bool = True

    @field_validator("uri")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if value.startswith((":memory:", "file:")) or "\0" in value or "://" in value:
            raise ValueError("the path of a local file")
        return value
