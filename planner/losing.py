"""What other cuts of a statement would have cost, in seconds for all of it: for EXPLAIN.

Each is made by planning the tree again under another option, or without a pass, and costed by the
same formula as the cut that was chosen. That takes as long as to plan as often, so it is done only
where somebody asks. Owns which others there are. Changes no plan, and knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.cut_cost import cut_cost
from planner.decompose import Cut
from planner.options import CUTS, REDUCTIONS, Cuts, PlanningOptions, Reductions
from planner.partial import push_aggregates
from planner.passes import PASSES, Pass
from planner.placing import Places
from planner.plan import LosingCut, Plan
from planner.relations import Relation
from planner.residual_text import residual_text
from planner.sent_whole import ways_of

SHOWN = 2
"""So many are shown, those that take the least time."""

_JOINS: Mapping[Cuts, str] = {
    "costed": "joins of one source where that is cheaper",
    "push": "all that one source can run, there",
    "open": "every join here",
}
_KEYS: Mapping[Reductions, str] = {
    "costed": "keys sent where that is cheaper",
    "all": "keys sent wherever they can be",
    "whole": "small tables sent whole wherever they can be",
    "none": "no keys sent",
}

_IN_ONE_STEP = tuple(each for each in PASSES if each is not push_aggregates)


def with_losing_cuts(
    plan: Plan, relation: Relation, cut: Cut, places: Places, options: PlanningOptions
) -> Plan:
    """The plan with what it is expected to cost, and the best of the others.

    Args:
        plan: of `cut`; may have rejected copies of tables, which are among the others.
        relation: the statement's tree, as it was bound.
        places: that the cut was made with.
        options: under which it was.
    """
    if not _is_known(cut, places):
        return plan
    chosen = _text(cut)
    found: dict[str, LosingCut] = {}
    for description, other, there in _others(relation, places, options):
        text = _text(other)
        if text != chosen and text not in found and _is_known(other, there):
            found[text] = LosingCut(description, cut_cost(other, there).seconds)
    copies = (LosingCut(r.description, r.seconds) for r in plan.rejected if r.seconds is not None)
    best = sorted((*found.values(), *copies), key=lambda losing: losing.seconds)
    return replace(plan, seconds=cut_cost(cut, places).seconds, losing=tuple(best[:SHOWN]))


def _others(
    relation: Relation, places: Places, options: PlanningOptions
) -> Iterator[tuple[str, Cut, Places]]:
    there = places.under(options)
    yield "aggregates in one step", *_cut(relation, there, _IN_ONE_STEP)
    others = {
        **{f"{_JOINS[v]} (cuts = {v})": replace(options, cuts=v) for v in CUTS},
        **{f"{_KEYS[v]} (reductions = {v})": replace(options, reductions=v) for v in REDUCTIONS},
        "tables read, all else here (pushdown = none)": replace(options, pushdown="none"),
    }
    for description, other in others.items():
        if other != options:
            there = places.under(other)
            yield description, *_cut(relation, there)


def _cut(
    relation: Relation, places: Places, passes: tuple[Pass, ...] = PASSES
) -> tuple[Cut, Places]:
    way = ways_of(relation, places, passes)[0]
    return way.cut, way.places


def _is_known(cut: Cut, places: Places) -> bool:
    """Whether anything is known of what crosses each link, and of the tables that are read here."""
    trees = (cut.residual, *(stage.relation for stage in cut.stages))
    natives = (read for tree in trees for read in tree.reads if len(read.path) > 1)
    return all(fragment.cost is not None for fragment in cut.fragments) and all(
        places.estimate(native).rows is not None for native in natives
    )


def _text(cut: Cut) -> str:
    """What tells a cut from others."""
    fragments = (f"{f.place.source.name} {residual_text(f.relation, {})}" for f in cut.fragments)
    stages = (residual_text(stage.relation, {}) for stage in cut.stages)
    return "\n\n".join((*fragments, *stages, residual_text(cut.residual, {})))
