"""The conformance kit over a folder of ORC files: the whole test suite of this package."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc

from connectors.conformance import Conformance, Place, Profile

HELD = (
    *(pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()),
    *(pa.decimal128(9, 2), pa.decimal128(38, 10), pa.string(), pa.binary(), pa.date32()),
    pa.list_(pa.int32()),
)


@contextmanager
def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        root, other = Path(folder, "orc"), Path(folder, "other")
        root.mkdir()
        other.mkdir()

        def write(name: str, table: pa.Table) -> None:
            # A stripe is what is in memory at once.
            orc.write_table(table, root / f"{name}.orc", stripe_size=1 << 20)

        for name, table in tables.items():
            write(name, table)
        yield Place(
            {"root": str(root)},
            unreachable={"root": str(Path(folder, "absent"))},
            other={"root": str(other)},
            add=lambda name: write(name, pa.table({"a": [1]})),
            alter=lambda name: write(name, tables[name].drop_columns(["a"])),
        )


_FILES = "files have neither login nor server"


class TestOrc(Conformance):
    profile = Profile(
        connector="orc",
        opened=opened,
        holds={type_: type_ for type_ in HELD},
        waivers={
            "no_secret_is_shown": _FILES,
            "a_refusal_names_the_source": _FILES,
            "what_is_left_or_cancelled_ends_at_the_source": _FILES,
            "cancel_while_it_is_silent": _FILES,
            "a_deadline_while_it_is_silent": _FILES,
            "a_place_that_dies_in_mid_stream_fails_the_query": "what is open stays readable",
        },
    )
