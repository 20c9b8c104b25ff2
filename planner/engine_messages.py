"""What the engine's messages become: an error's class, its text, the word it is about, a hint.

DataFusion hands errors to Python as text; the patterns are those of version 55. A table that
`failures` reads; the first row whose pattern is found counts. Here are values and types; names and
what has no such form are `engine_forms`'.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.errors import (
    CrosswindError,
    InvalidValueError,
    TypeMismatchError,
    UnsupportedError,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of message becomes.

    Attributes:
        pattern: searched in the message; a group whose name begins with `type` is a type, one that
            begins with `expr` an expression, as the engine writes them.
        kind: the error's class.
        text: with the groups in braces.
        at: words of the statement, the first that is there is the place: `'…` is a text literal,
            and `?…` counts only where it is there once.
        hint: what to do, with the groups in braces.
    """

    pattern: re.Pattern[str]
    kind: type[CrosswindError]
    text: str
    at: tuple[str, ...] = ()
    hint: str = ""


def rule(
    pattern: str,
    kind: type[CrosswindError],
    text: str,
    at: str | tuple[str, ...] = (),
    hint: str = "",
) -> Rule:
    places = (at,) if isinstance(at, str) else at
    return Rule(re.compile(pattern, re.DOTALL), kind, text, places, hint)


_CAST_ONE = "Cast one side to the type of the other."
_TRY = "TRY_CAST gives NULL for such a value."
_NANOSECONDS = (
    "A timestamp has nanoseconds, from 1677 to 2262; write timestamp(6) '{value}', or"
    " arrow_cast('{value}', 'Timestamp(µs)') for microseconds."
)
_LOCAL_TIMES = (
    "Where clocks are set, an hour is missing or comes twice. Add the offset from UTC to the time,"
    " or keep such times out."
)

