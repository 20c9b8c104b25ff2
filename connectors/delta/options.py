"""The options of a Delta source. Owns what may be written; must not know how it is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DeltaOptions(BaseModel):
    """`[sources.NAME]` with `connector = "delta"`.

    Attributes:
        root: a table, or a folder of tables: a local path or an S3 URL. Hidden in `repr`.
        storage_options: what fsspec takes for that file system. Hidden in `repr`.
        version: of every table; the newest where nothing is said.
        timestamp: the version that every table had then, instead of a number; with a zone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: str = Field(min_length=1, repr=False)
    storage_options: Mapping[str, object] = Field(default_factory=dict, repr=False)
    version: int | None = Field(default=None, ge=0)
    timestamp: datetime | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> DeltaOptions:
        if self.version is not None and self.timestamp is not None:
            raise ValueError("version or timestamp, not both")
        if self.timestamp is not None and self.timestamp.tzinfo is None:
            raise ValueError("timestamp needs a zone: 2026-01-31T00:00:00Z")
        return self
