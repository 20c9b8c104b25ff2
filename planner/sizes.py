"""How large a value may be that a statement's literals make: `repeat('a', 10 * 100000000)`.

The engine computes what depends on no column while it plans, in memory that no limit counts. So the
calls that make much of little are found in the statement's tree, innermost first, and the size of
each is reckoned from its arguments, which the engine evaluates. Owns these bounds.

A column of a subquery counts as the constants that its name stands for anywhere in the statement.
What is not seen: an argument that comes from a table's rows. Then texts end at 2 GiB, with an error
of the engine; lists have no such end.
"""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable, Mapping, Sequence

import datafusion
import pyarrow as pa
from sqlglot import Token, TokenType, exp

from connectors.errors import SizeLimitError
from planner.constants import Constants
from planner.desugar.text import NotReadError, text_of, tree_of
from planner.desugar.tree import place_of
from planner.explain_options import position_of

MAX_MADE_BYTES = 64 << 20
"""What the calls of one statement may make together."""

MAX_REPEATED_BYTES = 128 << 10
"""The same for calls that stand in a query over tables, where a batch of rows holds each so often:
with 16,384 rows it is 2 GiB."""

LONG_CHARACTERS = 4_000
"""From here on two texts of a statement, each as often as the other is long, may be a large one."""

MAX_CALLS = 2_000
"""Each may have to be asked of the engine, which takes a millisecond."""

_ELEMENT_BYTES = 8
_NANOSECONDS = 10**9
_DAY_NANOSECONDS = 86_400 * _NANOSECONDS
_MONTH_DAYS = 28

Arguments = Sequence[pa.Scalar | None]
"""The values of a call's arguments; None for what is not known before the statement runs."""


def refuse_large(sql: str, tokens: Sequence[Token]) -> None:
    """Refuse a statement whose literals make the engine compute a value beyond the limit.

    Args:
        sql: one query, in the engine's language.
        tokens: of it.

    Raises:
        SizeLimitError: with the place of the call, its size, and the limit.
    """
    if not _calls_maker(tokens, long=len(sql) > LONG_CHARACTERS):
        return
    try:
        root = tree_of(sql, list(tokens))
    except NotReadError:
        _refuse_by_words(tokens)
        return
    made = repeated = 0
    calls = [call for call in reversed(list(root.bfs())) if _makes(call)]
    if len(calls) > MAX_CALLS:
        raise SizeLimitError(
            f"the statement calls functions like {str(calls[0].this).lower()} {len(calls):,} times;"
            f" the limit is {MAX_CALLS:,}",
            hint="Join with VALUES.",
        )
    for call in calls:
        size = _size_of(call)
        made += size
        repeated += size if _over_tables(call) else 0
        if made > MAX_MADE_BYTES:
            raise _too_large(call, made, MAX_MADE_BYTES, "")
        if repeated > MAX_REPEATED_BYTES:
            raise _too_large(call, repeated, MAX_REPEATED_BYTES, " in each row of a query")
    # From here on what a call makes of literals alone is small, and may be computed.
    constants = Constants(root)
    for call in calls:
        for closed in constants.closed(call) if call.find(exp.Column) else ():
            for inner in reversed(list(closed.bfs())):
                if _makes(inner) and (size := _size_of(inner)) > MAX_MADE_BYTES:
                    raise _too_large(call, size, MAX_MADE_BYTES, "")


def _makes(node: exp.Expr) -> bool:
    """Whether a node is a call that is reckoned; a table function makes its rows in batches."""
    return (
        isinstance(node, exp.Anonymous)
        and str(node.this).lower() in MAKERS
        and not isinstance(node.parent, exp.Table | exp.Lateral)
    )


def _calls_maker(tokens: Sequence[Token], *, long: bool) -> bool:
    wanted = MAKERS.keys() if long else _BY_NUMBER.keys()
    return any(
        token.text.lower() in wanted and after.token_type is TokenType.L_PAREN
        for token, after in itertools.pairwise(tokens)
    )


