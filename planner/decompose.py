"""Where to cut: a relation tree -> fragments for the sources, and what is left for the engine.

    Project                         Project                residual
      Join  (a.k = b.k)               Join
        Join                 ->         f1  ────────────►  shop: SELECT … orders JOIN customer …
          orders     (shop)             lineitem           native: the engine's own Parquet reader
          customer   (shop)
        lineitem     (lake)

A bottom-up walk finds the largest subtrees that one place can run (every operator is asked, and
each refusal is kept with its reason). Each such subtree is then cut off whole, or opened where
its inputs are estimated to cross the link in less time than its result. Knows no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from planner.cost import Cost
from planner.emit.names import ONE, distinct_fields
from planner.followed import tables_of
from planner.keyed import keys_of, sent_in
from planner.opening import (
    MORE_MOVED,
    WORTH_OPENING,
    fragments_seconds,
    more_bytes,
    opened_pieces,
    opened_seconds,
)
from planner.placing import Place, Places, common, moved
from planner.plan import Estimate, Kept, RejectedCut, Work
from planner.reductions import Reduced, Stage
from planner.relations import (
    Cross,
    ExistsSubquery,
    Expression,
    Fetch,
    Field,
    FieldRef,
    Filter,
    Join,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    conjunction,
    conjuncts,
    inputs_of,
    kind_of,
    references,
    subqueries_of,
    transform_expression,
    with_inputs,
)
from planner.rewrite import read_all, with_expressions
from planner.work import work_of


@dataclass(frozen=True, slots=True)
class CutFragment:
    """A subtree that goes to a source, and how the residual reads its rows.

    Attributes:
        name: the fragment's name.
        fields: its output, at least one, no two of one name.
        work: its source's, which is in the cost; None where that is not known.
    """

    name: str
    place: Place
    relation: Relation
    fields: tuple[Field, ...]
    estimate: Estimate
    cost: Cost | None
    work: Work | None = None


@dataclass(slots=True)
class Cut:
    """A way to split a tree.

    Attributes:
        residual: what the engine runs; a `Read` of a one-part path reads a fragment. When it is
            nothing but the read of the only fragment, that fragment is the answer.
        stages: what the engine runs before, each split as well.
        whole: the single fragment is the answer, order included.
    """

    residual: Relation
    stages: list[Stage] = field(default_factory=list)
    fragments: list[CutFragment] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    rejected: list[RejectedCut] = field(default_factory=list)
    whole: bool = False


def decompose(reduced: Reduced, places: Places) -> Cut:
    """Split a statement's tree and its stages, given where its relations can run."""
    return _Decomposer(places).cut(reduced)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A subtree and the one place that can run it; without a place its parts are cut already."""

    relation: Relation
    place: Place | None


_Subqueries = dict[int, _Placed]
"""Where each subquery of a relation can run, by the identity of its relation."""


class _Decomposer:
    """One decomposition: numbers the fragments and gathers the reasons."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._cut = Cut(Read((), (), ()))

    def cut(self, reduced: Reduced) -> Cut:
        self._cut.rejected += reduced.rejected
        for stage in reduced.stages:
            here = self._here(self._place(stage.relation))
            self._cut.stages.append(replace(stage, relation=here))
        placed = self._place(reduced.relation)
        if placed.place is None:
            self._cut.residual = placed.relation
            return self._cut
        if reduced.stages:  # They are computed here first.
            self._cut.residual = self._here(placed)
            return self._cut
        opened = self._cheaper_opened(placed.relation, placed.place)
        if opened is not None:
            self._cut.residual = opened
            return self._cut
        self._cut.residual = self._fragment(placed.relation, placed.place)
        self._cut.whole = bool(placed.relation.fields)
        return self._cut

    # --- placing: which subtrees can one place run ---

    def _place(self, relation: Relation) -> _Placed:
        match relation:
            case Read():
                return _Placed(relation, self._places.of(relation))
            case Filter():
                return self._place_filter(relation)
        inputs = tuple(self._place(i) for i in inputs_of(relation))
        subqueries = self._place_subqueries(relation)
        place = common(p.place for p in (*inputs, *subqueries.values()))
        if place is not None:
            reason = self._places.refusal(relation, place)
            if reason is None:
                return _Placed(relation, place)
            self._keep(relation, place, reason)
            if isinstance(relation, Project):
                return _Placed(self._project_here(relation, place, subqueries), None)
        here = with_inputs(relation, tuple(self._here(i) for i in inputs))
        return _Placed(self._with_subqueries_here(here, subqueries), None)

    def _place_filter(self, relation: Filter) -> _Placed:
        """Each conjunct goes by itself: one that must stay does not keep the others."""
        source = self._place(relation.input)
        subqueries = self._place_subqueries(relation)
        if source.place is None:
            here = Filter(source.relation, relation.condition)
            return _Placed(self._with_subqueries_here(here, subqueries), None)
        goes: list[Expression] = []
        stays: list[Expression] = []
        for part in conjuncts(relation.condition):
            inner = [subqueries[id(q)] for q in subqueries_of(Filter(relation.input, part))]
            reason = self._places.part_refusal(relation.input, part, source.place)
            refused = reason is not None
            if common(p.place for p in (source, *inner)) is None:
                reason = reason or _elsewhere(inner)
            if reason is None:
                goes.append(part)
            else:
                stays.append(part)
                self._keep(relation, source.place, reason, refused)
        pushed = Filter(source.relation, conjunction(tuple(goes))) if goes else source.relation
        if not stays:
            return _Placed(pushed, source.place)
        here = Filter(self._here(_Placed(pushed, source.place)), conjunction(tuple(stays)))
        return _Placed(self._with_subqueries_here(here, subqueries), None)

    def _keep(self, relation: Relation, place: Place, reason: str, refused: bool = True) -> None:
        tables = tables_of(relation)
        kept = Kept(kind_of(relation), place.source.name, reason, refused, tables)
        if kept not in self._cut.kept:
            self._cut.kept.append(kept)

    # --- subqueries in expressions ---

    def _place_subqueries(self, relation: Relation) -> _Subqueries:
        return {id(query): self._place(query) for query in subqueries_of(relation)}

    def _with_subqueries_here(self, relation: Relation, subqueries: _Subqueries) -> Relation:
        """The relation with each subquery's relation cut for the engine."""
        if not subqueries:
            return relation

        def change(part: Expression) -> Expression:
            if isinstance(part, ScalarSubquery | ExistsSubquery):
                placed = subqueries.get(id(part.input))
                return part if placed is None else replace(part, input=self._here(placed))
            return part

        return with_expressions(relation, partial(transform_expression, change=change))

    # --- cutting: whole, or opened ---

    def _here(self, placed: _Placed) -> Relation:
        """A placed subtree as the engine reads it; rows of a fragment come in no order."""
        if placed.place is None:
            return placed.relation
        relation, place = placed.relation, placed.place
        match relation:
            case Sort():
                return Sort(self._here(_Placed(relation.input, place)), relation.keys)
            case Fetch() if (sort := sort_below(relation)) is not None:
                return Sort(self._fragment(relation, place), sort.keys)
            case Fetch() | Project() | Filter() if is_ordered(relation.input):
                return with_inputs(relation, (self._here(_Placed(relation.input, place)),))
        opened = self._cheaper_opened(relation, place)
        return opened if opened is not None else self._fragment(relation, place)

    def _fragment(self, relation: Relation, place: Place) -> Read:
        expected = self._places.estimate(relation)
        name = f"f{len(self._cut.fragments) + 1}"
        cost = moved(self._places.sent(relation, place), place)
        work = work_of(relation, place, self._places)
        if cost is not None and work is not None:
            cost = replace(cost, work_seconds=work.seconds)
        wanted = relation.fields
        if place.dialect is None:
            # A scan has its table's columns under their own names, and at least one of them.
            relation = relation if wanted else _with_a_column(relation)
            fields = relation.fields
        else:
            fields = distinct_fields(wanted) or (ONE,)
        made = CutFragment(name, place, relation, fields, expected, cost, work)
        self._cut.fragments.append(made)
        return read_all((name,), fields) if wanted else Read((name,), fields, ())

    def _cheaper_opened(self, relation: Relation, place: Place) -> Relation | None:
        """The tree with its topmost joins run here, where that is estimated to take less time."""
        if self._places.cuts == "push":
            return None
        pieces = opened_pieces(relation)
        if sent_in(relation):
            return None  # What is sent is sent to be joined there.
        # Keys of what is joined there would reduce nothing any more.
        if len(pieces) < 2 or len(keys_of(relation)) > sum(len(keys_of(p)) for p in pieces):
            return None
        whole = fragments_seconds([relation], place, self._places)
        opened = opened_seconds(relation, place, self._places)
        if whole is None or opened is None:
            return None
        source = place.source.name
        more = more_bytes(relation, place, self._places)
        weighed = opened + more / place.link.bytes_per_second
        worth = weighed < WORTH_OPENING * whole
        if not worth and not (weighed < whole and self._was_seen(relation, place)):
            reason = f"{opened:.3g} s to move and join the inputs, {whole:.3g} s for the result"
            if opened < whole and more:
                reason += f", and {more / 1e6:.3g} MB {MORE_MOVED}"
            title = f"{len(pieces)} fragments of {source}, joined here"
            self._cut.rejected.append(RejectedCut(title, reason))
            return None
        self._cut.rejected.append(
            RejectedCut(
                f"one fragment of {source}, joined there",
                f"{whole:.3g} s for the result, {opened:.3g} s to move and join the inputs",
            )
        )
        self._keep(relation, place, "its inputs are cheaper to move", refused=False)
        return self._open(relation, place)

    def _was_seen(self, relation: Relation, place: Place) -> bool:
        work = work_of(relation, place, self._places)
        return work is not None and work.seen

    def _open(self, relation: Relation, place: Place) -> Relation:
        if not opened_pieces(relation):  # one of several inputs: the joins are in the others
            return self._here(_Placed(relation, place))
        if isinstance(relation, Join | Cross):
            inputs = tuple(self._here(_Placed(i, place)) for i in inputs_of(relation))
        else:
            inputs = tuple(self._open(i, place) for i in inputs_of(relation))
        subqueries = {id(query): _Placed(query, place) for query in subqueries_of(relation)}
        return self._with_subqueries_here(with_inputs(relation, inputs), subqueries)

    def _project_here(self, relation: Project, place: Place, subqueries: _Subqueries) -> Relation:
        """A projection that stays: its input sends only the columns that it reads."""
        used = [references(e) for e in relation.expressions]
        fields = relation.input.fields
        wanted = sorted({i for refs in used if refs is not None for i in refs})
        source = _Placed(relation.input, place)
        if any(refs is None for refs in used) or len(wanted) == len(fields) or not wanted:
            here = replace(relation, input=self._here(source))
            return self._with_subqueries_here(here, subqueries)
        picked = tuple(fields[i] for i in wanted)
        refs = tuple(FieldRef(i, f.type, f.nullable) for i, f in zip(wanted, picked, strict=True))
        narrow = Project(relation.input, refs, picked)
        new = {old: position for position, old in enumerate(wanted)}

        def renumber(part: Expression) -> Expression:
            return replace(part, index=new[part.index]) if isinstance(part, FieldRef) else part

        expressions = tuple(transform_expression(e, renumber) for e in relation.expressions)
        here = Project(self._here(_Placed(narrow, place)), expressions, relation.fields)
        return self._with_subqueries_here(here, subqueries)


def _with_a_column(relation: Relation) -> Relation:
    """A scan of which only the number of rows is wanted, with its table's first column."""
    match relation:
        case Read():
            return replace(relation, columns=(0,))
        case Project():
            source = relation.input if relation.input.fields else _with_a_column(relation.input)
            first = source.fields[0]
            return Project(source, (FieldRef(0, first.type, first.nullable),), (first,))
    return with_inputs(relation, tuple(_with_a_column(i) for i in inputs_of(relation)))


def _elsewhere(subqueries: list[_Placed]) -> str:
    finished_here = any(query.place is None for query in subqueries)
    return "its subquery is finished here" if finished_here else "its subquery is at another source"


def sort_below(relation: Relation) -> Sort | None:
    """The sort whose first rows a fetch takes."""
    while isinstance(relation, Fetch):
        relation = relation.input
    return relation if isinstance(relation, Sort) else None


def is_ordered(relation: Relation) -> bool:
    """Whether a relation's rows have an order that those above it rely on."""
    match relation:
        case Sort():
            return True
        case Fetch() | Project() | Filter():
            return is_ordered(relation.input)
    return False
