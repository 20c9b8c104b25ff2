"""Small tables sent whole to a source, which joins them there, and runs what stands on that.

    Aggregate sum(total) by label          Aggregate sum(total) by label  ───►  shop
      Join o.code = c.code           ->      Join o.code = c.code
        orders       (shop)                    orders
        Filter … c   (csv)                     read k1
                                           stage k1: Filter … c

What is joined with tables of a place is computed first, as a stage, and its rows go there with the
statement: what reads them is placed like any of its tables, and so is all above. The way with them
is planned whole and compared with the best way without. When a stage turns out to have more rows
than may be sent, or one that has no form there, the statement is planned again without. Owns the
choice. Knows no SQL, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from planner.cost import STAGE_SECONDS
from planner.decompose import Cut
from planner.emit.names import distinct_fields
from planner.emit.rows import MOST_BYTES, MOST_ROWS
from planner.followed import tables_of
from planner.key_cost import WORTH_SECONDS, rows_cost, worth_seconds
from planner.keyed import keys_of, sent_in
from planner.passes import PASSES, Pass, rearranged
from planner.placing import Place, Places
from planner.plan import Estimate, RejectedCut
from planner.reductions import Stage, reduced
from planner.relations import Cross, Join, Relation, inputs_of
from planner.repeated import Arranged, arranged, way_cost
from planner.rewrite import over, read_all

MOST_TRIED = 3
"""So many ways to send something are planned."""

_NOTHING = Estimate(0.0, 0.0)


def ways_of(
    relation: Relation, places: Places, passes: tuple[Pass, ...] = PASSES
) -> tuple[Arranged, ...]:
    """The ways to compute a statement: the best first, and the last without sending or sharing."""
    found = arranged(relation, places, passes)
    if places.plain or places.reductions in ("all", "none"):
        return found
    best = _best(relation, places, passes, found[0])
    return found if best is found[0] else (best, *found)


def _best(
    relation: Relation, places: Places, passes: tuple[Pass, ...], plain: Arranged
) -> Arranged:
    choices = [*_choices(relation, places)]
    if not choices:
        return plain
    if places.reductions == "whole":
        made = (_sending(relation, *choice, places, passes) for choice in choices)
        return next((way for way in made if way is not None), plain)
    best, cost = plain, way_cost(plain)
    lost: list[RejectedCut] = []
    # To plan another way takes about as long as what it must save.
    most = cost.seconds - WORTH_SECONDS
    worth_a_look = (each for each in choices if _least_seconds(*each, places) < most)
    for place, parts in islice(worth_a_look, MOST_TRIED):
        way = _sending(relation, place, parts, places, passes)
        if way is None:
            continue
        own = way_cost(way)
        worth = worth_seconds(cost.seconds, cost.seconds, own.share_of(cost))
        better = cost.seconds - own.seconds > worth
        what = f"{_named(parts)} {'not ' if better else ''}sent whole to {place.source.name}"
        times = f"{own.seconds:.3g} s with, {cost.seconds:.3g} s without"
        lost.append(RejectedCut(what, times))
        if better:
            best, cost = way, own
    best.cut.rejected += lost
    return best


def _choices(relation: Relation, places: Places) -> Iterator[tuple[Place, list[Relation]]]:
    """What may be sent where: to each place all that may, and then one by one."""
    owners = (places.of(read) for read in relation.reads)
    takers = {p.key: p for p in owners if p is not None and p.dialect and p.dialect.rows}
    found = {key: [*_beside(relation, place, places)] for key, place in takers.items()}
    parts = [(takers[key], own) for key, own in found.items() if own]
    yield from parts
    yield from ((place, [part]) for place, own in parts if len(own) > 1 for part in own)


def _beside(relation: Relation, place: Place, places: Places) -> Iterator[Relation]:
    """The small inputs of joins whose other input reads a place's tables, and they none."""
    sides = inputs_of(relation)
    there = [side for side in sides if _reads(side, place, places)]
    if isinstance(relation, Join | Cross) and len(there) == 1:
        yield from (s for s in sides if s is not there[0] and _may_be_sent(s, place, places))
    yield from chain.from_iterable(_beside(side, place, places) for side in there)


def _reads(relation: Relation, place: Place, places: Places) -> bool:
    owners = (places.of(read) for read in relation.reads)
    return any(owner is not None and owner.key == place.key for owner in owners)


def _may_be_sent(part: Relation, place: Place, places: Places) -> bool:
    assert place.dialect is not None
    form = place.dialect.rows
    if form is None or not part.fields or part.shape is None or places.was_refused(part):
        return False
    if not all(form.takes(field.type) for field in part.fields):
        return False
    expected = places.estimate(part)
    if expected.rows is None or expected.size_bytes is None:
        return places.reductions == "whole"
    return expected.rows <= MOST_ROWS and expected.size_bytes <= MOST_BYTES


def _sending(
    relation: Relation,
    place: Place,
    parts: Sequence[Relation],
    places: Places,
    passes: tuple[Pass, ...],
) -> Arranged | None:
    """The statement with parts of it sent to a place; None where that joins them with nothing."""
    places = places.again()
    stages: dict[int, Stage] = {}
    for number, part in enumerate(parts, 1):
        own, fields = rearranged(part, places, passes), distinct_fields(part.fields)
        stages[id(part)] = Stage(f"k{number}", own, fields, part.shape)

    def change(tree: Relation) -> Relation:
        stage = stages.get(id(tree))
        if stage is not None:
            return read_all((stage.name,), stage.fields)
        return over(tree, [change(source) for source in inputs_of(tree)])

    for stage in stages.values():
        places.add_stage((stage.name,), stage.relation, stage.shape)
        places.send((stage.name,), place)
    changed = rearranged(change(relation), places, passes)
    way = Arranged(reduced(changed, places, [*stages.values()]), places)
    return way if _is_sent(way.cut, len(parts)) else None


def _least_seconds(place: Place, parts: Sequence[Relation], places: Places) -> float:
    """What it takes at least: to send them."""
    sent = (rows_cost(part, place, places, _NOTHING) for part in parts)
    return STAGE_SECONDS + sum(cost.seconds for cost in sent)


def _is_sent(cut: Cut, stages: int) -> bool:
    """Whether each stage goes to tables that it is joined with, and these wait for nothing else."""
    sent: set[str] = set()
    for fragment in cut.fragments:
        names = sent_in(fragment.relation)
        alone = all(len(read.path) == 1 for read in fragment.relation.reads)
        if names and (alone or keys_of(fragment.relation)):
            return False
        sent.update(names)
    return len(sent) == stages


def _named(parts: Sequence[Relation]) -> str:
    names = dict.fromkeys(name for part in parts for name in tables_of(part) or ("constants",))
    return ", ".join(names)
