"""The checks of what a source answers: what it claims to run gives the engine's own rows.

Owns the comparison. Must not know any connector, nor which statements there are.
"""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import datafusion

from connectors.conformance.driving import Driven, alone, bag
from connectors.conformance.profile import Profile
from connectors.conformance.statements import (
    FILTERS,
    LIMITS,
    RELATIONS,
    SHAPES,
    SORTED,
    Limited,
    comparisons,
)
from connectors.conformance.tables import typed_name


class Answers:
    """A part of `Conformance`, which has the fixtures."""

    profile: ClassVar[Profile]

    def test_each_claim_gives_the_engines_answer(
        self, driven: Driven, engine: datafusion.SessionContext
    ) -> None:
        capabilities = driven.connector.capabilities
        wrong = {}
        for relation in sorted(capabilities.relations):
            # A scan computes nothing: it projects by leaving columns out.
            scans = capabilities.dialect is None and relation == "project"
            sql = RELATIONS["read" if scans else relation]
            plan = driven.plan(sql, "required")
            if not capabilities.native and plan.residual is not None:
                kept = [k.reason for k in plan.kept]
                wrong[relation] = f"does not all run there: {kept}\n{plan.residual_text}"
            elif (found := _differs(driven, engine, relation, sql)) is not None:
                wrong[relation] = found
        assert not wrong

    def test_what_it_does_not_claim_runs_here(
        self, driven: Driven, engine: datafusion.SessionContext
    ) -> None:
        capabilities = driven.connector.capabilities
        wrong = {}
        for relation, sql in RELATIONS.items():
            if relation in capabilities.relations:
                continue
            plan = driven.plan(sql)
            if any(relation in planned.operators for planned in plan.fragments):
                wrong[relation] = "is sent there"
            elif (found := _differs(driven, engine, relation, sql)) is not None:
                wrong[relation] = found
        assert not wrong

    def test_filters_keep_the_engines_rows(
        self, driven: Driven, engine: datafusion.SessionContext
    ) -> None:
        differ = {sql: _differs(driven, engine, "filter", sql) for sql in FILTERS}
        assert not _wrong(differ)

    def test_values_compare_as_the_engines_do(
        self, driven: Driven, engine: datafusion.SessionContext
    ) -> None:
        """Each type's worst values, with each of them."""
        differ = {}
        for type_ in self.profile.holds:
            for condition in comparisons(type_):
                sql = f"SELECT id FROM {typed_name(type_)} WHERE {condition}"
                got, want = (at["id"].to_pylist() for at in (driven.query(sql), alone(engine, sql)))
                differ[sql[:200]] = (
                    None if sorted(got) == sorted(want) else f"{got} instead of {want}"
                )
        assert not _wrong(differ)

    def test_limits_take_from_the_right_rows(
        self, driven: Driven, engine: datafusion.SessionContext
    ) -> None:
        assert not _wrong(
            {limited.sql: _takes_others(driven, engine, limited) for limited in LIMITS}
        )

    def test_other_statements_give_the_engines_rows(
        self, driven: Driven, engine: datafusion.SessionContext
    ) -> None:
        differ = {sql: _differs(driven, engine, "project", sql) for sql in SHAPES}
        differ |= {sql: _differs(driven, engine, "sort", sql) for sql in SORTED}
        assert not _wrong(differ)


def _differs(
    driven: Driven, engine: datafusion.SessionContext, relation: str, sql: str
) -> str | None:
    got, want = driven.query(sql), alone(engine, sql)
    if got.schema != want.schema:
        return f"{got.schema} instead of {want.schema}"
    if relation == "fetch":  # Any rows, but so many; which, other statements ask.
        return None if got.num_rows == want.num_rows else f"{got.num_rows} rows"
    same = got.to_pylist() == want.to_pylist() if relation == "sort" else bag(got) == bag(want)
    return None if same else f"{got.to_pylist()} instead of {want.to_pylist()}"


def _takes_others(
    driven: Driven, engine: datafusion.SessionContext, limited: Limited
) -> str | None:
    got, want = driven.query(limited.sql), alone(engine, limited.all)
    rows = max(0, min(limited.limit, want.num_rows - limited.offset))
    if got.num_rows != rows:
        return f"{got.num_rows} rows instead of {rows}"
    others = Counter(bag(got)) - Counter(bag(want))
    return f"has {sorted(others.elements())}" if others else None


def _wrong(differ: dict[str, str | None]) -> dict[str, str]:
    return {sql: found[:500] for sql, found in differ.items() if found is not None}
