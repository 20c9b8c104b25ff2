"""Functions that only one dialect or two have, by their names there, in the engine's terms.

Owns these names. A function that sqlglot has a class for is `calls`' or another module's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    binary,
    call,
    case,
    cast,
    constant_text,
    is_null,
)
from planner.client_dialects.casts import as_text
from planner.client_dialects.differences import whole_units
from planner.client_dialects.kind_tables import MOMENTS
from planner.client_dialects.moments import as_timestamp, microseconds, moved
from planner.client_dialects.parts import part
from planner.client_dialects.reading import Reading
from planner.client_dialects.text import substring

Arguments = Sequence[Node]

Own = Callable[[Arguments, Node, Reading], Node | None]
"""What a call means by its arguments; None where it has not so many."""


def _renamed(name: str, count: int) -> Own:
    return lambda given, _node, _reading: call(name, *given) if len(given) == count else None


def _cast(to: str) -> Own:
    return lambda given, _node, _reading: cast(given[0], to) if len(given) == 1 else None


def _part(name: str) -> Own:
    return lambda given, node, reading: (
        part(name, given[0], node, reading) if len(given) == 1 else None
    )


def _minus(count: int, inner: Own) -> Own:
    def own(given: Arguments, node: Node, reading: Reading) -> Node | None:
        found = inner(given, node, reading)
        return None if found is None else binary(exp.Sub, found, count)

    return own


def _moved(unit: str, sign: int) -> Own:
    def own(given: Arguments, node: Node, reading: Reading) -> Node | None:
        if len(given) != 2:
            return None
        moment, amount = given
        if isinstance(amount, exp.Interval):
            unit_named = amount.args["unit"].name.upper()
            return moved(dated(moment, reading), amount.this, unit_named, sign, node, reading)
        return moved(dated(moment, reading), amount, unit, sign, node, reading)

    return own


def dated(node: Node, reading: Reading) -> Node:
    return node if reading.kind(node) in ("date", *MOMENTS) else as_timestamp(node)


def _cut_or_trunc(given: Arguments, _node: Node, reading: Reading) -> Node | None:
    """Oracle's TRUNC of one value: a date without its time, or a number without its fraction."""
    if len(given) != 1 or reading.kind(given[0]) == "unknown":
        return None
    if reading.kind(given[0]) in ("date", *MOMENTS):
        return call("date_trunc", "day", given[0])
    return call("trunc", given[0])


def _several_conditions(given: Arguments, _node: Node, _reading: Reading) -> Node | None:
    if len(given) % 2 == 0:
        return None
    branches = [(given[at], given[at + 1]) for at in range(0, len(given) - 1, 2)]
    return case(branches, given[-1])


def _chosen(given: Arguments, _node: Node, _reading: Reading) -> Node | None:
    index, *values = given
    return case(
        [(binary(exp.EQ, index.copy(), at), value) for at, value in enumerate(values, start=1)]
    )


def _total(given: Arguments, _node: Node, _reading: Reading) -> Node | None:
    """SQLite's total() is a sum that is 0.0 without values."""
    if len(given) != 1:
        return None
    return call("coalesce", exp.Sum(this=cast(given[0], "double")), exp.Literal.number("0.0"))


def _whole_date_units(given: Arguments, node: Node, reading: Reading) -> Node | None:
    """DuckDB's date_sub() counts whole units."""
    unit = constant_text(given[0]) if len(given) == 3 else None
    if unit is None or unit.upper() not in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR",
                                            "MINUTE", "SECOND"):  # fmt: skip
        return None
    if unit.upper() in ("YEAR", "QUARTER", "MONTH"):
        reading.translated(node, "a month from the end of a longer month may be counted otherwise")
    return whole_units(given[2], given[1], unit.upper(), node, reading)


def epoch_of(given: Arguments, _node: Node, reading: Reading) -> Node | None:
    if len(given) != 1 or reading.kind(given[0]) in ("int", "float", "decimal"):
        return None
    return cast(call("floor", call("date_part", "epoch", as_timestamp(given[0]))), "bigint")


def _if_aggregate(name: str) -> Own:
    def own(given: Arguments, _node: Node, _reading: Reading) -> Node | None:
        if len(given) != 2:
            return None
        value, condition = given
        return exp.Filter(this=call(name, value), expression=exp.Where(this=condition))

    return own


def _listed(given: Arguments, node: Node, _: Reading) -> Node | None:
    if len(given) != 1 or isinstance(node.parent, exp.Window | exp.Filter):
        return None
    present = exp.Not(this=exp.Paren(this=is_null(given[0])))
    values = exp.Filter(this=exp.ArrayAgg(this=given[0]), expression=exp.Where(this=present))
    return call("coalesce", values, exp.Array(expressions=[]))


def _unequal_to(text: str, *, equal: bool) -> Own:
    kind = exp.EQ if equal else exp.NEQ
    return lambda given, _node, reading: (
        binary(kind, as_text(given[0], reading), text) if len(given) == 1 else None
    )


def _substring(given: Arguments, _node: Node, reading: Reading) -> Node | None:
    if len(given) not in (2, 3):
        return None
    length = given[2] if len(given) == 3 else None
    return substring(exp.Substring(this=given[0], start=given[1], length=length), reading)


