"""One statement, at a source and in the engine alone: agreed, refused, failed, or different.

Owns what counts as a difference: other rows, other types, or a failure, where the engine alone
answers; also a plan that the engine does not read back, for which another one runs. Failures for a
value (a decimal that overflows, a time out of range) are counted by themselves: SQL gives no order
in which conditions are evaluated, so the same statement may meet such a value in one place and not
in another; the engine does so with itself. What it refuses to plan, or fails at alone, shows
nothing. Where both of our ways answer alike, and a third engine like them, or the engine itself
hardly optimised, the engine alone is wrong: that is counted too.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from enum import Enum

import pyarrow as pa
from sqlglot import exp

from connectors.errors import (
    CrosswindError,
    InternalError,
    InvalidValueError,
    RequestError,
    SizeLimitError,
)
from planner.bind import client_schema
from planner.plan import Plan
from tests.comparison import assert_same
from tests.oracle.judge import Judge, agree, shown
from tests.planner.twins import Twins, answer_of

_VALUE = re.compile(
    r"SQLSTATE 22|Could not cast value|does not fit|exceeds the representable"
    r"|[Oo]verflow|[Oo]ut of [Rr]ange"
)
"""How sources say that one value was at fault."""


_ORDERED_UNION = re.compile(r"\bUNION\b.*\bORDER BY\b", re.DOTALL)
"""What the engine sorts in parts, and then refuses where a column of the union is there twice."""


class Outcome(Enum):
    """What came of a statement."""

    SAME = "same"
    REFUSED = "refused"
    FAILED_ALONE = "failed alone"
    FAILED_HERE = "failed for a value"
    WRONG_ALONE = "wrong alone"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a statement, and what is to be said of it.

    Attributes:
        pushed: something beyond a scan of tables went to the source.
        keyed: a fragment waited for keys.
        shared: something was computed once for several that read it.
        detail: of a difference, for people.
        judged: the judge answered too.
    """

    outcome: Outcome
    pushed: bool = False
    detail: str = ""
    judged: bool = False
    keyed: bool = False
    shared: bool = False


def text_of(tree: exp.Query) -> str:
    """The statement as a client sends it."""
    return tree.sql(dialect="postgres")


def check(twins: Twins, sql: str, judge: Judge | None = None, *, always: bool = False) -> Verdict:
    """Answer a statement everywhere, and compare.

    Args:
        judge: who is asked where answers differ.
        always: also where they do not, if the statement means the same there.
    """
    try:
        plan = twins.pushing.plan(sql)
    except InternalError as error:
        return Verdict(Outcome.DIFFERENT, detail=f"planning it is an internal error: {error}")
    except (RequestError, SizeLimitError):
        return Verdict(Outcome.REFUSED)
    keyed = any((f.reduction or f.sending) is not None for f in plan.fragments)
    shared = any(stage.reads > 1 for stage in plan.stages)
    return replace(_checked(twins, plan, judge, always), keyed=keyed, shared=shared)


def _checked(twins: Twins, plan: Plan, judge: Judge | None, always: bool) -> Verdict:
    sql = plan.sql
    try:
        alone = _answer_alone(twins, sql)
    except asyncio.CancelledError:
        raise
    except Exception:
        return Verdict(Outcome.FAILED_ALONE)
    except BaseException as panic:  # the engine's panics are no Exception
        if isinstance(panic, KeyboardInterrupt | SystemExit):
            raise
        return Verdict(Outcome.FAILED_ALONE)
    pushed = any(fragment.operators for fragment in plan.fragments)
    got = {}
    details: dict[str, str] = {}
    for where, placement in (("pushed", twins.pushing), ("scanned", twins.local)):
        try:
            planned = plan if where == "pushed" else placement.plan(sql)
            got[where], account = placement.run_with_account(planned)
        except CrosswindError as error:
            if isinstance(error, InvalidValueError) or _VALUE.search(str(error)):
                return Verdict(Outcome.FAILED_HERE, pushed)
            kind = type(error).__name__
            details[where] = f"fails where the engine alone answers: {kind} {error}"
            continue
        detail = _difference(got[where], alone, sql)
        if detail is not None:
            details[where] = detail
        elif account.uncut and not _ORDERED_UNION.search(sql):
            return Verdict(Outcome.DIFFERENT, pushed, f"{where}: its plan ran uncut, see the log")
    if details:
        return _judged(details, got, alone.table, sql, judge, pushed)
    if not always or judge is None or not judge.shares(sql):
        return Verdict(Outcome.SAME, pushed)
    other = judge.answer(sql)
    if other is None or agree(other, alone.table, sql):
        return Verdict(Outcome.SAME, pushed, judged=other is not None)
    detail = f"all agree, and the judge does not: {shown(other)}, not {shown(alone.table)}"
    return Verdict(Outcome.DIFFERENT, pushed, detail, judged=True)


