"""The options of a files source. Owns what may be written; must not know how it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class CsvOptions(BaseModel):
    """How the CSV files of a source are written.

    Attributes:
        delimiter: one ASCII character.
        header: the first row names the columns; without it they are `column_1`, `column_2`, …
        newlines_in_values: quoted values may hold line ends. Without them a large file is read in
            parallel, so say so where it is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: str = ","
    header: bool = True
    newlines_in_values: bool = True

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value) != 1 or not value.isascii() or value in '"\r\n':
            raise ValueError("one ASCII character, neither a quote nor a line end")
        return value


class FilesOptions(BaseModel):
    """`[sources.NAME]` with `connector = "files"`.

    Attributes:
        root: a folder or a file: a local path or any fsspec URL. Hidden in `repr`: it may hold a
            password.
        storage_options: what fsspec takes for that file system. Hidden in `repr`.
        csv: how CSV files are written.
        tables: by name, each a file, a folder or a pattern below the root: then these are all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    root: str = Field(min_length=1, repr=False)
    storage_options: Mapping[str, object] = Field(default_factory=dict, repr=False)
    csv: CsvOptions = CsvOptions()
    tables: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("tables")
    @classmethod
    def _below_the_root(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, path in value.items():
            parts = path.split("/")
            if not name or not path or "" in parts or ".." in parts:
                raise ValueError(f"table {name!r}: a name, and a path below the root")
        return value

    @model_validator(mode="after")
    def _no_query(self) -> FilesOptions:
        """What follows a `?` may be a signature, which errors would show with the path."""
        if re.search("(^|::)https?://", self.root, re.IGNORECASE):
            for name, path in self.tables.items():
                if "?" in path:
                    raise ValueError(f"table {name!r}: a path without a query, which is not sent")
        return self