_CLICKHOUSE: dict[str, Own] = {
    "toyear": _part("YEAR"), "toquarter": _part("QUARTER"), "tomonth": _part("MONTH"),
    "todayofmonth": _part("DAY"), "todayofyear": _part("DOY"), "tohour": _part("HOUR"),
    "tominute": _part("MINUTE"), "tosecond": _part("SECOND"), "toisoweek": _part("ISOWEEK"),
    "toisoyear": _part("ISOYEAR"),
    "tostring": lambda given, _, reading: as_text(given[0], reading) if len(given) == 1 else None,
    "toint8": _cast("smallint"), "toint16": _cast("smallint"), "toint32": _cast("int"),
    "toint64": _cast("bigint"), "tofloat32": _cast("real"), "tofloat64": _cast("double"),
    "todate": _cast("date"), "todatetime": _cast("timestamp"),
    "today": lambda given, *_: None if given else exp.CurrentDate(),
    "intdiv": lambda given, *_: binary(exp.IntDiv, *given) if len(given) == 2 else None,
    "modulo": lambda given, *_: binary(exp.Mod, *given) if len(given) == 2 else None,
    "multiif": _several_conditions,
    "bitand": lambda given, *_: binary(exp.BitwiseAnd, *given) if len(given) == 2 else None,
    "bitor": lambda given, *_: binary(exp.BitwiseOr, *given) if len(given) == 2 else None,
    "bitxor": lambda given, *_: binary(exp.BitwiseXor, *given) if len(given) == 2 else None,
    "replaceall": _renamed("replace", 3),
    "tounixtimestamp": epoch_of,
    "empty": _unequal_to("", equal=True), "notempty": _unequal_to("", equal=False),
    "substringutf8": _substring, "lengthutf8": _renamed("length", 1),
    "sumif": _if_aggregate("sum"), "avgif": _if_aggregate("avg"), "minif": _if_aggregate("min"),
    "maxif": _if_aggregate("max"),
    "grouparray": _listed,
    "uniqexact": lambda given, *_: exp.Count(this=exp.Distinct(expressions=list(given))),
    **{
        f"{verb}{unit.lower()}s": _moved(unit, sign)
        for verb, sign in (("add", 1), ("subtract", -1))
        for unit in ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    },
}  # fmt: skip

_MYSQL: dict[str, Own] = {
    "weekday": _minus(1, _part("ISODOW")),
    "microsecond": _part("MICROSECOND"),
    "adddate": _moved("DAY", 1), "subdate": _moved("DAY", -1),
    "unix_timestamp": epoch_of,
    "mid": _substring,
}  # fmt: skip

_SPARK: dict[str, Own] = {
    "weekday": _minus(1, _part("ISODOW")),
    "isnull": lambda given, *_: exp.Paren(this=is_null(given[0])) if len(given) == 1 else None,
    "isnotnull": lambda given, *_: (
        exp.Not(this=exp.Paren(this=is_null(given[0]))) if len(given) == 1 else None
    ),
    "pmod": lambda given, *_: (
        binary(exp.Mod, binary(exp.Add, binary(exp.Mod, given[0], given[1]), given[1].copy()),
               given[1].copy()) if len(given) == 2 else None
    ),
    "std": lambda given, *_: exp.Stddev(this=given[0]) if len(given) == 1 else None,
    "bigint": _cast("bigint"), "double": _cast("double"),
}  # fmt: skip

_DUCKDB: dict[str, Own] = {
    "weekday": _part("DOW"),
    "epoch_us": lambda given, *_: microseconds(given[0]) if len(given) == 1 else None,
    "prefix": _renamed("starts_with", 2), "suffix": _renamed("ends_with", 2),
    "strlen": _renamed("octet_length", 1), "ord": _renamed("ascii", 1),
    "date_sub": _whole_date_units, "datesub": _whole_date_units,
}  # fmt: skip

_TRINO: dict[str, Own] = {
    "millisecond": _part("MILLISECOND"), "codepoint": _renamed("ascii", 1),
}  # fmt: skip


def _double_quotient(given: Arguments, *_: object) -> Node | None:
    """BigQuery's quotient that has infinity by zero."""
    return binary(exp.Div, cast(given[0], "double"), given[1]) if len(given) == 2 else None


_OTHERS: Mapping[str, dict[str, Own]] = {
    "bigquery": {"ieee_divide": _double_quotient},
    "clickhouse": _CLICKHOUSE,
    "duckdb": _DUCKDB,
    "mysql": _MYSQL,
    "oracle": {"trunc": _cut_or_trunc, "lengthb": _renamed("octet_length", 1)},
    "sqlite": {"total": _total},
    "tsql": {
        "choose": _chosen,
        "stdevp": lambda given, *_: exp.StddevPop(this=given[0]) if len(given) == 1 else None,
        "varp": lambda given, *_: exp.VariancePop(this=given[0]) if len(given) == 1 else None,
        "getutcdate": lambda given, *_: None if given else exp.CurrentTimestamp(),
    },
    **dict.fromkeys(traits.HIVE, _SPARK),
    **dict.fromkeys(traits.TRINO, _TRINO),
}


def own_function(node: exp.Func, reading: Reading) -> Node:
    """A function that sqlglot has no class for: by its name, or the engine's of that name."""
    name, given = str(node.name).lower(), list(node.expressions)
    if name in ("date_part", "datepart") and len(given) == 2:
        named = constant_text(given[0])
        if named is None:
            reading.refuse(node, "a part of a time by a name that is computed")
        return part(named.upper(), given[1], node, reading)
    own = _OTHERS.get(reading.dialect, {}).get(name)
    found = own(given, node, reading) if own is not None else None
    if found is not None:
        return found
    if not isinstance(node, exp.Anonymous):
        reading.refuse(node)
    reading.best_effort(node, f"function {name} is taken for the engine's function of that name")
    return node