@dataclass(frozen=True, slots=True)
class _Alone:
    """What the engine alone answers, and the schema that it promised before its optimiser ran."""

    table: pa.Table
    promised: pa.Schema


def _answer_alone(twins: Twins, sql: str) -> _Alone:
    frame = twins.alone.sql(sql)
    return _Alone(answer_of(twins.alone, frame), client_schema(frame.schema()))


def _judged(
    details: dict[str, str],
    got: dict[str, pa.Table],
    alone: pa.Table,
    sql: str,
    judge: Judge | None,
    pushed: bool,
) -> Verdict:
    """A difference, and who is wrong where the judge can tell."""
    said = [f"{where}: {detail}" for where, detail in details.items()]
    opinion = "nobody was asked"
    if judge is not None:
        other = judge.answer(sql)
        agree_alone = other is not None and agree(other, alone, sql)
        ours = [
            where for where, table in got.items() if other is not None and agree(other, table, sql)
        ]
        if other is None:
            opinion = "the judge cannot run it"
        elif agree_alone:
            opinion = f"the judge answers as the engine alone, so wrong: {', '.join(details)}"
        elif len(ours) == 2:
            return Verdict(Outcome.WRONG_ALONE, pushed, "\n".join(said))
        else:
            opinion = f"the judge answers as: {', '.join(ours) or f'nobody, {shown(other)}'}"
        if not agree_alone and len(got) == 2 and _same_unoptimised(judge, got, sql):
            return Verdict(Outcome.WRONG_ALONE, pushed, "\n".join(said))
    return Verdict(Outcome.DIFFERENT, pushed, "\n".join([*said, opinion]))


def _same_unoptimised(judge: Judge, got: dict[str, pa.Table], sql: str) -> bool:
    other = judge.answer_unoptimised(sql)
    return other is not None and all(agree(other, table, sql) for table in got.values())


def _difference(got: pa.Table, alone: _Alone, sql: str) -> str | None:
    want = alone.table
    if not want.num_rows and not got.num_rows:
        # Of no rows the engine's own type depends on its partitions, not on the statement.
        return None
    try:
        assert_same(got, want.cast(_expected(want.schema, got, alone.promised)), sql)
    except (AssertionError, pa.ArrowInvalid) as error:
        return str(error).removesuffix(sql).strip()
    return None


def _expected(want: pa.Schema, got: pa.Table, promised: pa.Schema) -> pa.Schema:
    """The schema that an answer is to have.

    What may be NULL depends on how much the optimiser sees, and never on less than nothing: where
    it sees that a part of a UNION is empty, the others' columns may have none. So does a decimal's
    scale: where the engine answers with another type than it promised, any that holds the values
    is as good.
    """
    if len(got.schema) != len(want):
        return want
    return pa.schema(
        _typed(w, g, loose).with_nullable(
            (w.nullable and (g.nullable or column.null_count > 0))
            or (g.nullable and loose.nullable)
        )
        for w, g, loose, column in zip(want, got.schema, promised, got.columns, strict=True)
    )


def _typed(want: pa.Field, got: pa.Field, promised: pa.Field) -> pa.Field:
    decimals = all(map(pa.types.is_decimal, (want.type, got.type, promised.type)))
    return want.with_type(got.type) if decimals and want.type != promised.type else want


def fragments_of(twins: Twins, sql: str) -> list[str]:
    """What the source was sent."""
    try:
        plan = twins.pushing.plan(sql)
    except CrosswindError:
        return []
    return [str(getattr(f.fragment.query, "text", f.fragment.query)) for f in plan.fragments]
