"""Statements that DuckDB answers whole, for its functions of numbers, texts and times.

Each name is that of a rule; `test_duckdb_dialect` runs them. The tables are those of
`unpleasant_duckdb`.
"""

from __future__ import annotations

_RECENT_TS = "ts > timestamp '1678-01-01' AND ts < timestamp '2261-01-01'"
_RECENT_TSTZ = "tstz > '1678-01-01T00:00:00Z' AND tstz < '2261-01-01T00:00:00Z'"
_RECENT_D = "d > date '1678-01-01' AND d < date '2261-01-01'"
_SMALL = "w < 1000 AND w > -1000"

NUMBERS: dict[str, list[str]] = {
    "add": [
        "SELECT n + n, n + 1, n + i4, n + i2 FROM odd",
        "SELECT m + m, n + m, m + 5 FROM odd",
        "SELECT i4 + 1, i2 + 1, i1 + 1, date_part('month', d) + 1 FROM odd",
        "SELECT i4::bigint + i2 FROM odd",
        "SELECT x + y, y + x, x + 3, x + y + x FROM pairs",
        "SELECT big + 1, h + 1 FROM odd WHERE big < 1000 AND h < 1000",
        "SELECT i4 + i4, i2 + i2, i1 + i1, i8 + i8, i8 + i4, i4 + i4 + i2, i8 + 1 FROM odd",
        "SELECT a.id, b.id, a.i8 + b.i8, a.i4 + b.i4, a.i2 + b.i2, a.i1 + b.i1 FROM many a, many b",
        "SELECT id FROM odd WHERE i8 + 1 < 0 OR i4 + i4 = -2",
        "SELECT i4 + i4 AS x, count(*), sum(i8 + i4) FROM odd GROUP BY x",
        "SELECT d + interval '1 month -2 days', d + interval '36 hours', d + 1 FROM odd"
        " WHERE d < date '9000-01-01'",
        "SELECT d + interval '13 months' FROM odd WHERE d < date '9000-01-01'",
        f"SELECT ts + interval '1 day', ts + interval '1 month -2 days 3.5 seconds' FROM odd"
        f" WHERE {_RECENT_TS}",
        f"SELECT tstz + interval '1 day', tstz + interval '13 months 1 hour' FROM odd"
        f" WHERE {_RECENT_TSTZ}",
        "SELECT a.id FROM many a JOIN many b ON a.d = b.d + interval '1 day'",
    ],
    "subtract": [
        "SELECT n - n, n - 1, w - w, n - i4, 1 - n FROM odd",
        "SELECT m - m, n - m FROM odd",
        "SELECT i4 - 1, 5 - i2, id - -5 FROM odd",
        "SELECT i4::bigint - i2 FROM odd",
        "SELECT x - y, y - x FROM pairs",
        "SELECT i4 - i2, i2 - i2, i8 - i4, 5 - i8, i8 - 9223372036854775807 FROM odd",
        "SELECT a.id, b.id, a.i8 - b.i8, a.i4 - b.i4, a.i2 - b.i2, a.i1 - b.i1 FROM many a, many b",
        "SELECT a.d - b.d, a.d - date '2000-01-01' FROM many a, many b",
        "SELECT d - 40, d - interval '1 month', d - interval '36 hours' FROM odd",
        f"SELECT ts - interval '1 month 1 day', ts - interval '36 hours 0.000001 seconds' FROM odd"
        f" WHERE {_RECENT_TS}",
        "SELECT id FROM odd WHERE d > date '2024-01-01' - interval '1 year'",
    ],
    "multiply": [
        "SELECT n * n, n * 2, n * i4, n * -1 FROM odd",
        "SELECT m * m, n * m, m * 5 FROM odd",
        "SELECT i4 * 2, i2 * -3 FROM odd",
        "SELECT i2::bigint * i4 FROM odd",
        "SELECT x * y, x * (1 - y), x * (1 - y) * (1 + y) FROM pairs",
        f"SELECT n * w FROM odd WHERE {_SMALL}",
        "SELECT i4::double * 2.5, n::double * 0.1, i8::double * 0.3 FROM odd",
        "SELECT i4 * i4, i2 * i2, i1 * i1, i8 * i8, i8 * 3, i8 * -1, i8 * i4, i4 * i2 FROM odd",
        "SELECT a.id, b.id, a.i8 * b.i8, a.i4 * b.i4, a.i2 * b.i2, a.i1 * b.i1 FROM many a, many b",
        "SELECT i4::bigint * (i4::bigint + i4), i4 * i4 * i4, -i8 * i8 FROM odd",
        "SELECT sum(i4 * i2), sum(i8 * i4) FROM odd",
    ],
    "divide": [
        "SELECT x / y FROM pairs WHERE y <> 0",
        "SELECT y / x, y / x / 3 FROM pairs WHERE x <> 0",
        "SELECT x / 3, x / 7, x / -7 FROM pairs",
        "SELECT x / a FROM pairs WHERE a <> 0",
        f"SELECT w / 3, n / 7 FROM odd WHERE {_SMALL}",
        f"SELECT w / n FROM odd WHERE n <> 0 AND {_SMALL}",
        "SELECT n / w FROM odd WHERE w <> 0",
        "SELECT m / n, n / m FROM odd WHERE n <> 0 AND m <> 0",
        "SELECT CASE WHEN y <> 0 THEN x / y END FROM pairs",
        "SELECT id FROM odd WHERE n / 7 > 1 OR n / -3 = 2.5",
        "SELECT i4::double / 2.5, i8::double / 3.0 FROM odd",
        "SELECT i4 / 2, i8 / -7, i2 / 100, i1 / 3, i8 / 9223372036854775807 FROM odd",
        "SELECT n / 0.01 FROM nothing",
        "SELECT a / b, b / a, a / b / 2 FROM pairs WHERE a <> 0 AND b <> 0",
        "SELECT i8 / i2, i4 / i2 FROM odd WHERE i2 > 1",
    ],
    "modulus": [
        "SELECT i4 % 7, i8 % -7, i2 % 100, i1 % 3, i8 % 2147483648 FROM odd",
        "SELECT a % b, b % a FROM pairs WHERE a <> 0 AND b <> 0",
        "SELECT i8 % i2 FROM odd WHERE i2 > 1",
        "SELECT n % 3, n % 0.7::decimal(5,1), w % 7, n % w FROM odd WHERE w <> 0",
        "SELECT x % y, y % x FROM pairs WHERE x <> 0 AND y <> 0",
    ],
    "negate": [
        "SELECT -n, -m, -w, -big FROM odd",
        "SELECT -(i4::bigint), -(i2 / 2) FROM odd",
        "SELECT -i1, -i2, -i4, -i8, -(i4 + i4) FROM odd",
    ],
    "abs": [
        "SELECT abs(n), abs(w), abs(m), abs(big) FROM odd",
        "SELECT abs(i4::bigint), abs(i1::int) FROM odd",
        "SELECT abs(i4), abs(i8) FROM odd WHERE i4 > -2147483648 AND i8 > -9223372036854775808",
    ],
    "signum": ["SELECT signum(i4), signum(n), signum(f8), signum(f4), signum(i8) FROM odd"],
    "floor": [
        "SELECT floor(i4), floor(f4), floor(f8), floor(i8) FROM odd",
        "SELECT floor(n), floor(n / 7) FROM odd WHERE n > -1000",
        f"SELECT floor(w) FROM odd WHERE {_SMALL}",
        "SELECT floor(x), floor(y), floor(y::double) AS f, floor(x * y) FROM pairs",
    ],
    "ceil": [
        "SELECT ceil(i4), ceil(f4), ceil(f8), ceil(i8) FROM odd",
        "SELECT ceil(n), ceil(n / 7) FROM odd WHERE n < 1000",
        f"SELECT ceil(w) FROM odd WHERE {_SMALL}",
        "SELECT ceil(x), ceil(y), ceil(x * y), ceil(y::double) AS f FROM pairs",
    ],
    "round": [
        "SELECT round(i4), round(n), round(n, 1), round(n, 3), round(f8), round(f4) FROM odd",
        "SELECT round(n, -1), round(n, -2) FROM odd",
        "SELECT round(i2, 2), round(i4, 1), round(i8, 0) FROM odd",
        f"SELECT round(w), round(w, 3), round(w, -2) FROM odd WHERE {_SMALL}",
        "SELECT round(x), round(x, 1), round(y, 2), round(y, 1), round(y), round(x * y) FROM pairs",
        "SELECT round(y::double), round(y::double * 4.5), round(x::double) FROM pairs",
    ],
    "trunc": [
        "SELECT trunc(f8), trunc(f4), trunc(n), trunc(w), trunc(n, 1), trunc(i4) FROM odd",
        "SELECT trunc(y, 1), trunc(y), trunc(x, -1), trunc(y, 9), trunc(x * y, 2) FROM pairs",
        "SELECT trunc(y::double), trunc(y::double * 4.5) FROM pairs",
    ],
    "gcd": ["SELECT gcd(i4, i2), gcd(i4, 12), gcd(i2, i2), gcd(i1, -6), gcd(i2, 0) FROM odd"],
    "lcm": ["SELECT lcm(i2, 7), lcm(i4, i2), lcm(i2, 0), lcm(i1, -6) FROM odd"],
    "factorial": ["SELECT factorial(a) FROM pairs WHERE a BETWEEN 0 AND 20"],
    "is_nan": ["SELECT isnan(f8), isnan(f4) FROM odd", "SELECT id FROM odd WHERE NOT isnan(f8)"],
    "iszero": ["SELECT iszero(f8), iszero(f4), iszero(i4), iszero(n), iszero(i2) FROM odd"],
    "nanvl": ["SELECT nanvl(f8, 1.0), nanvl(f8, f4), nanvl(f4, f8) FROM odd"],
    "bitwise_and": ["SELECT i4 & 12, i8 & 255, i2 & i2, i8 & i4, i1 & i1 FROM odd"],
    "bitwise_or": ["SELECT i2 | 5, i8 | -1, i4 | i2, i1 | i2 FROM odd"],
    "bitwise_xor": ["SELECT i4 ^ 3, i8 ^ i4, i2 ^ i2, i1 ^ i1 FROM odd"],
    "bitwise_shift_left": ["SELECT i8 << 3, i4 << 5, i2 << 2, i8 << 63, i4 << 0 FROM odd"],
    "bitwise_shift_right": ["SELECT i8 >> 3, i4 >> 33, i8 >> 63, i2 >> 2, i1 >> 0 FROM odd"],
}

