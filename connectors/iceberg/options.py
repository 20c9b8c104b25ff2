"""The options of an Iceberg source. Owns what may be written; must not know how it is used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.as_of import split


class Version(BaseModel):
    """Which of its snapshots a table is read by; the newest where nothing is said.

    Attributes:
        snapshot: its number.
        timestamp: the one that was current then; with a zone.
        ref: the one that a branch or a tag names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    snapshot: int | None = None
    timestamp: datetime | None = None
    ref: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_at_most(self) -> Version:
        if sum(at is not None for at in (self.snapshot, self.timestamp, self.ref)) > 1:
            raise ValueError("snapshot, timestamp or ref: one of them")
        if self.timestamp is not None and self.timestamp.tzinfo is None:
            raise ValueError("timestamp needs a zone: 2026-01-31T00:00:00Z")
        return self

    @property
    def is_newest(self) -> bool:
        return self.snapshot is None and self.timestamp is None and self.ref is None

    def __str__(self) -> str:
        if self.timestamp is not None:
            return f"timestamp {self.timestamp.isoformat()}"
        return f"snapshot {self.snapshot}" if self.ref is None else f"ref {self.ref!r}"


class IcebergOptions(Version):
    """`[sources.NAME]` with `connector = "iceberg"`. Its version is that of every table.

    Attributes:
        properties: as pyiceberg takes them, of the catalog (`type`, `uri`, `warehouse`, …) and of
            its files (`s3.endpoint`, …). Hidden in `repr`.
        catalog: the catalog's name, which an SQL catalog goes by.
        tables: tables by the location of their metadata file; then no catalog is asked. Hidden in
            `repr`.
        default_schema: of table names that give none; of `tables` it is the only one.
        versions: of single tables, by `SCHEMA.NAME`.
    """

    properties: Mapping[str, str] = Field(default_factory=dict, repr=False)
    catalog: str = Field(default="default", min_length=1)
    tables: Mapping[str, str] = Field(default_factory=dict, repr=False)
    default_schema: str = Field(default="default", min_length=1)
    versions: Mapping[str, Version] = Field(default_factory=dict)

    @field_validator("properties", mode="before")
    @classmethod
    def _flat_texts(cls, value: object) -> object:
        """TOML reads `s3.endpoint` without quotes as a table in a table."""
        return dict(_flat(value)) if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _something(self) -> IcebergOptions:
        if not self.properties and not self.tables:
            raise ValueError("needs `properties` of a catalog, or `tables`")
        return self

    @model_validator(mode="after")
    def _versions_of_tables(self) -> IcebergOptions:
        """Those of a catalog are seen to be there when it is first asked."""
        known = [f"{self.default_schema}.{name}" for name in self.tables]
        for written in self.versions:
            if "." not in written.strip("."):
                raise ValueError(f"versions: {written!r} is not SCHEMA.NAME")
            if known and written not in known:
                raise ValueError(
                    f"versions: {written!r} is not in `tables`{nearest(written, known)}"
                )
        return self

    def version_of(self, table: str) -> Version:
        """The version of the table `SCHEMA.NAME`: what its name says, or what is configured."""
        name, as_of = split(table)
        if as_of is None:
            return self.versions.get(name, self)
        return Version(snapshot=as_of.version, timestamp=as_of.timestamp, ref=as_of.ref)


def nearest(wanted: str, known: Iterable[str]) -> str:
    """What may have been meant, as the end of a sentence."""
    close = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _flat(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        elif isinstance(value, bool):
            yield above + key, str(value).lower()
        else:
            yield above + key, str(value) if isinstance(value, int | float) else value
