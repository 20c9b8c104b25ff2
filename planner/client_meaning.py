"""What a client's dialect means differently from the engine: rewritten where that is exact, and
noted where it is not. Owns the differences. Knows neither spelling nor places of errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import Dialect, exp

from planner.warnings import Code, PlanWarning

_ROUNDS = frozenset({"snowflake", "bigquery", "mysql", "duckdb", "postgres", "trino", "presto",
                     "athena", "redshift", "oracle"})  # fmt: skip
"""Dialects whose cast of a fraction to an integer rounds; the engine's cuts."""

_WIDE_INTEGERS = frozenset({"snowflake", "bigquery", "sqlite", "oracle"})
"""Dialects whose INT has 64 bits or more."""

_DECIMAL_QUOTIENTS = frozenset({"snowflake", "bigquery", "mysql", "spark", "databricks", "oracle"})
"""Dialects in which the quotient of exact numbers is exact, or may be."""

_FOLDED_TEXTS = frozenset({"mysql", "tsql"})
"""Dialects whose texts are compared without regard to case, unless told otherwise."""

_ANY_CASE_QUOTED = frozenset({"bigquery", "mysql", "tsql", "spark", "databricks", "hive", "duckdb",
                              "sqlite", "trino", "presto", "athena", "redshift"})  # fmt: skip
"""Dialects in which a quoted name is found in any case."""

_EMPTY_IS_NULL = frozenset({"oracle"})

_SUNDAY_WEEKS = frozenset({"bigquery", "tsql"})
"""Dialects whose week starts on a Sunday where they count weeks."""

_WHOLE_UNITS = frozenset({"trino", "presto", "athena", "mysql"})
"""Dialects that count whole units between two moments, and not boundaries."""

_INTEGERS = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.MEDIUMINT, exp.DType.INT,
             exp.DType.BIGINT)  # fmt: skip

_NULL_WINS = frozenset({"snowflake", "mysql", "oracle", "bigquery", "trino", "presto", "athena"})
"""Dialects in which the greatest of several values is NULL when one of them is."""

_WEEKDAYS = frozenset({"DOW", "DAYOFWEEK", "DAY_OF_WEEK", "WEEKDAY"})

_SUNDAY_IS_ZERO = frozenset({"postgres", "redshift", "duckdb", "snowflake"})
"""Dialects that number the days of a week as the engine does."""

_ISO_WEEKS = frozenset({"postgres", "redshift", "duckdb", "snowflake", "trino", "presto", "athena",
                        "spark", "databricks", "hive"})  # fmt: skip
"""Dialects that number weeks as the engine does."""

_LISTS = (exp.Array, exp.Split, exp.ArrayAgg)

_DIFFERENCES = (exp.DateDiff, exp.DatetimeDiff, exp.TimestampDiff, exp.TsOrDsDiff)


def with_meaning(tree: exp.Expr, dialect: str) -> exp.Expr:
    """The tree with what another dialect means written as the engine writes it. Changes `tree`."""
    # Inputs before what reads them: a changed node is not looked into again.
    for node in reversed(list(tree.walk(bfs=False))):
        meant = _meant(node, dialect)
        if node is tree:
            tree = meant
        elif meant is not node:
            node.replace(meant)
    return tree


def _meant(node: exp.Expr, dialect: str) -> exp.Expr:
    if isinstance(node, exp.Identifier):
        return _name(node, dialect)
    if isinstance(node, exp.DataType) and dialect in _WIDE_INTEGERS and node.this in _INTEGERS:
        return exp.DataType.build("bigint")
    if (
        isinstance(node, exp.Add)
        and dialect == "tsql"
        and (_text(node.this) or _text(node.expression))
    ):
        return exp.DPipe(this=node.this, expression=node.expression)
    if isinstance(node, exp.ToChar) and isinstance(node.args.get("format"), exp.Literal):
        form = Dialect.get_or_raise(dialect).format_time(node.args["format"])
        return exp.TimeToStr(this=node.this, format=form)
    if isinstance(node, exp.Greatest | exp.Least) and dialect in _NULL_WINS:
        parts = [node.this, *node.expressions]
        missing = exp.or_(*(exp.Is(this=part.copy(), expression=exp.Null()) for part in parts))
        return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=node.copy())
    if isinstance(node, exp.Like) and dialect == "sqlite":
        return exp.ILike(this=node.this, expression=node.expression)
    if isinstance(node, exp.Length) and isinstance(node.this, _LISTS):
        return exp.ArraySize(this=node.this)
    if isinstance(node, exp.Group):
        _with_rollup(node)
    if isinstance(node, exp.Select) and dialect == "duckdb":
        _with_order_by_all(node)
    if isinstance(node, _DIFFERENCES) and _starts_on_sunday(node, dialect):
        # The engine's weeks start on a Monday: a day later, Sundays are Mondays.
        day = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
        node.set("this", exp.Add(this=node.this, expression=day))
        node.set("expression", exp.Add(this=node.expression, expression=day.copy()))
        node.set("unit", exp.var("WEEK"))
    elif isinstance(node, _DIFFERENCES):
        _with_iso_week(node)
    return node


def _with_order_by_all(select: exp.Select) -> None:
    """`ORDER BY ALL` is by every column of the answer, from left to right."""
    order = select.args.get("order")
    if order is None:
        return
    keys = order.expressions
    if len(keys) != 1 or keys[0].this.sql().upper() != "ALL" or select.is_star:
        return
    columns = range(1, len(select.expressions) + 1)
    order.set(
        "expressions",
        [
            exp.Ordered(
                this=exp.Literal.number(column),
                desc=keys[0].args.get("desc"),
                nulls_first=keys[0].args.get("nulls_first"),
            )
            for column in columns
        ],
    )


