"""What a query may ask of the planner. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Pushdown = Literal["proven", "all", "none", "required"]
"""How much of a query goes to a source.

proven: what is proven to give the engine's result there.
all: also what has a form there and is not proven.
none: tables are read, as few columns as it takes; everything else runs here.
required: as `proven`, and a plan in which an operator stays here although all its inputs are at the
    source fails with the reasons. What stays because moving its inputs costs less is no failure.
"""

PUSHDOWNS: tuple[Pushdown, ...] = get_args(Pushdown)


Reductions = Literal["costed", "all", "whole", "none"]
"""Which fragments are sent keys of what is joined with them, or all of its rows, and what is
computed once that a statement has several times.

costed: where that is estimated to take less time.
all: keys wherever that can be done, and all that is there twice once; no rows in the place of keys.
whole: as costed, but rows wherever that can be done.
none: no fragment waits for another, and what is used twice is computed twice.
"""

REDUCTIONS: tuple[Reductions, ...] = get_args(Reductions)


Cuts = Literal["costed", "push", "open"]
"""What becomes of a subtree that one source can run.

costed: it goes there, or joins of it run here, whichever is estimated to take less time.
push: all of it goes there, whatever crosses the link; so do first steps of aggregates.
open: each input of a join is a fragment; joins, and what stands on them, run here.
"""

CUTS: tuple[Cuts, ...] = get_args(Cuts)


@dataclass(frozen=True, slots=True)
class Caution:
    """What a statement that runs has shown not to pay, when it is planned once more.

    Attributes:
        plain: nothing is computed once for several who read it, and nothing sent whole to a source.
        apart: a source, and tables of it, `schema.table`, that it is not to join with each other: a
            join of them there had far more rows than were expected of it.
        doubted: the shapes of relations that had far more rows than expected, and have more still:
            they are not relied upon to leave out rows of what they are joined with.
    """

    plain: bool = False
    apart: frozenset[tuple[str, frozenset[str]]] = frozenset()
    doubted: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class PlanningOptions:
    """How one statement is planned.

    Attributes:
        pushdown: for every source of the statement; None leaves it to each source's configuration.
        reductions: which fragments are sent keys, or rows.
        cuts: whether joins that one source can run are run there.
        caution: of a statement that runs; None where it is planned for the first time.
    """

    pushdown: Pushdown | None = None
    reductions: Reductions = "costed"
    cuts: Cuts = "costed"
    caution: Caution | None = None
