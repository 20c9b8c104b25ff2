"""What the engine's Substrait would leave out without a word: refused, by the text of its plan.

Of window functions DISTINCT, FILTER, IGNORE NULLS and frames of values; of grouping sets, a single
one. DataFusion 55 writes the plan as if they were not there. A text of the client may look like one
of them: then a statement runs uncut that need not. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import datafusion

from planner.relations import Aggregate, Relation, parts_of
from planner.substrait.types import NotCarriedError

_IGNORES_NULLS = "IGNORE NULLS"
_OF_WINDOWS = (
    (re.compile(r"FILTER \(WHERE "), "FILTER beside a window"),
    (re.compile(r"\(DISTINCT "), "DISTINCT beside a window"),
    (
        re.compile(
            r"RANGE BETWEEN (?!UNBOUNDED PRECEDING AND |CURRENT ROW AND )"
            r"|RANGE BETWEEN (?:UNBOUNDED PRECEDING|CURRENT ROW) AND (?!UNBOUNDED|CURRENT ROW)"
            r"|GROUPS BETWEEN "
        ),
        "a window frame of values",
    ),
)
_SEVERAL_SETS = re.compile(r"groupBy=\[\[(?:GROUPING SETS|ROLLUP|CUBE) \(")


def refuse_lost(logical: datafusion.LogicalPlan, text: str) -> None:
    """Look for what the message will not have.

    Args:
        text: of the plan.

    Raises:
        NotCarriedError: naming the construct.
    """
    if _IGNORES_NULLS in text:
        raise NotCarriedError(_IGNORES_NULLS)
    if "WindowAggr:" not in text:
        return
    # Subqueries stand in expressions, where nodes cannot be walked.
    parts = [text] if "Subquery:" in text else _windows(logical)
    for part in parts:
        for lost, construct in _OF_WINDOWS:
            if lost.search(part):
                raise NotCarriedError(construct)


def refuse_lost_sets(text: str, relation: Relation) -> None:
    """Compare the grouping sets of the plan's text with those of the tree that was read.

    Raises:
        NotCarriedError: when the tree has fewer.
    """
    planned = len(_SEVERAL_SETS.findall(text))
    if planned != _several_sets(relation):
        raise NotCarriedError("a single grouping set")


def _windows(logical: datafusion.LogicalPlan) -> Iterator[str]:
    own: str = logical.display()
    if own.startswith("WindowAggr:"):
        yield own
    for source in logical.inputs():
        yield from _windows(source)


def _several_sets(relation: Relation) -> int:
    own = isinstance(relation, Aggregate) and len(relation.sets) > 1
    below = parts_of(relation)
    return own + sum(_several_sets(part) for part in below)