def _size_of(call: exp.Expr) -> int:
    maker = MAKERS[str(call.this).lower()]
    try:
        return max(0, maker([_value_of(argument) for argument in call.expressions]))
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return 0  # arguments that the function does not take: the engine says so


def _value_of(argument: exp.Expr) -> pa.Scalar | None:
    """What the engine computes for an argument without columns, whose own calls are small."""
    if isinstance(argument, exp.Literal) and argument.is_string:
        return pa.scalar(argument.name)
    number = _arithmetic(argument)
    if number is not None:
        return pa.scalar(float(number))
    if argument.find(exp.Column, exp.Table, exp.Star) is not None:
        return None
    query = exp.Select(expressions=[argument.copy()])
    try:
        (batch, *_) = datafusion.SessionContext().sql(text_of(query)).collect()
        return batch.column(0)[0]
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:  # whatever it is, a panic too: the statement itself will show it
        return None


def _arithmetic(expression: exp.Expr) -> float | int | None:
    """The number of the commonest expressions, which need no engine."""
    match expression:
        case exp.Literal() if not expression.is_string:
            return int(expression.name) if expression.is_int else float(expression.name)
        case exp.Paren():
            return _arithmetic(expression.this)
        case exp.Neg():
            inner = _arithmetic(expression.this)
            return None if inner is None else -inner
        case exp.Add() | exp.Sub() | exp.Mul():
            left, right = _arithmetic(expression.this), _arithmetic(expression.expression)
            if left is None or right is None:
                return None
            if isinstance(expression, exp.Mul):
                return left * right
            return left + right if isinstance(expression, exp.Add) else left - right
    return None


def _over_tables(call: exp.Expr) -> bool:
    """Whether a call is computed for each row of a query."""
    node: exp.Expr = call
    while node.parent is not None:
        below, node = node, node.parent
        if isinstance(node, exp.From | exp.Join):
            return False
        if isinstance(node, exp.Select) and node.args.get("from_") is not None:
            return below.arg_key not in ("limit", "offset", "with_")
        if isinstance(node, exp.Query | exp.CTE):
            return False
    return False


def _too_large(call: exp.Expr, size: float, limit: int, where: str) -> SizeLimitError:
    hint = "Read it from a table function: FROM generate_series(1, n)."
    if str(call.this).lower() not in ("range", "generate_series"):
        hint = "Make it smaller."
    return SizeLimitError(
        f"{str(call.this).lower()} would make a value of {_bytes_text(size)}{where};"
        f" the limit is {_bytes_text(limit)}",
        position=place_of(call),
        hint=hint,
    )


def _bytes_text(size: float) -> str:
    for unit, bytes_ in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= bytes_:
            return f"{size / bytes_:,.0f} {unit}"
    return f"{size:,.0f} bytes"


def _refuse_by_words(tokens: Sequence[Token]) -> None:
    """For what has no tree: the numbers between a call's brackets, taken times each other."""
    for at, token in enumerate(tokens[:-1]):
        opens = tokens[at + 1].token_type is TokenType.L_PAREN
        if not opens or token.text.lower() not in MAKERS:
            continue
        product, depth = float(_ELEMENT_BYTES), 0
        for inner in tokens[at + 1 :]:
            depth += (inner.token_type is TokenType.L_PAREN) - (
                inner.token_type is TokenType.R_PAREN
            )
            if depth == 0:
                break
            if inner.token_type is TokenType.NUMBER:
                product *= max(1.0, float(inner.text.replace("_", "")))
        if product > MAX_REPEATED_BYTES:
            raise SizeLimitError(
                f"{token.text.lower()} may make a value of {_bytes_text(product)};"
                f" the limit is {_bytes_text(MAX_REPEATED_BYTES)}",
                position=position_of(token),
                hint="Make it smaller.",
            )


# --- the calls that make much of little -----------------------------------------------------------


