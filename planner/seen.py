"""How many rows parts of statements had when they ran, by the shapes of their relations.

What was seen is better than what is estimated, for as long as the tables do not change much. Owns
the memory, which is bounded and lives as long as the server. Knows no table and no clock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from planner.plan import Plan, Work, sent_by
from planner.relations import Relation
from planner.seen_work import SeenWork
from planner.shapes import keyed_shape_of

MOST_SHAPES = 10_000

WRONG = 3.0
"""A plan whose estimate is so many times off what was seen is made again."""

FEW_ROWS = 1_000.0
"""Of fewer rows more or less no plan changes."""

_JOINS = frozenset(("join", "cross"))


@dataclass(frozen=True, slots=True)
class _SeenTable:
    """A table, and the rows that its source tells of it.

    Attributes:
        least_rows: that were seen of it at once.
        rows: that it is expected to have instead; None where the source may be right.
    """

    told_rows: float
    least_rows: float = 0.0
    rows: float | None = None


class SeenRows:
    """Rows by shape, the latest that were seen; for any number of threads.

    Attributes:
        work: what sources took for them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._learned = 0
        self._has_keyed = False
        self._rows: OrderedDict[bytes, float] = OrderedDict()
        self._tables: OrderedDict[tuple[str, str], _SeenTable] = OrderedDict()
        self._outgrown: OrderedDict[bytes, None] = OrderedDict()
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self.work = SeenWork()

    @property
    def learned(self) -> int:
        """How often something was seen that was not known: with more than that when it was made, a
        plan may be worse than one that is made now."""
        return self._learned + self.work.learned

    def note_keyed(self, shape: bytes, rows: float) -> None:
        """The same of a part that was sent keys."""
        self._has_keyed = True
        self.note(shape, rows)

    def note(self, shape: bytes, rows: float) -> None:
        """A part of this shape had so many rows to its end, or is expected to while it is read."""
        with self._lock:
            before = self._rows.get(shape)
            self._learned += before is None or _differs(before, rows)
            self._rows[shape] = rows
            self._rows.move_to_end(shape)
            if len(self._rows) > MOST_SHAPES:
                self._rows.popitem(last=False)

    def of_table(self, source: str, table: str, told_rows: float) -> float | None:
        """The rows that a table, `schema.table`, is expected to have: more than its source tells,
        if more were seen since it first told of as many. None where it may be right."""
        key = (source, table)
        with self._lock:
            found = self._tables.get(key)
            if found is not None and found.told_rows == told_rows:
                return found.rows
            self._tables[key] = _SeenTable(told_rows)
            if len(self._tables) > MOST_SHAPES:
                self._tables.popitem(last=False)
            return None

    def note_table(
        self,
        source: str,
        table: str,
        least_rows: float,
        expected_rows: float | None = None,
        *,
        whole: bool = False,
    ) -> None:
        """So many rows of a table were seen at once; forgotten with what its source told before.

        Args:
            expected_rows: of what was being read, where it went on.
            whole: it has no others.
        """
        key = (source, table)
        with self._lock:
            found = self._tables.get(key)
            if found is None:
                return
            least_rows = least_rows if whole else max(least_rows, found.least_rows)
            rows = max(least_rows, expected_rows or 0.0) if least_rows > found.told_rows else None
            self._learned += (rows is None) != (found.rows is None)
            self._tables[key] = replace(found, least_rows=least_rows, rows=rows)

    def note_outgrown(self, shape: bytes) -> None:
        """The rows of a part of this shape were to wait for several readers, and found no room."""
        self._keep(self._outgrown, shape)

    def has_outgrown(self, relation: Relation) -> bool:
        """Whether such a part was seen."""
        return bool(self._outgrown) and relation.shape in self._outgrown

    def note_refused(self, shape: bytes) -> None:
        """The rows of a part of this shape were to be sent to a source, and could not be."""
        self._keep(self._refused, shape)

    def was_refused(self, relation: Relation) -> bool:
        """Whether such a part was seen."""
        return bool(self._refused) and relation.shape in self._refused

    def _keep(self, shapes: OrderedDict[bytes, None], shape: bytes) -> None:
        with self._lock:
            self._learned += shape not in shapes
            shapes[shape] = None
            if len(shapes) > MOST_SHAPES:
                shapes.popitem(last=False)

    def worked(
        self, source: str, work: Work, seconds: float, now: float, *, sure: bool, sized: bool
    ) -> None:
        """A source worked so long on a fragment; see `SeenWork.note`."""
        self.work.note(source, work, seconds, now, sure=sure, sized=sized)

    def staged(self, work: Work, seconds: float, now: float) -> None:
        """A stage was complete after so long; see `SeenWork.note_stage`."""
        self.work.note_stage(work, seconds, now)

    def of(self, relation: Relation) -> float | None:
        """The rows that a relation had when it ran, if one of its shape did, or of its shape with
        keys."""
        if not self._rows:
            return None
        keyed = self._has_keyed and relation.shape is None
        return self.of_shape(keyed_shape_of(relation) if keyed else relation.shape)

    def of_shape(self, shape: bytes | None) -> float | None:
        """The same, where only the shape is at hand."""
        return None if shape is None else self._rows.get(shape)

    def refutes(self, plan: Plan) -> bool:
        """Whether a part of a plan had very different rows from those that it was planned with, or
        took its source much longer, or shorter; or had more rows than may wait for several, or be
        sent."""
        if any(s.reads > 1 and s.shape in self._outgrown for s in plan.stages):
            return True
        sent = sent_by(plan)
        if any(s.name in sent and s.shape in self._refused for s in plan.stages):
            return True
        if has_choices(plan) and self.work.refutes(plan.fragments, plan.stages):
            return True
        if not self._rows or not _reads_several(plan):
            return False  # There is nothing that would be joined another way.
        parts = [(f.estimate.rows, f.keyed_shape or f.shape) for f in plan.fragments]
        parts += [(s.estimate.rows, s.shape) for s in plan.stages]
        return any(_differs(expected, self.of_shape(shape)) for expected, shape in parts)


def has_choices(plan: Plan) -> bool:
    """Whether something could be joined another way, or elsewhere."""
    return _reads_several(plan) or any(
        kind in _JOINS for fragment in plan.fragments for kind in fragment.operators
    )


def _reads_several(plan: Plan) -> bool:
    return len(plan.fragments) + len(plan.natives) > 1


def _differs(expected: float | None, seen: float | None) -> bool:
    if seen is None:
        return False
    if expected is None:
        return True
    few, many = sorted((expected, seen))
    return many - few > FEW_ROWS and many > WRONG * few
