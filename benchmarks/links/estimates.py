"""What a plan expected of its parts, beside what came: from Crosswind's own EXPLAIN, as JSON.

Expectations are those from before the query ever ran: afterwards its rows are known. Owns which
part is which, and which estimate was most wrong. Must not know what is made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.links.cells import Judged
from benchmarks.links.contenders import Ask
from planner.opening import MORE_MOVED

LEAST_ROWS = 10.0
LEAST_SECONDS = 0.01
"""Below these an estimate is not wrong, whatever came."""

WRONG = 1.2
"""What is off by less misled nobody: then the time went elsewhere, or the askings differ."""

WRONG_ROWS = 2.0
"""Estimates of rows that are off by this are named before those of seconds, which follow them."""


def explained(ask: Ask, sql: str, *, run: bool = False) -> dict[str, Any]:
    """The plan of a statement; with what it took, if it is run."""
    (text,) = ask(f"EXPLAIN ({'ANALYZE, ' if run else ''}FORMAT json) {sql}").column(0).to_pylist()
    value: dict[str, Any] = json.loads(text)
    return value


def judged(before: dict[str, Any], after: dict[str, Any]) -> tuple[Judged, ...]:
    """The parts and stages of a plan that ran.

    Args:
        before: the plan as it was before the query ran for the first time.
        after: a later one, with what it took. Where it is another plan, its own expectations stand
            for what `before` does not have.
    """
    first = {_key(part): part for part in _parts(before)}
    return tuple(_judged(first.get(_key(part), part), part) for part in _parts(after))


def passed_over(plan: dict[str, Any]) -> str:
    """What the plan expected to be sooner, and did not do for what it moves; empty without any."""
    cuts = (f"{cut['description']}: {cut['reason']}" for cut in plan["rejected"])
    return next((cut for cut in cuts if cut.endswith(MORE_MOVED)), "")


def same_plan(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What tells a plan from others; empty where the two are not the same."""
    one, other = _plan(before), _plan(after)
    return hashlib.sha256(one.encode()).hexdigest()[:16] if one == other else ""


def _plan(plan: dict[str, Any]) -> str:
    parts = [
        [part[of] for of in ("kind", "source", "sql", "columns", "filter", "limit")]
        for part in plan["parts"]
    ]
    return json.dumps([parts, [stage["tree"] for stage in plan["stages"]], plan["residual"]])


def _parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    # What the engine reads itself is expected before its filters: that is not an estimate.
    yield from (part for part in plan["parts"] if part["kind"] == "fragment")
    yield from plan["stages"]


def _key(part: dict[str, Any]) -> str:
    """What tells a part from others, whatever it is named; keys to come are not told apart."""
    if "tree" in part:
        return json.dumps([part["name"], _operators(part["tree"])])
    waits = part["reduction"] is not None
    return json.dumps([part["source"], part["sql"], part["columns"], part["filter"], waits])


def _operators(tree: dict[str, Any]) -> list[Any]:
    return [tree["operator"], *map(_operators, tree["inputs"])]


def _judged(before: dict[str, Any], after: dict[str, Any]) -> Judged:
    ran, cost = after["ran"] or {}, before.get("cost") or {}
    where = f" at {after['source']}: {', '.join(after['tables'])}" if "source" in after else ""
    return Judged(
        after["name"] + where,
        before["expected"]["rows"],
        ran.get("rows"),
        cost.get("seconds"),
        _seconds(ran) if cost else None,
    )


def _seconds(ran: dict[str, Any]) -> float | None:
    """From when a fragment's turn came to its last row, without what others held up."""
    first, rest = ran.get("first_batch_seconds"), ran.get("transfer_seconds")
    return None if first is None else first + (rest or 0.0)


def most_wrong(parts: Sequence[Judged]) -> str:
    """The worst estimate in words, or that none is wrong.

    >>> most_wrong([Judged("f1 at shop: orders", 100, 9_000, 0.1, 0.2)])
    'f1 at shop: orders: 100 rows expected, 9,000 came'
    """
    rows = _worst([(p.expected_rows, p.rows, p) for p in parts], LEAST_ROWS)
    seconds = _worst([(p.expected_seconds, p.seconds, p) for p in parts], LEAST_SECONDS)
    if rows is not None and (rows[0] >= WRONG_ROWS or seconds is None or rows[0] >= seconds[0]):
        off, part = rows
        said = f"{part.part}: {part.expected_rows:,.0f} rows expected, {part.rows:,.0f} came"
    elif seconds is not None:
        off, part = seconds
        said = f"{part.part}: {part.expected_seconds:.3f} s expected, it took {part.seconds:.3f} s"
    else:
        return "not known"
    return said if off >= WRONG else f"none by {WRONG:g}×; {said}"


def _worst(
    figures: Sequence[tuple[float | None, float | None, Judged]], least: float
) -> tuple[float, Judged] | None:
    """By how much the worst is off, and its part."""
    found = [
        (max(expected, least) / max(came, least), part)
        for expected, came, part in figures
        if expected is not None and came is not None
    ]
    off = [(max(ratio, 1 / ratio), part) for ratio, part in found]
    return max(off, key=lambda each: each[0], default=None)
