"""One statement, at a source and in the engine alone: agreed, refused, failed, or different.

Owns what counts as a difference: other rows, other types, or a failure, where the engine alone
answers. Failures for a value (a decimal that overflows, a time out of range) are counted by
themselves: SQL gives no order in which conditions are evaluated, so the same statement may meet
such a value in one place and not in another; the engine does so with itself. What it refuses to
plan, fails at alone, or answers in two ways alone, shows nothing.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from enum import Enum

import pyarrow as pa
from sqlglot import exp

from connectors.errors import CrosswindError, InternalError, InvalidValueError, RequestError
from planner.bind import client_schema
from planner.plan import Plan
from tests.comparison import assert_same
from tests.placements import Placement
from tests.planner.twins import Twins, answer_alone

_VALUE = re.compile(
    r"SQLSTATE 22|Could not cast value|does not fit|exceeds the representable"
    r"|[Oo]verflow|[Oo]ut of [Rr]ange"
)
"""How sources say that one value was at fault."""


class Outcome(Enum):
    """What came of a statement."""

    SAME = "same"
    REFUSED = "refused"
    FAILED_ALONE = "failed alone"
    FAILED_HERE = "failed for a value"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a statement, and what is to be said of it.

    Attributes:
        pushed: something beyond a scan of tables went to the source.
        detail: of a difference, for people.
    """

    outcome: Outcome
    pushed: bool = False
    detail: str = ""


def text_of(tree: exp.Query) -> str:
    """The statement as a client sends it."""
    return tree.sql(dialect="postgres")


def check(twins: Twins, sql: str) -> Verdict:
    """Answer a statement everywhere, and compare."""
    try:
        plan = twins.pushing.plan(sql)
    except InternalError as error:
        return Verdict(Outcome.DIFFERENT, detail=f"planning it is an internal error: {error}")
    except RequestError:
        return Verdict(Outcome.REFUSED)
    try:
        want = answer_alone(twins.alone, sql)
    except asyncio.CancelledError:
        raise
    except Exception:
        return Verdict(Outcome.FAILED_ALONE)
    except BaseException as panic:  # the engine's panics are no Exception
        if isinstance(panic, KeyboardInterrupt | SystemExit):
            raise
        return Verdict(Outcome.FAILED_ALONE)
    pushed = _pushes(plan)
    loosest = client_schema(twins.alone.sql(sql).schema())
    for where, placement in (("pushed", twins.pushing), ("scanned", twins.local)):
        try:
            detail = _difference(placement, plan if where == "pushed" else None, sql, want, loosest)
        except CrosswindError as error:
            if isinstance(error, InvalidValueError) or _VALUE.search(str(error)):
                return Verdict(Outcome.FAILED_HERE, pushed)
            detail = f"it fails where the engine alone answers: {type(error).__name__} {error}"
        if detail is not None:
            if _contradicts_itself(twins, sql, want):
                return Verdict(Outcome.FAILED_ALONE, pushed)
            return Verdict(Outcome.DIFFERENT, pushed, f"{where}: {detail}")
    return Verdict(Outcome.SAME, pushed)


_HASH_JOINS = "datafusion.optimizer.prefer_hash_join"


def _contradicts_itself(twins: Twins, sql: str, want: pa.Table) -> bool:
    """Whether the engine alone has another answer when it joins by sorting.

    DataFusion 55 pushes a filter through a hash join by the name of a column, and so may apply it
    to another column of that name: https://github.com/apache/datafusion/issues/25296.
    """
    twins.alone.sql(f"SET {_HASH_JOINS} = false").collect()
    try:
        assert_same(answer_alone(twins.alone, sql), want, sql)
    except AssertionError:
        return True
    finally:
        twins.alone.sql(f"SET {_HASH_JOINS} = true").collect()
    return False


def _difference(
    placement: Placement, plan: Plan | None, sql: str, want: pa.Table, loosest: pa.Schema
) -> str | None:
    got = placement.run(plan) if plan is not None else placement.query(sql)
    if not want.num_rows and not got.num_rows:
        # Of no rows the engine's own type depends on its partitions, not on the statement.
        return None
    want = want.cast(_with_nullability(want.schema, got.schema, loosest))
    try:
        assert_same(got, want, sql)
    except AssertionError as error:
        return str(error).removesuffix(sql).strip()
    return None


def _with_nullability(want: pa.Schema, got: pa.Schema, loosest: pa.Schema) -> pa.Schema:
    """What may be NULL depends on how much the optimiser sees, and never on less than nothing."""
    if len(got) != len(want):
        return want
    return pa.schema(
        w.with_nullable(w.nullable or (g.nullable and loose.nullable))
        for w, g, loose in zip(want, got, loosest, strict=True)
    )


def _pushes(plan: Plan) -> bool:
    return any(fragment.operators for fragment in plan.fragments)


def fragments_of(twins: Twins, sql: str) -> list[str]:
    """What the source was sent."""
    try:
        plan = twins.pushing.plan(sql)
    except CrosswindError:
        return []
    return [str(getattr(f.fragment.query, "text", f.fragment.query)) for f in plan.fragments]
