"""The tables of a residual that the engine reads itself: their names there, and their keys.

A table is one read for all of a plan, but for those that are read by keys. Owns their names. Knows
neither the engine nor its readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from connectors.far_reads import Gaps
from planner.bind import Bound
from planner.decompose import Cut
from planner.emit.scan import scan_of
from planner.estimate import estimate
from planner.expressions import FieldRef, InKeys
from planner.keyed import keyed_inputs, keys_in, without_keys
from planner.placing import Places
from planner.plan import NativeRead, ReadKeys
from planner.relations import (
    ExistsSubquery,
    Expression,
    Field,
    Filter,
    Read,
    Relation,
    ScalarSubquery,
    inputs_of,
    subqueries_of,
    transform_expression,
)
from planner.rewrite import over, with_expressions
from planner.text_views import texts_of_few

MOST_SCANNED_KEYS = 100_000
"""So many keys are the filter of a scan at most: each reader of each file looks them up."""

_Path = tuple[str, ...]


class Natives:
    """The native reads of a cut, in the order in which they were found.

    Args:
        gaps: see `planner.gaps`.
    """

    def __init__(self, bound: Bound, cut: Cut, places: Places, gaps: Mapping[_Path, Gaps]) -> None:
        self._bound = bound
        self._gaps = gaps
        self._cut = cut
        self._places = places
        self._reads: dict[tuple[_Path, tuple[ReadKeys, ...]], NativeRead] = {}

    @property
    def found(self) -> tuple[NativeRead, ...]:
        return tuple(self._reads.values())

    def by_path(self) -> Iterator[tuple[_Path, NativeRead]]:
        """Each with its table's full name."""
        return ((path, native) for (path, _), native in self._reads.items())

    def named(self, relation: Relation) -> Relation:
        """A residual with each table that the engine reads itself under a name of one part."""
        if isinstance(relation, Read):
            return self._named(relation, ())
        if isinstance(relation, Filter) and (keyed := _keyed_read(relation)) is not None:
            return self._keyed(relation, self._named(keyed[0], self._keys(*keyed)))

        def inside(part: Expression) -> Expression:
            if isinstance(part, ScalarSubquery | ExistsSubquery):
                return replace(part, input=self.named(part.input))
            return part

        if subqueries_of(relation):
            relation = with_expressions(relation, lambda e: transform_expression(e, inside))
        return over(relation, [self.named(source) for source in inputs_of(relation)])

    def _keyed(self, relation: Relation, read: Read) -> Relation:
        """Filters above a read, above the read as it is named."""
        if isinstance(relation, Filter):
            return Filter(self._keyed(relation.input, read), relation.condition)
        return read

    def _named(self, read: Read, keys: tuple[ReadKeys, ...]) -> Read:
        if len(read.path) == 1:
            return read
        native = self._reads.get((read.path, keys)) or self._native(read, keys)
        columns = dict.fromkeys((*native.columns, *(f.name for f in read.fields)))
        self._reads[read.path, keys] = replace(native, columns=tuple(columns))
        if read.path in self._bound.copies:  # The engine has it as it is, not as it was promised.
            return replace(read, path=(native.name,), base=_fields(native.schema))
        return replace(read, path=(native.name,))

    def _native(self, read: Read, keys: tuple[ReadKeys, ...]) -> NativeRead:
        found = self._bound.table(read.path)
        source, table = found.source, found.table
        statistics = source.connector.statistics(table.name)
        expected = estimate(read, lambda _: statistics)
        name = f"n{len(self._reads) + 1}"
        gaps = self._gaps.get(read.path)
        views = texts_of_few(table.schema, statistics) if gaps is None else frozenset()
        return NativeRead(
            name, source.name, table.name, table.schema, (), expected, keys, views, gaps
        )

    def _keys(self, read: Read, conditions: tuple[InKeys, ...]) -> tuple[ReadKeys, ...]:
        found = []
        for keys in conditions:
            assert isinstance(keys.value, FieldRef)
            name = read.fields[keys.value.index].name
            known = self._places.bounds(read, keys.value.index)
            bounds = None
            if known is not None and known.minimum is not None and known.maximum is not None:
                bounds = known.minimum, known.maximum
            shown = shown_keys(keys, self._cut)
            found.append(ReadKeys(keys.stage, keys.column, name, shown, bounds))
        return tuple(found)


def _keyed_read(relation: Relation) -> tuple[Read, tuple[InKeys, ...]] | None:
    """A table below nothing but filters, and the keys in these; None of anything else."""
    if isinstance(relation, Read):
        return (relation, ()) if len(relation.path) > 1 else None
    if not isinstance(relation, Filter) or subqueries_of(relation):
        return None
    below = _keyed_read(relation.input)
    return None if below is None else (below[0], keys_in(relation.condition) + below[1])


def shown_keys(keys: InKeys, cut: Cut) -> str:
    """`STAGE.COLUMN`, for people."""
    fields = next(stage.fields for stage in cut.stages if stage.name == keys.stage)
    return f"{keys.stage}.{fields[keys.column].name}"


def scanned_columns(relation: Relation) -> tuple[pa.Field, ...]:
    """The columns of its table that the keys of a scan are compared with, in their order."""
    found = []
    for source, keys in keyed_inputs(relation):
        assert isinstance(keys.value, FieldRef)
        scan = scan_of(without_keys(source), lambda read: [f.name for f in read.base])
        field = source.fields[keys.value.index]
        found.append(pa.field(scan.columns[keys.value.index], field.type, field.nullable))
    return tuple(found)


def _fields(schema: pa.Schema) -> tuple[Field, ...]:
    return tuple(Field(f.name, f.type, f.nullable) for f in schema)
