"""Fragments and tables as pyarrow datasets, which is how DataFusion reads what Python provides.

DataFusion 55 accepts any subclass of `Dataset` and calls `get_fragments`, then `scanner` on each,
then `to_batches`; it trusts them to apply the filter. What blocks here blocks one of its worker
threads (see `execution.engine`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds

Scan = Callable[[Sequence[str], "pc.Expression | None"], Iterator[pa.RecordBatch]]
"""From wanted columns and a filter to batches of exactly these columns, in this order. Called while
the engine plans; what it returns is iterated while the engine runs."""


class ScanDataset(pds.Dataset):  # type: ignore[misc]
    """One partition of batches that `scan` makes when the engine asks."""

    def __init__(self, schema: pa.Schema, scan: Scan) -> None:
        # Dataset itself cannot be constructed; nothing of it is used.
        self._scan_schema = schema
        self._scan = scan

    @property
    def schema(self) -> pa.Schema:
        return self._scan_schema

    def get_fragments(self, *_: Any, **__: Any) -> list[_Partition]:
        return [_Partition(self._scan_schema, self._scan)]

    def scanner(self, *_: Any, columns: Sequence[str] | None, **options: Any) -> _Scanner:
        """Called while the engine plans: a filter that cannot be read is refused in time."""
        return _Partition(self._scan_schema, self._scan).scanner(columns=columns, **options)


class _Partition:
    """A dataset fragment, in DataFusion's and pyarrow's sense of the word."""

    def __init__(self, schema: pa.Schema, scan: Scan) -> None:
        self._schema = schema
        self._scan = scan

    def scanner(
        self,
        *_: Any,
        columns: Sequence[str] | None,
        filter: pc.Expression | pa.Scalar | None = None,
        **__: Any,
    ) -> _Scanner:
        # A filter that the engine has folded to a constant comes as one.
        condition = pc.scalar(filter) if isinstance(filter, pa.Scalar) else filter
        # Of a query in VALUES, which it does not optimise, the engine asks for no columns.
        wanted = self._schema.names if columns is None else columns
        return _Scanner(self._schema, self._scan, wanted, condition)


class _Scanner:
    def __init__(
        self, schema: pa.Schema, scan: Scan, columns: Sequence[str], condition: pc.Expression | None
    ) -> None:
        self.projected_schema = pa.schema([schema.field(name) for name in columns])
        self._batches = scan(columns, condition)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        return self._batches


def dataset_of_batches(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> ScanDataset:
    """A dataset that is read as often as its batches can be; column names may repeat in `schema`.

    The engine is never given a filter to push into it: the planner puts a barrier above.
    """

    def scan(columns: Sequence[str], condition: pc.Expression | None) -> Iterator[pa.RecordBatch]:
        if condition is not None:
            raise ValueError("a fragment's result takes no filter")
        for batch in batches:
            yield batch.select(list(columns))

    return ScanDataset(schema, scan)