VALUES_AND_TYPES: Sequence[Rule] = (
    # --- values ---
    rule(
        r"Overflow converting (?P<value>[^\n]+?) to Nanosecond",
        InvalidValueError,
        "timestamp '{value}' is outside of the years that a timestamp has",
        ("'{value}", "'{value:.10}"),
        _NANOSECONDS,
    ),
    rule(
        r"Cannot cast (?P<type>\S+) value \S+ to Timestamp\(ns\): converted value exceeds|"
        r"Timestamp -?\d+ out of range|represented as nanoseconds have to be between",
        InvalidValueError,
        "a date or time is outside of the years that a timestamp of nanoseconds has, 1677 to 2262",
        (),
        "Cast both sides to timestamp(6), which has microseconds, or keep such values out.",
    ),
    rule(
        r"Cannot cast (?:string|value) '(?P<value>.*?)' to value of (?P<type>\S.*?) type",
        InvalidValueError,
        "'{value}' is not a value of type {type}",
        "'{value}",
        _TRY,
    ),
    rule(
        r"Can't cast value (?P<value>\S+) to type (?P<type>\S+)",
        InvalidValueError,
        "{value} does not fit type {type}",
        "{value}",
        _TRY,
    ),
    rule(
        r"(?P<value>\S+) is too (?P<how>large|small) to store in a (?P<type>Decimal\d+) of"
        r" precision (?P<digits>\d+)",
        InvalidValueError,
        "{value} is too {how} for a decimal of {digits} digits",
    ),
    rule(
        r"Cannot cast to (?P<type>Decimal\d+\([^)]*\))\. Overflowing on (?P<value>\S+)",
        InvalidValueError,
        "{value} has no place in {type}, as which a decimal and a double are compared",
        (),
        "Cast the decimal to double, or keep such values out.",
    ),
    rule(
        r"Cannot cast timezone to different timezone",
        InvalidValueError,
        "a local time that its time zone does not have, or has twice",
        ("zone", "to_local_time"),
        _LOCAL_TIMES,
    ),
    rule(
        r"Error parsing timestamp from '(?!Scalar subquery)(?P<value>.*?)': (?P<why>[^\n]*)",
        InvalidValueError,
        "'{value}' is not a timestamp: {why}",
        ("'{value}", "?to_timestamp", "?to_date"),
        _TRY,
    ),
    rule(
        r"Invalid timezone \"(?P<zone>[^\"]*)\"",
        InvalidValueError,
        "there is no time zone '{zone}'",
        "'{zone}",
        "Write a name like 'Europe/Vienna', or an offset like '+01:00'.",
    ),
    rule(
        r"Invalid input syntax for type interval: \"(?P<value>[^\"]*)\"",
        InvalidValueError,
        "'{value}' is not an interval",
        "'{value}",
        "Write '1 year 2 months 3 days 4 hours', or '1:30:00'.",
    ),
    rule(
        r"regex parse error:\n\s*(?P<pattern>[^\n]*)\n.*error: (?P<why>[^\n]*)",
        InvalidValueError,
        "the regular expression '{pattern}' cannot be read: {why}",
        "'{pattern}",
    ),
    rule(
        r"regex parse error:.*error: (?P<why>[^\n]*)",
        InvalidValueError,
        "a regular expression cannot be read: {why}",
    ),
    rule(
        r"Date part '(?P<part>[^']*)' not supported",
        UnsupportedError,
        "there is no date part '{part}'",
        ("'{part}", "{part}"),
        "There are year, isoyear, quarter, month, week, day, doy, dow, isodow, hour, minute,"
        " second, millisecond, microsecond, nanosecond and epoch.",
    ),
    rule(
        r"Unsupported date_trunc granularity: '(?P<part>[^']*)'\."
        r" Supported values are: (?P<all>.+)",
        UnsupportedError,
        "date_trunc has no unit '{part}'",
        ("'{part}", "date_trunc"),
        "There are {all}.",
    ),
    rule(
        r"(?:There is no built-in (?P<what>[a-z ]+) named|the) '(?P<name>[^']*)', currently"
        r" supported \w+(?: \w+)? are: (?P<all>.+)",
        UnsupportedError,
        "there is no {what} '{name}'",
        "'{name}",
        "There are {all}.",
    ),
    rule(
        r"Unsupported type '(?P<name>[^']*)'\. Must be a supported arrow type name",
        UnsupportedError,
        "there is no Arrow type '{name}'",
        "'{name}",
        "Write one like 'Int32' or 'Timestamp(µs)'.",
    ),
    rule(
        r"Percentile value must be between 0.0 and 1.0 inclusive, (?P<value>\S+) is invalid",
        InvalidValueError,
        "a percentile lies between 0 and 1, and not at {value}",
        ("percentile_cont", "approx_percentile_cont", "quantile_cont"),
    ),
    rule(
        r"Cast error: Format error",
        InvalidValueError,
        "a format of dates cannot be read",
        ("?to_char", "?date_format"),
        "Write one like '%Y-%m-%d %H:%M:%S'.",
    ),
    rule(
        r"Unable to cast to Date32",
        InvalidValueError,
        "a text is not a date",
        "?to_date",
        "Write dates as '2024-01-31', or give to_date the format.",
    ),
    rule(
        r"Divide by zero",
        InvalidValueError,
        "division by zero",
        ("?/", "?%"),
        "NULLIF(divisor, 0) gives NULL instead.",
    ),
    rule(
        r"Scalar subquery returned more than one row",
        InvalidValueError,
        "a query that stands for one value has more than one row",
        (),
        "Add LIMIT 1, or an aggregate.",
    ),
    # --- types ---
    rule(
        r"Cannot coerce arithmetic expression (?P<type1>.+?) (?P<op>[-+*/%]) (?P<type2>.+?)"
        r" to valid",
        TypeMismatchError,
        "there is no {type1} {op} {type2}",
        "?{op}",
        "Cast one of them.",
    ),
    rule(
        r"Cannot infer common argument type for \w+(?: \w+)? operation (?P<type1>.+?) "
        r"(?P<op>[^\w\s]+|AND|OR|IS DISTINCT FROM|IS NOT DISTINCT FROM|I?LIKE) (?P<type2>[^\n]+)",
        TypeMismatchError,
        "{type1} and {type2} do not go together in {op}",
        "?{op}",
        _CAST_ONE,
    ),
    rule(
        r"Cannot infer common string type for string concat operation (?P<type1>.+?) \|\|"
        r" (?P<type2>[^\n]+)",
        TypeMismatchError,
        "|| takes a text, and not {type1} and {type2}",
        "?||",
        "Cast one of them to text.",
    ),
    rule(
        r"Failed to coerce types (?P<type1>.+?) and (?P<type2>.+?) in BETWEEN expression",
        TypeMismatchError,
        "{type1} and {type2} do not go together in BETWEEN",
        "?between",
        _CAST_ONE,
    ),
    rule(
        r"There isn't a common type to coerce (?P<type1>.+?) and (?P<type2>.+?) in (?P<op>[\w ]+?)"
        r" expression",
        TypeMismatchError,
        "{type1} {op} {type2} is not possible",
        "?{op}",
        "Cast both to text.",
    ),
    rule(
        r"Can not find compatible types to compare (?P<type1>.+?) with \[(?P<type2>[^\n]*)\]",
        TypeMismatchError,
        "{type1} and {type2} cannot be compared in IN",
        "?in",
        _CAST_ONE,
    ),
    rule(
        r"Cannot create filter with non-boolean predicate '(?P<expr>.*?)' returning"
        r" (?P<type>[^\n]+)",
        TypeMismatchError,
        "a condition is a boolean, and {expr} is of type {type}",
        ("{expr}", "where"),
        "Compare it with something.",
    ),
    rule(
        r"Unary operator '(?P<op>[^']*)' requires a boolean expression, got (?P<type>[^\n]+)",
        TypeMismatchError,
        "{op} takes a boolean, and not type {type}",
        "?{op}",
    ),
    rule(
        r"Incompatible inputs for Union: Previous inputs were of type (?P<type1>.+?), but got"
        r" incompatible type (?P<type2>.+?) on column",
        TypeMismatchError,
        "a column of the set operation is of type {type1} in one query and of {type2} in another",
        ("?union", "?intersect", "?except"),
        _CAST_ONE,
    ),
    rule(
        r"Cannot get result type for temporal operation (?P<type1>.+?) (?P<op>[-+*/])"
        r" (?P<type2>.+?):",
        TypeMismatchError,
        "there is no {type1} {op} {type2}",
        "?{op}",
    ),
    rule(
        r"Cannot access field at argument \d+: type (?P<type>.+?) is not Struct",
        TypeMismatchError,
        "a value of type {type} has no fields",
        "?get_field",
    ),
    rule(
        r"unnest\(\) can only be applied to array, struct and null",
        TypeMismatchError,
        "unnest takes a list or a structure",
        "unnest",
    ),
    rule(
        r"Expected LIMIT to be an integer or null, but got (?P<type>[^\n]+)",
        TypeMismatchError,
        "LIMIT takes a number of rows, and not type {type}",
        "limit",
    ),
    rule(
        r"(?P<name>\w+) does not support type (?P<type>[^\n]+)",
        TypeMismatchError,
        "{name} does not take {type}",
        ("{name}", "{other_name}"),
    ),
    rule(
        r"Function '(?P<name>\w+)' requires (?P<type1>.+?), but received [^\n]*?"
        r"\(DataType: (?P<type2>[^\n]+?)\)\.",
        TypeMismatchError,
        "{name} does not take {type2}",
        ("{name}", "{other_name}"),
        "It takes {type1}.",
    ),
    rule(
        r"For function '(?P<name>\w+)' (?P<type1>.+?) and (?P<type2>.+?) is not comparable",
        TypeMismatchError,
        "{name} does not take {type1} and {type2} together",
        "{name}",
        _CAST_ONE,
    ),
)