_ILIKE = ("A%", "%K%", "_s", "%B", "a_B", "ss", "s", "k", "i", "I%", "%\\%%", "%'%", "FI", "abc")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


TEXTS: dict[str, list[str]] = {
    "ilike": [
        f"SELECT id FROM {table} WHERE t {no}ILIKE {_quoted(pattern)}"
        for table in ("texts", "folds")
        for no in ("", "NOT ")
        for pattern in _ILIKE
    ],
    "substring": [
        f"SELECT id, substr(t, {start}) FROM texts" for start in (-5, -1, 0, 1, 2, 100, 2147483647)
    ]
    + [
        f"SELECT id, substr(t, {start}, {length}) FROM texts"
        for start in (-2147483647, -1, 0, 1, 2, 2147483647)
        for length in (0, 1, 2, 3, 2147483647)
    ]
    + ["SELECT substring(folded, 1, 3), substr(e, 2, 2), substr(uid, 1, 4) FROM odd"],
    **{
        side: [
            f"SELECT id, {side}(t, {count}) FROM texts"
            for count in (0, 1, 2, 100, -1, -2, 2147483647, -2147483647)
        ]
        + [f"SELECT a.id, b.id, {side}(a.t, b.i4), {side}(a.t, b.i2) FROM words a, many b"]
        for side in ("left", "right")
    },
    "character_length": [
        "SELECT id, character_length(t) FROM texts",
        "SELECT id, char_length(folded), length(e) FROM odd",
    ],
    "octet_length": ["SELECT id, octet_length(t) FROM texts", "SELECT octet_length(e) FROM odd"],
    "bit_length": ["SELECT id, bit_length(t) FROM texts"],
    "ascii": ["SELECT id, ascii(t) FROM texts", "SELECT id FROM texts WHERE ascii(t) > 127"],
    "strpos": [
        f"SELECT id, strpos(t, {_quoted(part)}) FROM texts"
        for part in ("", "a", "b", "é", "\u0301", "%", "\U0001f600", "abc", "\n")
    ]
    + ["SELECT a.id, b.id, strpos(a.t, b.t) FROM words a, words b"],
    "str_concat": [
        "SELECT id, t || 'x', 'x' || t || t FROM texts",
        "SELECT id, e || folded || uid FROM odd",
        "SELECT a.id, b.id FROM words a, words b WHERE a.t || b.t = 'aa'",
    ],
    "concat": [
        "SELECT id, concat(t, 'x', t) FROM texts",
        "SELECT id, concat(e, folded, uid), concat(e) FROM odd",
        "SELECT a.id, b.id, concat(a.t, '-', b.t) FROM words a, words b",
    ],
    "concat_ws": [
        "SELECT a.id, b.id, concat_ws(b.t, a.t, 'x', b.t) FROM words a, words b",
        "SELECT concat_ws('-', folded, e, b), concat_ws('', e, folded) FROM odd",
    ],
    "replace": [
        f"SELECT id, replace(t, {_quoted(part)}, {_quoted(by)}) FROM texts"
        for part in ("a", "ab", "é", "\U0001f600", " ", "\\", "'")
        for by in ("", "xyz", "ä")
    ]
    + [
        "SELECT id, replace(t, 'a', t), replace(t, '', 'x') FROM texts",
        "SELECT a.id, b.id, replace(a.t, b.t, 'x'), replace(a.t, 'a', b.t) FROM words a, words b",
    ],
    "translate": [
        "SELECT id, translate(t, 'ab', 'x'), translate(t, 'aa', 'xy') FROM texts",
        "SELECT id, translate(t, '', 'x'), translate(t, 'ä\u0301e', 'aé') FROM texts",
        "SELECT a.id, b.id, translate(a.t, b.t, 'xyz') FROM words a, words b",
    ],
    "reverse": ["SELECT reverse(i4::varchar), reverse(b::varchar), reverse(md5(e)) FROM odd"],
    "repeat": [
        "SELECT repeat(t, 3), repeat(t, 0), repeat(t, -1) FROM texts",
        "SELECT repeat(e, i1) FROM odd WHERE i1 < 100",
    ],
    "split_part": [
        f"SELECT id, split_part(t, {_quoted(by)}, {part}) FROM texts"
        for by in ("a", "ab", "é", "|", "\u0301", "'")
        for part in (1, 2, 3, -1, -2)
    ],
    "overlay": [
        f"SELECT id, overlay(t placing 'Zé' from {start} for {length}) FROM texts"
        for start in (1, 2, 100)
        for length in (0, 1, 3)
    ]
    + [
        "SELECT overlay(t placing 'Z' from 2) FROM texts",
        "SELECT overlay(a.t placing b.t from 2), overlay(a.t placing b.t from 1) FROM words a,"
        " words b",
    ],
    "starts_with": [
        "SELECT id, starts_with(t, ''), starts_with(t, 'a'), starts_with(t, 'é') FROM texts",
        "SELECT a.id, b.id FROM words a, words b WHERE starts_with(a.t, b.t)",
        "SELECT id, starts_with(folded, 'a') FROM odd",
    ],
    "ends_with": [
        "SELECT id, ends_with(t, ''), ends_with(t, 'b'), ends_with(t, '\u0301') FROM texts",
        "SELECT a.id, b.id FROM words a, words b WHERE ends_with(a.t, b.t)",
    ],
    "contains": [
        "SELECT id, contains(t, ''), contains(t, 'b'), contains(t, '\u0301') FROM texts",
        "SELECT a.id, b.id FROM words a, words b WHERE contains(a.t, b.t)",
    ],
    **{
        name: [
            f"SELECT id, {name}(t), {name}(t, 'a '), {name}(t, 'äé\U0001f600%') FROM texts",
            f"SELECT a.id, b.id, {name}(a.t, b.t) FROM words a, words b",
            f"SELECT id, {name}(e), {name}(e, 'a'), {name}(folded, 'aB') FROM odd",
        ]
        for name in ("btrim", "ltrim", "rtrim")
    },
    "upper": ["SELECT upper(i4::varchar || 'x'), upper(b::varchar), upper(md5(e)) FROM odd"],
    "lower": ["SELECT lower(b::varchar || 'XyZ'), lower(to_hex(i4)), lower(n::varchar) FROM odd"],
    "lpad": [
        "SELECT lpad(i4::varchar, 5, '0'), lpad(n::varchar, 20), lpad(b::varchar, 3) FROM odd",
        "SELECT lpad(i4::varchar, 9, 'xyz'), lpad(i8::varchar, 0, 'x') FROM odd",
    ],
    "rpad": [
        "SELECT rpad(i8::varchar, 12, 'xy'), rpad(b::varchar, 2), rpad(i4::varchar, 6) FROM odd"
    ],
    "to_hex": ["SELECT to_hex(i1), to_hex(i2), to_hex(i4), to_hex(i8) FROM odd"],
    "encode": [
        "SELECT encode(raw, 'hex'), encode(raw, 'base64') FROM odd",
        "SELECT encode(sha256(e), 'hex'), encode(sha256(e), 'base64') FROM odd",
    ],
    "md5": [
        "SELECT md5(t) FROM texts",
        "SELECT md5(raw), md5(folded) FROM odd",
        "SELECT id FROM texts WHERE md5(t) = '0cc175b9c0f1b6a831c399e269772661'",
    ],
    "sha256": ["SELECT sha256(t) FROM texts", "SELECT sha256(raw), sha256(folded) FROM odd"],
}

