"""What the engine's messages on names and on forms of statements become; see `engine_messages`."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.errors import (
    InvalidValueError,
    RequestError,
    TypeMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from planner.engine_messages import Rule, rule

_ALIASES = "Name one of them otherwise with AS."

NAMES_AND_FORMS: Sequence[Rule] = (
    # --- names ---
    rule(
        r"table function '(?P<name>[^']*)' not found",
        UnknownNameError,
        "there is no table function '{name}'",
        "{name}",
        "There are generate_series, range and unnest; tables of files are configured as sources.",
    ),
    rule(
        r"Invalid qualifier (?P<name>[^\n]+)",
        UnknownNameError,
        "there is no table {name} in FROM",
        "{name}",
    ),
    rule(
        r"duplicate qualified field name (?P<expr>\S+?)\.(?:\w+|\"[^\n]*\")$",
        RequestError,
        "table {expr} is in FROM twice",
        "{expr}",
        "Name one of them otherwise with AS.",
    ),
    rule(
        r"Projections require unique expression names but the expression \"(?P<expr>.*?)\" at"
        r" position (?P<first>\d+) and .* at position (?P<second>\d+) have the same name",
        RequestError,
        "two columns of a SELECT have the same name: {expr}",
        (),
        _ALIASES,
    ),
    rule(
        r"column \"(?P<expr>.*?)\" must appear in the GROUP BY clause or must be part",
        RequestError,
        "column {expr} is neither in GROUP BY nor in an aggregate function",
        ("{expr}", "*"),
        "Add it to GROUP BY, or take its min or max.",
    ),
    rule(
        r"HAVING clause references: (?P<expr>.*?) must appear in the GROUP BY",
        RequestError,
        "{expr} in HAVING is neither in GROUP BY nor in an aggregate function",
        "having",
        "Conditions on rows are for WHERE.",
    ),
    rule(
        r"The window (?P<name>\S+) is not defined",
        UnknownNameError,
        "window {name} is not defined",
        "{name}",
        "Add WINDOW {name} AS (…) after the conditions.",
    ),
    # --- forms ---
    rule(
        r"Aggregate functions are not allowed in the WHERE clause",
        RequestError,
        "WHERE takes no aggregate function",
        "where",
        "Write the condition in HAVING.",
    ),
    rule(
        r"Aggregate function calls cannot be nested: '(?P<expr>.*?)' is nested",
        RequestError,
        "an aggregate function in another: {expr}",
        (),
        "Make the inner one in a subquery in FROM.",
    ),
    rule(
        r"queries have different number of columns|Non-recursive term and recursive term must have",
        RequestError,
        "the queries of a set operation have a different number of columns",
        ("?union", "?intersect", "?except"),
    ),
    rule(
        r"Order by column out of bounds, specified: (?P<number>\d+), max: (?P<most>\d+)",
        RequestError,
        "ORDER BY {number}: the answer has {most} columns",
        "order by",
    ),
    rule(
        r"(?P<word>LIMIT|OFFSET) must be >= ?0, '(?P<value>[^']*)' was provided",
        InvalidValueError,
        "{word} {value}: the number of rows cannot be negative",
        "{word}",
    ),
    rule(
        r"Too many columns! The subquery should only return one column",
        RequestError,
        "a query that stands for one value has more than one column",
    ),
    rule(
        r"Query (?P<word>DELETE|INSERT|UPDATE|MERGE)\b",
        UnsupportedError,
        "{word} is not something this server does: it only reads",
        "{word}",
    ),
    rule(
        r"Operator (?P<op>\S+) is not yet supported",
        UnsupportedError,
        "operator {op} is not supported",
        "{op}",
    ),
    rule(
        r"Unsupported SQL type (?P<name>[^\n(]+)",
        UnsupportedError,
        "there is no type {name}",
        "{name}",
        "json, uuid and their like are text here.",
    ),
    rule(
        r"Unsupported Value '(?P<literal>\w+?)\(\"?(?P<value>.*?)\"?\)'",
        UnsupportedError,
        "a literal of this form is not supported: '{value}'",
        ("''{value}", "'{value}"),
        "Write it without the letters before it.",
    ),
    rule(
        r"Substring without for/from",
        TypeMismatchError,
        "substring needs a place to begin",
        ("substring", "substr"),
        "Write substring(text, start, length).",
    ),
    rule(
        r"does not satisfy (?:order|distribution) requirements|SanityCheckPlan",
        UnsupportedError,
        "the engine cannot order the rows as this statement needs it",
        ("?over", "?order by"),
        "Name the expression in the SELECT list of a subquery in FROM, and use its name outside.",
    ),
    rule(
        r"Join condition must be boolean type, but got (?P<type>[^\n]+)",
        TypeMismatchError,
        "the condition of a join is a boolean, and not a value of another type",
        "?on",
        "Compare it with something.",
    ),
    rule(
        r"Assertion failed: ",
        UnsupportedError,
        "the engine cannot compute an expression of this statement",
        (),
        "Look for a comparison of types that do not go together, and cast them.",
    ),
    rule(
        r"ScalarSubqueryExpr evaluated before the subquery was executed",
        UnsupportedError,
        "a query as a value is not supported here",
        "?values",
        "Write SELECT, and UNION ALL for more rows, in the place of VALUES.",
    ),
    rule(
        r"Slice subscript requires an? (?P<what>\w+) bound",
        UnsupportedError,
        "a slice without {what} bound is not supported",
        "?:",
        "Write both bounds, [1:3], or array_slice.",
    ),
    rule(
        r"Dot access not supported",
        UnsupportedError,
        "a field after this expression is not supported",
        (),
        "Write (…)['name'], or get_field(…, 'name').",
    ),
    rule(
        r"(?P<word>LIKE|ILIKE|SIMILAR TO) does not support escape_char",
        UnsupportedError,
        "{word} with an ESCAPE other than the backslash is not supported",
        "escape",
        "Write \\ in the pattern, and leave ESCAPE out.",
    ),
    rule(
        r"Invalid escape character in LIKE expression",
        InvalidValueError,
        "ESCAPE takes a single character",
        "escape",
    ),
    rule(
        r"string_agg delimiter must be a string literal",
        UnsupportedError,
        "the separator of string_agg must be a text literal",
        "string_agg",
    ),
)
