"""Statements with a part that PostgreSQL must not be given, and the reason that EXPLAIN gives."""

from __future__ import annotations


def constant(text: str) -> str:
    """A text constant of the engine, which knows no escapes in it."""
    return "'" + text.replace("'", "''") + "'"


_FLOATS = "NaN and -0.0 compare differently there"
STAYS = {
    "SELECT sum(f8) FROM odd WHERE id < 2": "a float sum depends on the order of its rows",
    "SELECT avg(f8) FROM odd WHERE id < 2": "a float average depends on the order of its rows",
    "SELECT avg(i8) FROM odd WHERE id < 2": "a float average depends on the order of its rows",
    "SELECT a.id FROM odd a JOIN odd b ON a.f8 = b.f8": "a join by floats, whose NaN and -0.0",
    "SELECT a.id FROM odd a LEFT JOIN odd b ON a.f8 IS NOT DISTINCT FROM b.f4": "a join by floats",
    "SELECT least(f8, 0.0) FROM odd": _FLOATS,
    "SELECT id FROM odd WHERE f8 IN (0, 1.5, 2, 3, 4)": _FLOATS,
    "SELECT f8, count(*) FROM odd GROUP BY f8": _FLOATS,
    "SELECT min(f8), max(f8) FROM odd": _FLOATS,
    "SELECT count(DISTINCT f8) FROM odd": _FLOATS,
    "SELECT nullif(f8, 0.0) FROM odd": _FLOATS,
    "SELECT greatest(f8, 0.0) FROM odd": _FLOATS,
    "SELECT id, f8 / 0 FROM odd": "a float division by zero fails there and is infinite here",
    "SELECT id, 1 / f8 FROM odd": "a float division by zero fails there and is infinite here",
    "SELECT id, f8 * 2 FROM odd": "a float overflow fails there and is infinite here",
    "SELECT id, f8 + f8 FROM odd": "a float overflow fails there and is infinite here",
    "SELECT id, f8 - 1e300 FROM odd": "a float overflow fails there and is infinite here",
    "SELECT id, f8 + f4 FROM odd": "a float overflow fails there and is infinite here",
    "SELECT i4::double * -2.5 AS x, count(*) FROM odd GROUP BY x": _FLOATS,
    "SELECT id, i4::double * 1e99 * 1e99 * 1e99 * 1e99 FROM odd": (
        "a float overflow fails there and is infinite here"
    ),
    "SELECT id, round(f8) FROM odd": "a float half way is rounded to even there",
    "SELECT id, round(f8, 2) FROM odd": "a float is rounded at another digit there",
    "SELECT id, round(n, id) FROM odd": "only a constant number of digits is pushed",
    "SELECT id, trunc(n, id) FROM odd": "only a constant number of digits is pushed",
    "SELECT id, f8 % 2 FROM odd": "modulus of double",
    "SELECT id, i8 >> i4 FROM odd": "only a shift by a constant is pushed",
    "SELECT id, i8 << i4 FROM odd": "only a shift by a constant is pushed",
    "SELECT id, i8 << 64 FROM odd": "a shift by more bits than there are",
    "SELECT id, exp(i4) FROM odd WHERE i4 < 100": "function exp is not proven there",
    "SELECT id, sqrt(i4) FROM odd WHERE id < 0 AND f8 * 2 > 1": "a float overflow fails there",
    "SELECT id, power(i4, 2) FROM odd": "function power is not proven there",
    "SELECT id FROM texts WHERE t ILIKE 'É%'": "a pattern with letters beyond ASCII",
    "SELECT id, lower(t) FROM texts": "letters beyond ASCII are known by their locale there",
    "SELECT id, upper(t) FROM texts": "letters beyond ASCII are known by their locale there",
    "SELECT id FROM texts WHERE lower(t) = 'é'": "letters beyond ASCII are known by their locale",
    "SELECT id FROM texts WHERE lower(t) > 'b'": "letters beyond ASCII are known by their locale",
    "SELECT id FROM texts WHERE upper(t) LIKE 'A_C'": "a pattern with _ for one letter",
    "SELECT id FROM texts WHERE lower(t) LIKE 'a\\b'": "a pattern with a stray backslash",
    "SELECT lower(t) AS x, count(*) FROM texts GROUP BY x": "letters beyond ASCII are known",
    "SELECT id, initcap(t) FROM texts": "function initcap is not proven there",
    "SELECT id, lpad(t, 5, 'x') FROM texts": "letters beyond ASCII",
    "SELECT id, lpad(i4::varchar, 5, 'é') FROM odd": "letters beyond ASCII",
    "SELECT id, rpad(i4::varchar, id, 'x') FROM odd": "only a constant length is pushed",
    "SELECT id, translate(t, 'ab', 'xy') FROM texts": "function translate is not proven there",
    "SELECT id, chr(id + 65) FROM odd": "function chr is not proven there",
    "SELECT id, encode(raw, 'base64') FROM odd": "only the form hex is pushed",
    **{
        f"SELECT id FROM texts WHERE t ~ {constant(pattern)}": "a pattern that may mean another"
        for pattern in (r"\d+x", r"\bab", "(?i)ab[c]", r"\pL[a]", "[[:alpha:]]b", "x[a&&b]")
    },
    r"SELECT id FROM texts WHERE t !~ '\d+x'": "a pattern that may mean another",
    r"SELECT id FROM texts WHERE t !~* '\w+x'": "a pattern that may mean another",
    "SELECT id FROM texts WHERE t ~* 'é.x'": "a pattern with letters beyond ASCII",
    "SELECT id FROM odd WHERE e ~ e": "only a constant pattern is pushed",
    "SELECT id FROM texts WHERE t LIKE 'a\\b'": "a pattern with a stray backslash",
    "SELECT id FROM texts WHERE t LIKE t": "only a constant pattern",
    "SELECT id, substr(t, 1, 2147483648) FROM texts": "a position that is not an integer there",
    **{
        f"SELECT id, {call} FROM texts": "a position that is not an integer there"
        for call in (
            *("left(t, id)", "right(t, id)", "split_part(t, 'a', id + 1)"),
            *("repeat(left(t, 1), id)", "overlay(t placing 'x' from id + 1)"),
        )
    },
    "SELECT id, d + interval '1 nanosecond' FROM odd WHERE id < 0": "an interval of nanoseconds",
    "SELECT id, ts - ts FROM odd": "arithmetic on duration[us]",
    "SELECT date_bin(interval '1 month', ts) FROM odd": "only bins of a constant time",
    "SELECT date_bin(interval '1 day', ts, timestamp '2000-01-01') FROM odd": "date_bin of other",
    "SELECT id, make_date(i4, 1, 1) FROM odd WHERE id < 0": "only a constant year",
    "SELECT EXTRACT(NANOSECOND FROM ts) FROM odd": "this part of a date",
    "SELECT id, to_char(d, '%e') FROM odd": "a part of this format has no word there",
    "SELECT id, to_char(tm, '%H') FROM odd": "to_char of time64[us]",
    "SELECT id, to_char(d, v) FROM odd WHERE v = 'a'": "only a constant format is pushed",
    "SELECT id, u::varchar FROM odd": "the conversion of decimal128(38, 18) to string",
    "SELECT id, ts::varchar FROM odd": "the conversion of timestamp[us] to string",
    "SELECT id, f8::varchar FROM odd": "the conversion of double to string",
    "SELECT id, f8::float FROM odd": "the conversion of double to float",
    "SELECT id, t::double FROM digits": "the conversion of string to double",
    "SELECT id, try_cast(t AS int) FROM texts": "the conversion of string to int32",
    "SELECT id, try_cast(i8 AS int) FROM odd": "the conversion of int64 to int32",
    "SELECT max(raw) FROM odd": "max of binary",
    "SELECT stddev(n) FROM odd WHERE id < 3": "aggregate stddev is not proven there",
    "SELECT count(DISTINCT i4), median(i4) FROM odd": "aggregate median is not proven there",
    "SELECT string_agg(t, '-') FROM texts WHERE t = 'a'": "texts are joined in the order of",
    "SELECT string_agg(DISTINCT t, '-' ORDER BY t) FROM texts": "string_agg of distinct texts",
    "SELECT array_agg(i4 ORDER BY id) FROM odd": "aggregate array_agg is not proven there",
}
"""Statements with a part that must stay here, and the reason that EXPLAIN gives."""

UNREACHED = {"date_trunc"}
"""Rules with a condition that whatever the engine binds meets: it has no other units."""