_DATE_PARTS = (
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "doy",
    "dow",
    "isodow",
    "isoyear",
    "epoch",
)
_TIME_PARTS = ("hour", "minute", "second", "millisecond", "microsecond")
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")

TIMES: dict[str, list[str]] = {
    "date_part": [
        f"SELECT id, date_part('{part}', d), date_part('{part}', ts), date_part('{part}', tstz)"
        " FROM odd"
        for part in _DATE_PARTS
    ]
    + [
        f"SELECT id, date_part('{part}', ts), date_part('{part}', tstz), date_part('{part}', tm)"
        " FROM odd"
        for part in _TIME_PARTS
    ]
    + [
        "SELECT EXTRACT(YEAR FROM d) AS y, count(*) FROM odd GROUP BY y",
        "SELECT id FROM odd WHERE EXTRACT(MONTH FROM ts) = 12 OR EXTRACT(DOW FROM d) = 0",
        "SELECT id FROM odd WHERE date_part('epoch', ts) > 0.5",
        *(f"SELECT date_part('{p}', d), date_part('{p}', ts) FROM early" for p in _DATE_PARTS),
    ],
    "date_trunc": [
        *(f"SELECT date_trunc('{unit}', ts) FROM odd WHERE {_RECENT_TS}" for unit in _UNITS),
        *(f"SELECT date_trunc('{unit}', tstz) FROM odd WHERE {_RECENT_TSTZ}" for unit in _UNITS),
        *(f"SELECT date_trunc('{unit}', d) FROM odd WHERE {_RECENT_D}" for unit in _UNITS[:5]),
        f"SELECT date_trunc('month', ts) AS x, count(*) FROM odd WHERE {_RECENT_TS}"
        " GROUP BY x ORDER BY x",
        f"SELECT date_trunc('month', d) AS x, count(*) FROM odd WHERE {_RECENT_D}"
        " GROUP BY x ORDER BY x",
        f"SELECT date_trunc('month', d)::date FROM odd WHERE {_RECENT_D}",
        "SELECT date_trunc('hour', ts), date_trunc('second', ts) FROM early",
        *(
            f"SELECT id, date_trunc('{unit}', ts) {operator} timestamp '{constant}' FROM odd"
            for unit in ("day", "second")
            for operator in ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM")
            for constant in ("2024-02-29 00:00:00", "2024-02-29 12:34:56.789012")
        ),
    ],
    "make_date": [
        "SELECT make_date(date_part('year', d), date_part('month', d), 1) FROM odd",
        "SELECT make_date(2024, date_part('month', d), date_part('day', d)) FROM odd",
        "SELECT make_date(date_part('year', d), date_part('month', d), 1) FROM early",
    ],
}

ANY: dict[str, list[str]] = {
    "nullif": [
        "SELECT nullif(i4, 1), nullif(e, 'ok'), nullif(n, 3), nullif(folded, 'a') FROM odd",
        "SELECT nullif(i4, i8), nullif(d, date '2000-02-29'), nullif(b, true) FROM odd",
    ],
    **{
        name: [
            f"SELECT {name}(i4, i8, 2), {name}(n, w), {name}(e, folded), {name}(i2, 5) FROM odd",
            f"SELECT {name}(folded, e, 'b'), {name}(b, true), {name}(u4, u8) FROM odd",
            f"SELECT {name}(d, date '2000-01-01') FROM odd",
            f"SELECT {name}(ts, NULL), {name}(i4::double, 1.5), {name}(raw, X'61') FROM odd",
            f"SELECT a.id, b.id, {name}(a.t, b.t) FROM words a, words b",
        ]
        for name in ("greatest", "least")
    },
}
