"""The schemas of a table's files as one. Owns what types are declared and which files fit together.

Must not read a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from connectors.errors import SourceRejectedError
from connectors.files.listing import DataFile
from connectors.files.location import Location


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` with text as plain `string`, and bytes as plain `binary` where they are views.

    Every client reads these. Filters cannot run on views in Arrow.
    """
    return pa.schema([pa.field(f.name, _plain_type(f.type), f.nullable) for f in schema])


def _plain_type(type_: pa.DataType) -> pa.DataType:
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    if any(is_text(inner) for is_text in texts):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(type_) else type_


def common(
    location: Location, files: Sequence[DataFile], schemas: Sequence[pa.Schema]
) -> pa.Schema:
    """One schema for all files. A column that a file lacks is null there."""
    schema = unique(location, files[0], schemas[0])
    for file, other in zip(files[1:], schemas[1:], strict=True):
        if other.equals(schema):
            continue
        unique(location, file, other)
        for field in other:
            position = schema.get_field_index(field.name)
            if position >= 0 and schema.field(position).type != field.type:
                message = (
                    f"{both(location, files[0], file)} differ in column {field.name!r}: "
                    f"{schema.field(position).type} and {field.type}"
                )
                raise SourceRejectedError(message, source=location.source)
        schema = pa.unify_schemas([schema, other])
        missing = set(schema.names) ^ set(other.names)
        schema = pa.schema([f.with_nullable(True) if f.name in missing else f for f in schema])
    return schema


def unique(location: Location, file: DataFile, schema: pa.Schema) -> pa.Schema:
    twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if twice is None and schema.names:
        return schema
    reason = "has no columns" if twice is None else f"has two columns {twice!r}"
    message = f"{location.relative(file.path)!r} {reason}"
    raise SourceRejectedError(message, source=location.source)


def both(location: Location, one: DataFile, other: DataFile) -> str:
    return f"{location.relative(one.path)!r} and {location.relative(other.path)!r}"