def _bytes_of(value: pa.Scalar | None, unknown: int = 1) -> int:
    if value is None:
        return unknown
    if not value.is_valid:
        return 0
    if isinstance(value, pa.StringScalar | pa.BinaryScalar | pa.StringViewScalar):
        return len(value.as_buffer())
    return max(unknown, int(pa.array([value], value.type).nbytes))


def _number_of(value: pa.Scalar | None, unknown: float = 0) -> float:
    """A number, or what stands for it: nanoseconds of a time or an interval."""
    if value is None:
        return unknown
    if not value.is_valid:
        return 0
    if isinstance(value, pa.MonthDayNanoIntervalScalar):
        months, days, nanoseconds = value.as_py()
        return float((months * _MONTH_DAYS + days) * _DAY_NANOSECONDS + nanoseconds)
    if isinstance(value, pa.Date32Scalar):
        return float(value.value * _DAY_NANOSECONDS)
    if isinstance(value, pa.TimestampScalar):
        return float(value.cast(pa.timestamp("s", value.type.tz), safe=False).value) * _NANOSECONDS
    python = value.as_py()
    if isinstance(python, bool) or not isinstance(python, int | float | decimal.Decimal | str):
        raise TypeError
    return float(python)


def _series(arguments: Arguments) -> int:
    if len(arguments) == 1:
        start, stop, step = 0.0, _number_of(arguments[0]), 1.0
    else:
        start, stop = _number_of(arguments[0]), _number_of(arguments[1])
        step = _number_of(arguments[2], 1) if len(arguments) > 2 else 1.0
        if arguments[0] is None or arguments[1] is None:
            # From or to a column's value: as if that were zero, or the dates of this century.
            step = step if abs(step) < _DAY_NANOSECONDS else float("inf")
    return int((stop - start) / step + 1) * _ELEMENT_BYTES


def _repeat(arguments: Arguments) -> int:
    return int(_bytes_of(arguments[0]) * _number_of(arguments[1]))


def _array_repeat(arguments: Arguments) -> int:
    return int(_bytes_of(arguments[0], _ELEMENT_BYTES) * _number_of(arguments[1]))


def _pad(arguments: Arguments) -> int:
    return int(_number_of(arguments[1]) * (1 if len(arguments) < 3 else 4))


def _array_resize(arguments: Arguments) -> int:
    filler = arguments[2] if len(arguments) > 2 else None
    return int(_number_of(arguments[1]) * _bytes_of(filler, _ELEMENT_BYTES))


def _replace(arguments: Arguments) -> int:
    text, what, by = (_bytes_of(argument) for argument in arguments[:3])
    return (text // max(1, what) + 1) * by


def _regexp_replace(arguments: Arguments) -> int:
    return (_bytes_of(arguments[0]) + 1) * _bytes_of(arguments[2])


def _list_text(arguments: Arguments) -> int:
    elements = _bytes_of(arguments[0])
    return elements + elements * max((_bytes_of(a) for a in arguments[1:]), default=1)


def _concat_ws(arguments: Arguments) -> int:
    return _bytes_of(arguments[0]) * len(arguments)


_BY_NUMBER: Mapping[str, Callable[[Arguments], int]] = {
    "range": _series,
    "generate_series": _series,
    "repeat": _repeat,
    "lpad": _pad,
    "rpad": _pad,
    "array_repeat": _array_repeat,
    "list_repeat": _array_repeat,
    "array_resize": _array_resize,
    "list_resize": _array_resize,
}
MAKERS: Mapping[str, Callable[[Arguments], int]] = {
    **_BY_NUMBER,
    "replace": _replace,
    "regexp_replace": _regexp_replace,
    "array_to_string": _list_text,
    "list_to_string": _list_text,
    "array_join": _list_text,
    "list_join": _list_text,
    "concat_ws": _concat_ws,
}
"""The size in bytes of what each makes, by its arguments."""
