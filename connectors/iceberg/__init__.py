"""Iceberg tables, of a catalog or by their metadata files, as tables.

Owns the options and the reading of a table's metadata, by `pyiceberg`; the columns of its files are
found by their numbers, as the format demands.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.iceberg.connector import IcebergConnector
from connectors.iceberg.options import IcebergOptions, Version

__all__ = ["IcebergConnector", "IcebergOptions", "Version", "create"]


def create(name: str, options: Mapping[str, object]) -> IcebergConnector:
    """The source `name` over the tables of a catalog. Does no I/O.

    Raises:
        pydantic.ValidationError: for options that are not those of `IcebergOptions`.
    """
    return IcebergConnector(name, IcebergOptions.model_validate(options))
