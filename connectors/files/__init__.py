"""Files on disk and in object stores, as tables.

Owns the options and the way from a root to Arrow batches; knows no other connector.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.files.connector import FilesConnector
from connectors.files.options import CsvOptions, FilesOptions

__all__ = ["CsvOptions", "FilesConnector", "FilesOptions", "create"]


def create(name: str, options: Mapping[str, object]) -> FilesConnector:
    """The source `name` over the files below `options["root"]`. Does no I/O.

    Raises:
        pydantic.ValidationError: for options that are not those of `FilesOptions`.
    """
    return FilesConnector(name, FilesOptions.model_validate(options))
