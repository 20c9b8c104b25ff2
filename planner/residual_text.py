"""A residual as an indented tree that a person can read. Text only; nothing parses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Cross,
    ExistsSubquery,
    Expression,
    Fetch,
    Field,
    FieldRef,
    Filter,
    Frame,
    IfThen,
    InKeys,
    InList,
    Join,
    JoinKind,
    Literal,
    Measure,
    Opaque,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    SortKey,
    Union,
    Values,
    Window,
    WindowCall,
    conjuncts,
    inputs_of,
    subqueries_of,
)

_INFIX = {
    "equal": "=",
    "not_equal": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "and": "AND",
    "or": "OR",
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "like": "LIKE",
    "ilike": "ILIKE",
    "is_not_distinct_from": "IS NOT DISTINCT FROM",
}
_LONGEST = 160


def residual_text(relation: Relation, labels: Mapping[str, str]) -> str:
    """One line for each relation, inputs indented below it.

    Args:
        labels: what to call a read, by its name in the tree, where the name alone says too little.
    """
    of_read = {(read.path, f.name) for read in relation.reads for f in read.fields}
    names = Counter(name for _, name in of_read)
    shared = frozenset(name for name, count in names.items() if count > 1)
    return "\n".join(_lines(relation, labels, shared, ""))


def _lines(
    relation: Relation, labels: Mapping[str, str], shared: frozenset[str], indent: str
) -> list[str]:
    # A projection that only picks columns says nothing that its neighbours do not.
    if isinstance(relation, Project) and all(isinstance(e, FieldRef) for e in relation.expressions):
        return _lines(relation.input, labels, shared, indent)
    lines = [indent + _cut(_line(relation, labels, shared))]
    for query in subqueries_of(relation):
        lines.append(f"{indent}  subquery")
        lines += _lines(query, labels, shared, indent + "    ")
    for source in inputs_of(relation):
        lines += _lines(source, labels, shared, indent + "  ")
    return lines


def _line(relation: Relation, labels: Mapping[str, str], shared: frozenset[str]) -> str:
    match relation:
        case Read():
            name = ".".join(relation.path)
            columns = ", ".join(f.name for f in relation.fields)
            return f"read {name}: {labels[name]} ({columns})" if name in labels else f"read {name}"
        case Values():
            return f"values ({len(relation.rows)} rows)"
        case Filter():
            return f"filter {_conditions(relation.condition, relation.fields)}"
        case Project():
            fields = relation.input.fields
            return f"project {', '.join(_text(e, fields) for e in relation.expressions)}"
        case Aggregate():
            fields = relation.input.fields
            measures = ", ".join(_measure(m, fields) for m in relation.measures)
            by = ", ".join(_text(g, fields) for g in relation.groups)
            sets = f"in {len(relation.sets)} grouping sets" if len(relation.sets) > 1 else ""
            return " ".join(filter(None, ("aggregate", measures, by and f"by {by}", sets)))
        case Window():
            fields = relation.input.fields
            return f"window {', '.join(_window_call(c, fields) for c in relation.calls)}"
        case Sort():
            return f"sort {', '.join(_key(k, relation.fields) for k in relation.keys)}"
        case Fetch():
            count = "all" if relation.count is None else relation.count
            return f"fetch {count}" + (f" after {relation.offset}" if relation.offset else "")
        case Join():
            fields = _qualified(relation.left, shared) + _qualified(relation.right, shared)
            kind = relation.kind.value.lower().replace("_", " ")
            return f"{kind} join {_conditions(relation.condition, fields)}"
        case Cross():
            return "cross join"
        case Union():
            return f"union all ({len(relation.inputs)} inputs)"


def _qualified(relation: Relation, shared: frozenset[str]) -> tuple[Field, ...]:
    """A relation's fields, those of a name that several reads have with the read's name before it.

    >>> import pyarrow as pa
    >>> id_ = Field("id", pa.int64())
    >>> [f.name for f in _qualified(Read(("f1",), (id_,), (0,)), frozenset({"id"}))]
    ['f1.id']
    """
    fields = relation.fields
    match relation:
        case Read():
            read = relation.path[-1] if relation.path else ""
            named = [f"{read}.{f.name}" if f.name in shared else f.name for f in fields]
        case Filter() | Sort() | Fetch():
            return _qualified(relation.input, shared)
        case Project():
            below = _qualified(relation.input, shared)
            named = [
                below[e.index].name if isinstance(e, FieldRef) else f.name
                for e, f in zip(relation.expressions, fields, strict=True)
            ]
        case Join() | Cross():
            kind = relation.kind if isinstance(relation, Join) else None
            left = () if kind in _ONLY_RIGHT else _qualified(relation.left, shared)
            right = () if kind in _ONLY_LEFT else _qualified(relation.right, shared)
            named = [f.name for f in left + right]
            named += [f.name for f in fields[len(named) :]]
        case _:
            return fields
    return tuple(
        f if f.name == name else replace(f, name=name)
        for f, name in zip(fields, named, strict=True)
    )


_ONLY_LEFT = (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI, JoinKind.LEFT_MARK)
_ONLY_RIGHT = (JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI, JoinKind.RIGHT_MARK)


def _key(key: SortKey, fields: tuple[Field, ...]) -> str:
    return _text(key.expression, fields) + (" desc" if key.descending else "")


def _window_call(call: WindowCall, fields: tuple[Field, ...]) -> str:
    inner = ", ".join(_text(a, fields) for a in call.arguments)
    by = ", ".join(_text(p, fields) for p in call.partition)
    keys = ", ".join(_key(k, fields) for k in call.order)
    parts = [f"partition by {by}"] if by else []
    parts += [f"order by {keys}"] if keys else []
    parts += [_frame(call.frame)] if call.frame not in _USUAL else []
    return f"{call.function}({inner}) over ({' '.join(parts)})"


_USUAL = (Frame("range", None, 0), Frame("rows", None, None))
"""The frames with an order and without one where the statement names none."""


def _frame(frame: Frame) -> str:
    start, end = _edge(frame.start, "preceding"), _edge(frame.end, "following")
    return f"{frame.unit} {start} to {end}"


def _edge(offset: int | None, end: str) -> str:
    if offset is None:
        return f"unbounded {end}"
    if offset == 0:
        return "current row"
    return f"{abs(offset)} {'preceding' if offset < 0 else 'following'}"


def _measure(measure: Measure, fields: tuple[Field, ...]) -> str:
    inner = ", ".join(_text(a, fields) for a in measure.arguments)
    return f"{measure.function}({'distinct ' if measure.distinct else ''}{inner})"


def _conditions(condition: Expression, fields: tuple[Field, ...]) -> str:
    return " AND ".join(_text(part, fields) for part in conjuncts(condition))


def _text(expression: Expression, fields: tuple[Field, ...]) -> str:
    match expression:
        case FieldRef():
            return fields[expression.index].name
        case Literal():
            value = expression.value
            return (
                "NULL" if value is None else repr(value) if isinstance(value, str) else str(value)
            )
        case Call() if expression.function in _INFIX and len(expression.arguments) >= 2:
            operator = f" {_INFIX[expression.function]} "
            likes = expression.function in ("like", "ilike")  # and an escape character
            operands = expression.arguments[:2] if likes else expression.arguments
            parts = [_text(a, fields) for a in operands]
            inner = operator.join(parts)
            return f"({inner})"
        case Call():
            inner = ", ".join(_text(a, fields) for a in expression.arguments)
            return f"{expression.function}({inner})"
        case Cast():
            return f"{_text(expression.input, fields)}::{expression.type}"
        case IfThen():
            return "CASE …"
        case InList():
            options = [_text(o, fields) for o in expression.options]
            shown = ", ".join(options[:5]) + (", …" if len(options) > 5 else "")
            return f"{_text(expression.value, fields)} IN ({shown})"
        case InKeys():
            return f"{_text(expression.value, fields)} IN (keys of {expression.stage})"
        case ScalarSubquery() | ExistsSubquery():
            return "(subquery)"
        case Opaque():
            return expression.kind


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
