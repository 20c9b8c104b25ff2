"""What a source has to do for a fragment, in seconds, beside handing its rows out.

Owns which rows count. The prices are `planner.cost`'s, and the estimates whoever asks for them.
"""

from __future__ import annotations

from collections.abc import Callable

from planner.cost import source_seconds
from planner.relations import (
    Aggregate,
    Cross,
    Filter,
    Join,
    Project,
    Read,
    Relation,
    Sort,
    Window,
    inputs_of,
    subqueries_of,
)

Rows = Callable[[Relation], float | None]
"""How many rows a relation is expected to have."""


def source_work_seconds(relation: Relation, rows: Rows, row_seconds: float) -> float | None:
    """A source's work for a relation; None where the rows of some part of it are not known.

    Args:
        row_seconds: of the source; see `connectors.contract.Capabilities`.
    """
    below = (*inputs_of(relation), *subqueries_of(relation))
    if isinstance(relation, Filter) and isinstance(relation.input, Read):
        below = subqueries_of(relation)  # It may have an index, and not look at the others.
    takes_in = isinstance(relation, Join | Cross | Sort | Window) or (
        isinstance(relation, Aggregate) and bool(relation.groups)
    )
    made = 0.0 if isinstance(relation, Project) else rows(relation)
    taken = [rows(part) if takes_in else 0.0 for part in below]
    parts = [source_work_seconds(part, rows, row_seconds) for part in below]
    known = [each for each in (*taken, *parts) if each is not None]
    if made is None or len(known) < len(taken) + len(parts):
        return None
    own = source_seconds(made, sum(known[: len(taken)]), row_seconds)
    return own + sum(known[len(taken) :])
