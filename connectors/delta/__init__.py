"""Delta tables, on disk or on S3, as tables.

Owns the options and the reading of a table's log, by `deltalake`; its files are read as any others.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.delta.connector import DeltaConnector
from connectors.delta.options import DeltaOptions

__all__ = ["DeltaConnector", "DeltaOptions", "create"]


def create(name: str, options: Mapping[str, object]) -> DeltaConnector:
    """The source `name` over the Delta tables at `options["root"]`. Does no I/O.

    Raises:
        pydantic.ValidationError: for options that are not those of `DeltaOptions`.
        ConfigurationError: `deltalake` is not installed, or does not read from there.
    """
    return DeltaConnector(name, DeltaOptions.model_validate(options))
