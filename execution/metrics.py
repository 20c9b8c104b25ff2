"""What DataFusion's physical plan says of a run of it: its readers, and the work of the rest.

Owns the names of its operators and metrics. Runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.account import NativeAccount
from planner.plan import NativeRead

_FILE_READER = "DataSourceExec"
_READERS = (_FILE_READER, "DatasetExec")
"""What reads tables and fragments; a fragment's reader waits for its source."""

_WORK = ("elapsed_compute", "repartition_time")


@dataclass(frozen=True, slots=True)
class Scan:
    """One reader of the engine: what it says of itself, and DataFusion's metrics of it."""

    description: str
    metrics: Any


def scans_of(physical: Any) -> list[Scan]:
    """What the engine's own readers took; `physical` is None before there is a plan."""
    if physical is None:
        return []
    return [
        Scan(name, metrics)
        for name, metrics in physical.collect_metrics()
        if name.startswith(_FILE_READER)
    ]


def compute_seconds(physical: Any) -> float | None:
    """What the operators took, added up over threads, readers left out; None without a plan."""
    if physical is None:
        return None
    nanoseconds = [
        metric.value
        for name, metrics in physical.collect_metrics()
        if not name.startswith(_READERS)
        for metric in metrics.metrics()
        if metric.name in _WORK and isinstance(metric.value, int)
    ]
    return sum(nanoseconds) / 1e9


def native_account(native: NativeRead, scans: list[Scan], keys: int | None) -> NativeAccount:
    """The engine's readers know files: a table's are those that carry its name.

    Args:
        keys: how many keys it was read by.
    """
    marks = (f"/{native.table.name}.", f"/{native.table.name}/")
    own = [scan for scan in scans if any(mark in scan.description for mark in marks)]

    metrics = [metric for scan in own for metric in scan.metrics.metrics()]

    def total(name: str) -> int | None:
        found = [m.value for m in metrics if m.name == name and isinstance(m.value, int)]
        return sum(found) if found else None

    nanoseconds = total("time_elapsed_scanning_total")
    return NativeAccount(
        native.name,
        native.source,
        total("output_rows"),
        total("output_bytes"),
        total("bytes_scanned"),
        None if nanoseconds is None else nanoseconds / 1e9,
        keys,
    )
