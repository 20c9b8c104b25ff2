"""What the engine computes once for a condition is written where it is used, when that can go.

The engine's optimiser takes a repeated expression out of a condition, into a projection below: of
`lower(x) = 'a' OR lower(x) = 'b'` it leaves two comparisons of a column. A source may run those
comparisons, and not lower(x) by itself. Knows places, and no dialect.
"""

from __future__ import annotations

from planner.placing import Places
from planner.purity import repeats
from planner.relations import Filter, Project, Relation, conjuncts, inputs_of
from planner.rewrite import inlined, over


def inline_shared(relation: Relation, places: Places) -> Relation:
    """Conditions over a projection that its source refuses, as conditions below it."""
    relation = over(relation, [inline_shared(source, places) for source in inputs_of(relation)])
    match relation:
        case Project(input=Filter(input=Project() as shared) as filtered):
            place = places.whole(shared.input)
            if place is None or places.refusal(shared, place) is None:
                return relation
            if not all(map(repeats, shared.expressions)):
                return relation
            below = Filter(shared.input, inlined(filtered.condition, shared))
            parts = conjuncts(below.condition)
            if all(places.part_refusal(shared.input, part, place) for part in parts):
                return relation
            expressions = tuple(inlined(e, shared) for e in relation.expressions)
            return Project(below, expressions, relation.fields)
    return relation