def _with_rollup(group: exp.Group) -> None:
    """`GROUP BY a, b WITH ROLLUP` is `GROUP BY ROLLUP (a, b)`."""
    for kind in ("rollup", "cube"):
        for node in group.args.get(kind) or []:
            if not node.expressions and group.expressions:
                node.set("expressions", group.expressions)
                group.set("expressions", [])


def _starts_on_sunday(node: exp.Expr, dialect: str) -> bool:
    unit = node.args.get("unit")
    if isinstance(unit, exp.WeekStart):
        return bool(unit.name.upper() == "SUNDAY")
    return dialect in _SUNDAY_WEEKS and _unit_of(node) == "WEEK"


def _with_iso_week(node: exp.Expr) -> None:
    unit = node.args.get("unit")
    if _unit_of(node) == "ISOWEEK" or (isinstance(unit, exp.WeekStart) and unit.name == "MONDAY"):
        node.set("unit", exp.var("WEEK"))


def _name(name: exp.Identifier, dialect: str) -> exp.Identifier:
    """Snowflake and Oracle fold names to upper case, the engine to lower: quoted or not."""
    if dialect in ("snowflake", "oracle") and name.args.get("quoted") and name.name.isupper():
        name.set("this", name.name.lower())
    return name


def refusal_of(node: exp.Expr, dialect: str) -> str | None:
    """What of a node means something else here that cannot be written, or None."""
    if isinstance(node, exp.Extract):
        part = node.this.name.upper()
        if part in _WEEKDAYS and dialect not in _SUNDAY_IS_ZERO:
            return "a number of a day of the week"
        if part == "WEEK" and dialect not in _ISO_WEEKS:
            return "a number of a week"
    truncates = isinstance(node, exp.DateTrunc | exp.TimestampTrunc | exp.DatetimeTrunc)
    if truncates and _starts_on_sunday(node, dialect):
        return "a week that starts on a Sunday"
    return None


def notes_on(tree: exp.Expr, dialect: str) -> Iterator[PlanWarning]:
    """What a client should know of the translation of its statement.

    Args:
        tree: as it was read, before `with_meaning`.
        dialect: the client's.
    """
    for node in tree.walk():
        for code, message in _differences(node, dialect):
            yield PlanWarning(code, message)


def _differences(node: exp.Expr, dialect: str) -> Iterator[tuple[Code, str]]:
    match node:
        case exp.Div() if not node.args.get("typed") and dialect in _DECIMAL_QUOTIENTS:
            yield (
                "function.translated",
                (
                    "/ divides as double precision here, decimals too"
                    + ("" if node.args.get("safe") else "; by zero that is infinity or NaN")
                ),
            )
        case exp.Cast() if (
            dialect in _ROUNDS and node.to.this in _INTEGERS and not _whole(node.this)
        ):
            yield (
                "function.translated",
                "a cast to an integer cuts a fraction here; it rounds there",
            )
        case exp.EQ() | exp.NEQ() | exp.Like() | exp.In() if dialect in _FOLDED_TEXTS and any(
            part.is_string for part in node.iter_expressions()
        ):
            yield "dialect.best_effort", "texts are compared here with regard to case"
        case exp.Identifier() if dialect in _ANY_CASE_QUOTED and _mixed_case(node):
            yield (
                "dialect.best_effort",
                "a quoted name with upper-case letters must be written here as its source has it",
            )
        case exp.Literal() if dialect in _EMPTY_IS_NULL and node.is_string and not node.name:
            yield "dialect.best_effort", "an empty text is a text here; there it is NULL"
        case exp.Anonymous():
            yield (
                "dialect.best_effort",
                f"function {node.name.lower()} is taken for the engine's function of that name",
            )
        case exp.Rand():
            yield "function.translated", "random numbers are others here, also with a seed"
        case exp.ApproxDistinct() | exp.ApproxQuantile():
            yield "function.translated", "an approximate result may be another one here"
        case exp.Length() if dialect == "duckdb" and not isinstance(node.this, _LISTS):
            yield "function.translated", "len counts characters here, and not a list's elements"
        case exp.Collate():
            yield "dialect.best_effort", "texts are compared by code point here"
        case exp.Hint():
            yield "dialect.best_effort", "hints are left out"
    if isinstance(node, _DIFFERENCES) and dialect in _WHOLE_UNITS and _unit_of(node) != "DAY":
        yield (
            "function.translated",
            "a difference counts the boundaries between two moments here, and whole units there",
        )
    if isinstance(node, exp.RegexpLike | exp.RegexpExtract | exp.RegexpReplace):
        yield "function.translated", "regular expressions are those of Rust here"


def _unit_of(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.upper().removesuffix("S") if unit is not None else "DAY"


def _mixed_case(name: exp.Identifier) -> bool:
    in_alias = isinstance(name.parent, exp.Alias | exp.TableAlias)
    return bool(name.args.get("quoted")) and name.name != name.name.lower() and not in_alias


def _text(node: exp.Expr) -> bool:
    """Whether an operand is a text for sure."""
    if isinstance(node, exp.Paren):
        return _text(node.this)
    if isinstance(node, exp.Add):
        return _text(node.this) or _text(node.expression)
    if isinstance(node, exp.Cast):
        return node.to.this in exp.DataType.TEXT_TYPES
    return node.is_string or isinstance(node, exp.Concat | exp.DPipe | exp.Upper | exp.Lower)


def _whole(node: exp.Expr) -> bool:
    """Whether an operand has no fraction for sure."""
    return node.is_int or isinstance(node, exp.Count | exp.Extract | exp.Length | exp.Floor)
