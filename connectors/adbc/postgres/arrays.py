"""Arrays on their way to lists: each comes with its number of dimensions, which a list has not.

Owns where both stand in a batch, and that no array of several dimensions passes for a flat one, as
which the driver gives it. Must not know connections or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import SourceRejectedError


def width_of(wanted: pa.Schema) -> int:
    """How many columns the server sends for these: a list is followed by its dimensions."""
    return len(wanted) + sum(1 for field in wanted if pa.types.is_list(field.type))


def places_of(wanted: pa.Schema) -> Iterator[int]:
    """Where each column stands among those that the server sends."""
    place = 0
    for field in wanted:
        yield place
        place += 2 if pa.types.is_list(field.type) else 1


def check_dimensions(batch: pa.RecordBatch, wanted: pa.Schema, source: str) -> None:
    """Look at the dimensions of each list in a batch as the server sent it.

    Raises:
        SourceRejectedError: for an array of several.
    """
    for place, field in zip(places_of(wanted), wanted, strict=True):
        if not pa.types.is_list(field.type):
            continue
        most = pc.max(batch.column(place + 1)).as_py()
        if most is not None and most > 1:
            raise SourceRejectedError(
                f"column {field.name!r} holds an array of {most} dimensions, "
                f"and {field.type} has one",
                source=source,
                hint='Leave such rows out in the query, or set arrays = "text" for the source.',
            )


def by_element(cast: Callable[[pa.Array], pa.Array], type_: pa.DataType) -> Callable[..., pa.Array]:
    """What makes lists of a type of others, from what makes their elements."""

    def convert(array: pa.ListArray) -> pa.ListArray:
        present, offsets = array.buffers()[:2]
        return pa.Array.from_buffers(
            type_,
            len(array),
            [present, offsets],
            array.null_count,
            array.offset,
            children=[cast(array.values)],
        )

    return convert
