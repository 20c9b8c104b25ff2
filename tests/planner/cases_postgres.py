"""Statements that PostgreSQL answers whole, for its functions of numbers, texts and times.

Each name is that of a rule; `test_postgres_dialect` runs them. `odd`, `texts` and `pairs` are the
tables of `unpleasant`.
"""

from __future__ import annotations

from tests.planner import cases_letter_case as letters

_RECENT_TS = "ts > timestamp '1678-01-01' AND ts < timestamp '2261-01-01'"
_RECENT_TSTZ = "tstz > '1678-01-01T00:00:00Z' AND tstz < '2261-01-01T00:00:00Z'"
_RECENT_D = "d > date '1678-01-01' AND d < date '2261-01-01'"
_SMALL = "w < 1000 AND w > -1000"

NUMBERS: dict[str, list[str]] = {
    "add": [
        "SELECT n + n, n + 1, n + i4, n + i2, u + 1 FROM odd",
        "SELECT i4 + 1, i2 + 1, date_part('month', d) + 1, octet_length(v) + 1 FROM odd",
        "SELECT i4::bigint + i2 FROM odd",
        "SELECT i4 + i4, i2 + i2, i4 + i2, i8 + i8, i8 + i4, i4 + i4 + i2, i8 + (i4 + i4) FROM odd",
        "SELECT i8 + 1, i8 + 9223372036854775805, i8 + -1, 7 + i8, i8 + 2147483648 FROM odd",
        "SELECT i8 + 9223372036854775806, i8 + 9223372036854775807 FROM odd",
        "SELECT a.id, b.id, a.i8 + b.i8, a.i4 + b.i4, a.i2 + b.i2 FROM odd a, odd b",
        "SELECT id FROM odd WHERE i8 + 1 < 0 OR i4 + i4 = -2",
        "SELECT i4 + i4 AS x, count(*), sum(i8 + i4) FROM odd GROUP BY x",
        "SELECT i4::double + 1.5, n::double + 0.1, 2.5 + i2::double FROM odd",
        "SELECT f8 + 1, f8 + -1.5, 1e280 + f8, f4 + 1, f8 + i4, f8 + n::double FROM odd",
        "SELECT i4::double + 1.5 AS x, count(*) FROM odd GROUP BY x ORDER BY x",
        "SELECT x + y, y + x, x + 3 FROM pairs",
        "SELECT big + 1 FROM odd WHERE big < 1000",
        "SELECT d + 1, d + interval '1 month -2 days', d + interval '36 hours' FROM odd"
        " WHERE d < date '9000-01-01'",
        "SELECT d + interval '13 months', ts + interval '5 months' FROM early",
        f"SELECT ts + interval '1 day', ts + interval '1 month -2 days 3.5 seconds' FROM odd"
        f" WHERE {_RECENT_TS}",
        f"SELECT tstz + interval '1 day', tstz + interval '13 months 1 hour' FROM odd"
        f" WHERE {_RECENT_TSTZ}",
        "SELECT a.id FROM odd a JOIN odd b ON a.d = b.d + interval '1 day'",
    ],
    "subtract": [
        "SELECT n - n, n - 1, w - w, n - i4, 1 - n FROM odd",
        "SELECT i4 - 1, 5 - i2, id - -5 FROM odd",
        "SELECT i4::bigint - i2 FROM odd",
        "SELECT i4 - i2, i2 - i2, i8 - i4, 5 - i8, -9223372036854775808 - i8 FROM odd",
        "SELECT i8 - 1, i8 - 9223372036854775805, i8 - -1, i8 - 9223372036854775807 FROM odd",
        "SELECT a.id, b.id, a.i8 - b.i8, a.i4 - b.i4, a.i2 - b.i2 FROM odd a, odd b",
        "SELECT f8 - 1, 1.5 - f8, f8 - i4, i4::double - 0.5, f4 - 1.5 FROM odd",
        "SELECT id FROM odd WHERE f8 - 1 > 0.25 OR f8 - 1 < -100",
        "SELECT x - y, y - x FROM pairs",
        "SELECT a.d - b.d, a.d - date '2000-01-01' FROM odd a, odd b",
        "SELECT d - 40, d - interval '1 month', d - interval '36 hours' FROM odd",
        f"SELECT ts - interval '1 month 1 day', ts - interval '36 hours 0.000001 seconds' FROM odd"
        f" WHERE {_RECENT_TS}",
        "SELECT id FROM odd WHERE d > date '2024-01-01' - interval '1 year'",
    ],
    "multiply": [
        "SELECT n * n, n * 2, n * i4, n * -1 FROM odd",
        "SELECT i4 * 2, i2 * -3 FROM odd",
        "SELECT i2::bigint * i4 FROM odd",
        "SELECT i4 * i4, i2 * i2, i8 * i8, i8 * 3, i8 * -1, i8 * i4, i4 * i2 FROM odd",
        "SELECT a.id, b.id, a.i8 * b.i8, a.i4 * b.i4, a.i2 * b.i2 FROM odd a, odd b",
        "SELECT i4::bigint * (i4::bigint + i4), i4 * i4 * i4, -i8 * i8 FROM odd",
        "SELECT sum(i4 * i2), sum(i8 * i4) FROM odd",
        "SELECT i4::double * i2::double * 1.5, i4::double * -2.5, i4 * 2.5 + 1 FROM odd",
        "SELECT id FROM odd WHERE i4 * -2.5 < 0.0 OR i4 * 0.0 >= i2 * -1.0",
        "SELECT x * y, x * (1 - y), x * (1 - y) * (1 + y) FROM pairs",
        f"SELECT n * w, w * w FROM odd WHERE {_SMALL}",
        "SELECT i4::double * 2.5, n::double * 0.1, w::double * 0.001, i8::double * 0.3 FROM odd",
    ],
    "divide": [
        "SELECT x / y FROM pairs WHERE y <> 0",
        "SELECT y / x, y / x / 3 FROM pairs WHERE x <> 0",
        "SELECT x / 3, x / 7, x / -7 FROM pairs",
        "SELECT x / a FROM pairs WHERE a <> 0",
        f"SELECT w / 3, n / 7 FROM odd WHERE {_SMALL}",
        f"SELECT w / n FROM odd WHERE n <> 0 AND {_SMALL}",
        "SELECT n / w FROM odd WHERE w <> 0",
        "SELECT CASE WHEN y <> 0 THEN x / y END FROM pairs",
        "SELECT id FROM odd WHERE n / 7 > 1 OR n / -3 = 2.5",
        "SELECT i4::double / 2.5, i8::double / 3.0, 100.0 * i4 / 7, (n + 1.5) / 2.0 FROM odd",
        "SELECT i4 / 2, i8 / -7, i2 / 100, i8 / 9223372036854775807 FROM odd",
        "SELECT a / b, b / a, a / b / 2 FROM pairs WHERE a <> 0 AND b <> 0",
        "SELECT i8 / i2, i4 / i2 FROM odd WHERE i2 > 1",
    ],
    "modulus": [
        "SELECT i4 % 7, i8 % -7, i2 % 100, i8 % -1, i4 % 2147483647 FROM odd",
        "SELECT a % b, b % a FROM pairs WHERE a <> 0 AND b <> 0",
        "SELECT i8 % i2 FROM odd WHERE i2 <> 0",
        "SELECT n % 3, n % 0.7::decimal(5,1), w % 7, big % 3, n % w FROM odd WHERE w <> 0",
        "SELECT x % y, y % x FROM pairs WHERE x <> 0 AND y <> 0",
    ],
    "negate": [
        "SELECT -i2, -i4, -i8, -(i4 + i4) FROM odd",
        "SELECT -n, -w, -big, -f4, -f8 FROM odd",
        "SELECT -(i2::int), -(i4::bigint) FROM odd",
    ],
    "abs": [
        "SELECT abs(n), abs(w), abs(f4), abs(f8), abs(big) FROM odd",
        "SELECT abs(i4), abs(i8) FROM odd WHERE i4 > -2147483648 AND i8 > -9223372036854775808",
        "SELECT abs(i2) FROM odd WHERE i2 > -32768",
    ],
    "sqrt": [
        "SELECT sqrt(i4), sqrt(i8), sqrt(n) FROM odd WHERE i4 >= 0 AND i8 >= 0 AND n >= 0",
        "SELECT id, sqrt(f8), sqrt(f4) FROM odd WHERE f8 >= 0 AND f4 >= 0",
        "SELECT sqrt(i4) < 6.5 FROM odd WHERE i4 > 0",
    ],
    "signum": ["SELECT signum(i4), signum(n), signum(f8), signum(f4), signum(i8) FROM odd"],
    "floor": [
        "SELECT floor(i4), floor(f4), floor(f8), floor(i8) FROM odd",
        "SELECT floor(n), floor(n / 7) FROM odd WHERE n > -1000",
        f"SELECT floor(w), floor(u) FROM odd WHERE {_SMALL} AND u > -1",
        "SELECT floor(x), floor(y) FROM pairs",
    ],
    "ceil": [
        "SELECT ceil(i4), ceil(f4), ceil(f8), ceil(i8) FROM odd",
        "SELECT ceil(n), ceil(n / 7) FROM odd WHERE n < 1000",
        f"SELECT ceil(w) FROM odd WHERE {_SMALL}",
        "SELECT ceil(x), ceil(y), ceil(x * y) FROM pairs",
    ],
    "round": [
        "SELECT round(i4), round(n), round(n, 1), round(n, -1), round(n, 3) FROM odd",
        "SELECT round(n, -20) FROM odd",
        "SELECT round(i2, 2), round(i4, 1), round(i8, 0), round(i4::double) FROM odd",
        "SELECT round(i4, -1), round(i4, -2) FROM odd WHERE i4 < 1000 AND i4 > -1000",
        "SELECT round(i2, -1), round(i2, -3) FROM odd WHERE i2 < 1000 AND i2 > -1000",
        "SELECT round(a * 10, -2), round(a * 50, -2), round(b * 5, -1) FROM pairs",
        f"SELECT round(w), round(w, 3), round(w, -2) FROM odd WHERE {_SMALL}",
        "SELECT round(x), round(x, 1), round(y, 2), round(y, 1), round(y), round(x * y) FROM pairs",
    ],
    "trunc": [
        "SELECT trunc(f8), trunc(f4), trunc(n), trunc(w), trunc(n, 1), trunc(i4) FROM odd",
        "SELECT trunc(y, 1), trunc(y), trunc(x, -1), trunc(y, 9), trunc(x * y, 2) FROM pairs",
    ],
    "gcd": [
        "SELECT gcd(i4, i2), gcd(i8, 12), gcd(i2, i2) FROM odd WHERE i8 > -9223372036854775808"
    ],
    "lcm": ["SELECT lcm(i2, 7), lcm(i4, i2), lcm(i2, 0) FROM odd"],
    "factorial": ["SELECT factorial(a) FROM pairs WHERE a BETWEEN 0 AND 20"],
    "is_nan": ["SELECT isnan(f8), isnan(f4) FROM odd", "SELECT id FROM odd WHERE NOT isnan(f8)"],
    "iszero": ["SELECT iszero(f8), iszero(f4), iszero(i4), iszero(n), iszero(i2) FROM odd"],
    "nanvl": ["SELECT nanvl(f8, 1.0), nanvl(f8, f4), nanvl(f4, f8) FROM odd"],
    "bitwise_and": ["SELECT i4 & 12, i8 & 255, i2 & i2, i8 & i4 FROM odd"],
    "bitwise_or": ["SELECT i2 | 5, i8 | -1, i4 | i2 FROM odd"],
    "bitwise_xor": ["SELECT i4 ^ 3, i8 ^ i4, i2 ^ i2 FROM odd"],
    "bitwise_shift_left": ["SELECT i8 << 3, i4 << 5, i2 << 2, i8 << 63, i4 << 0 FROM odd"],
    "bitwise_shift_right": ["SELECT i8 >> 3, i4 >> 33, i8 >> 63, i2 >> 2 FROM odd"],
}

_PATTERNS = ("A%", "%K%", "_s", "%B", "a_B", "ss", "%\\%%", "%'%", "%É", "FI", "abc", "I%", "%")

_REGEXES = (
    *("^a.b$", "a.", "^.$", "[a-z]", "^[A-Z]+$", "[^a-z]", "^(a|b)c*$", "x?y", "(ab|s)+", "k{1,2}"),
    *(
        "^[0-9]{2,}$",
        r"\.",
        r"^\(a",
        r"[\\]",
        "^[^ ]*$",
        "(?:s|k)$",
        "^.*?h$",
        "[ks]",
        "[^k]",
        "s.?t",
    ),
    *("^[a-zA-Z0-9._%+-]+$", "'s", "[-_a]", "a|b|^$", "^(.)$", "x.y", "x[^a]y"),
)

TEXTS: dict[str, list[str]] = {
    "ilike": [
        f"SELECT id FROM {table} WHERE t {no}ILIKE '{pattern.replace(chr(39), chr(39) * 2)}'"
        for table in ("texts", "folds")
        for no in ("", "NOT ")
        for pattern in _PATTERNS
        if pattern.isascii()
    ],
    "substring": [
        f"SELECT id, substr(t, {start}) FROM texts" for start in (-5, -1, 0, 1, 2, 100, 2147483647)
    ]
    + [
        f"SELECT id, substr(t, {start}, {length}) FROM texts"
        for start in (-2147483647, -1, 0, 1, 2, 2147483647)
        for length in (0, 1, 2, 3, 2147483647)
    ]
    + [
        "SELECT substring(c, 1, 3), substring(v, 2), substr(e, 2, 2), substr(uid, 1, 4) FROM odd",
        "SELECT a.id, b.id, substr(a.t, b.i4), substr(a.t, b.i4, 2) FROM texts a, odd b",
        "SELECT a.id, b.id, substr(a.t, 2, b.i4) FROM texts a, odd b WHERE b.i4 >= 0",
        "SELECT id, substr(t, id::int, 2) FROM texts",
    ],
    "left": [
        f"SELECT id, left(t, {count}) FROM texts"
        for count in (0, 1, 2, 100, -1, -2, 2147483647, -2147483647)
    ]
    + ["SELECT a.id, b.id, left(a.t, b.i4), left(a.t, b.i2) FROM texts a, odd b"],
    "right": [
        f"SELECT id, right(t, {count}) FROM texts"
        for count in (0, 1, 2, 100, -1, -2, 2147483647, -2147483647)
    ]
    + ["SELECT a.id, b.id, right(a.t, b.i4), right(a.t, b.i2) FROM texts a, odd b"],
    "character_length": [
        "SELECT id, character_length(t) FROM texts",
        "SELECT id, length(c), length(v), char_length(folded), length(e) FROM odd",
    ],
    "octet_length": ["SELECT id, octet_length(t) FROM texts", "SELECT octet_length(c) FROM odd"],
    "bit_length": ["SELECT id, bit_length(t) FROM texts"],
    "ascii": ["SELECT id, ascii(t) FROM texts", "SELECT ascii(t) FROM folds"],
    "strpos": ["SELECT a.id, b.id, strpos(a.t, b.t) FROM texts a, texts b"],
    "contains": [
        "SELECT a.id, b.id, contains(a.t, b.t) FROM texts a, texts b",
        "SELECT id FROM odd WHERE contains(v, 'b') OR contains(folded, '')",
    ],
    "starts_with": ["SELECT a.id, b.id, starts_with(a.t, b.t) FROM texts a, texts b"],
    "ends_with": [
        "SELECT a.id, b.id, ends_with(a.t, b.t) FROM texts a, texts b",
        "SELECT id FROM odd WHERE ends_with(c, 'b') OR ends_with(v, ' ') IS NULL",
    ],
    "str_concat": [
        "SELECT a.id, b.id, a.t || b.t, a.t || 'x' || b.t FROM texts a, texts b",
        "SELECT v || i4, uid || j, c || v, folded || v FROM odd",
        "SELECT a.id, b.id FROM texts a, texts b WHERE a.t || b.t = 'aa'",
    ],
    "concat": [
        "SELECT a.id, b.id, concat(a.t, '-', b.t) FROM texts a, texts b",
        "SELECT concat(v, i4), concat(e, folded, uid), concat(e, b) FROM odd",
    ],
    "concat_ws": [
        "SELECT a.id, b.id, concat_ws(b.t, a.t, 'x', b.t) FROM texts a, texts b",
        "SELECT concat_ws('-', c, e, b), concat_ws('', v, folded) FROM odd",
    ],
    "replace": [
        "SELECT a.id, b.id, replace(a.t, b.t, 'x'), replace(a.t, 'a', b.t) FROM texts a, texts b",
        "SELECT id, replace(t, 'é', ''), replace(t, '\U0001f600', 'ab') FROM texts",
    ],
    "reverse": ["SELECT id, reverse(t) FROM texts"],
    "repeat": [
        "SELECT repeat(t, 3), repeat(t, 0), repeat(t, -1) FROM texts",
        "SELECT repeat(v, a) FROM odd, pairs",
    ],
    "split_part": [
        f"SELECT a.id, b.id, split_part(a.t, b.t, {part}) FROM texts a, texts b"
        for part in (1, 2, 3, -1, -2)
    ]
    + ["SELECT split_part('a-b-c', '-', a) FROM pairs WHERE a <> 0"],
    "overlay": [
        f"SELECT id, overlay(t placing 'Zé' from {start} for {length}) FROM texts"
        for start in (1, 2, 100)
        for length in (-5, 0, 1, 3)
    ]
    + ["SELECT overlay(t placing 'Z' from 2), overlay(t placing v from 1) FROM texts, odd"],
    **{
        name: [
            f"SELECT id, {name}(t), {name}(t, 'a '), {name}(t, 'äé\U0001f600%') FROM texts",
            f"SELECT a.id, b.id, {name}(a.t, b.t) FROM texts a, texts b",
            f"SELECT id, {name}(c), {name}(v, 'a'), {name}(folded, 'aB') FROM odd",
        ]
        for name in ("btrim", "ltrim", "rtrim")
    },
    "upper": ["SELECT upper(i4::varchar || 'x'), upper(b::varchar), upper(md5(v)) FROM odd"],
    "lower": ["SELECT lower(b::varchar || 'XyZ'), lower(to_hex(i4)), lower(n::varchar) FROM odd"],
    **letters.CASES,
    **{
        f"regex_{name}": [
            *(
                f"SELECT id FROM {table} WHERE t {symbol} '{pattern.replace(chr(39), chr(39) * 2)}'"
                for pattern in _REGEXES
                for table in ("texts", "folds")
            ),
            f"SELECT id, c {symbol} '^a.$', folded {symbol} '[ab]x*$', e {symbol} 'o.' FROM odd",
        ]
        for name, symbol in (
            ("match", "~"),
            ("not_match", "!~"),
            ("imatch", "~*"),
            ("not_imatch", "!~*"),
        )
    },
    "lpad": [
        "SELECT lpad(i4::varchar, 5, '0'), lpad(n::varchar, 20), lpad(b::varchar, 3) FROM odd",
        "SELECT lpad(i4::varchar, 9, 'xyz'), lpad(i8::varchar, 0, '') FROM odd",
    ],
    "rpad": [
        "SELECT rpad(i8::varchar, 12, 'xy'), rpad(b::varchar, 2), rpad(i4::varchar, 6) FROM odd"
    ],
    "to_hex": ["SELECT to_hex(i2), to_hex(i4), to_hex(i8) FROM odd"],
    "encode": ["SELECT encode(raw, 'hex') FROM odd", "SELECT encode(sha256(v), 'hex') FROM odd"],
    "md5": [
        "SELECT md5(t) FROM texts",
        "SELECT md5(raw), md5(folded) FROM odd",
        "SELECT id FROM texts WHERE md5(t) = '0cc175b9c0f1b6a831c399e269772661'",
    ],
    **{f"sha{bits}": [f"SELECT sha{bits}(t) FROM texts"] for bits in (224, 256, 384, 512)},
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
_UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond")

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
    + [f"SELECT date_part('{part}', d), date_part('{part}', ts) FROM early" for part in _DATE_PARTS]
    + [
        "SELECT EXTRACT(YEAR FROM d) AS y, count(*) FROM odd GROUP BY y",
        "SELECT id FROM odd WHERE EXTRACT(MONTH FROM ts) = 12 OR EXTRACT(DOW FROM d) = 0",
        "SELECT id FROM odd WHERE date_part('epoch', ts) > 0.5",
    ],
    "date_trunc": [
        *(f"SELECT date_trunc('{unit}', ts) FROM odd WHERE {_RECENT_TS}" for unit in _UNITS),
        *(f"SELECT date_trunc('{unit}', tstz) FROM odd WHERE {_RECENT_TSTZ}" for unit in _UNITS),
        *(f"SELECT date_trunc('{unit}', d) FROM odd WHERE {_RECENT_D}" for unit in _UNITS[:5]),
        f"SELECT date_trunc('month', d) AS m, count(*) FROM odd WHERE {_RECENT_D}"
        " GROUP BY m ORDER BY m",
        f"SELECT date_trunc('month', d)::date FROM odd WHERE {_RECENT_D}",
        f"SELECT date_trunc('month', d) = date '2024-02-01' FROM odd WHERE {_RECENT_D}",
    ],
    "to_char": [
        "SELECT to_char(d, '%Y-%m'), to_char(ts, '%Y-%m-%d %H:%M:%S') FROM odd",
        "SELECT to_char(d, '%F'), to_char(d, '%d.%m.%Y') FROM odd",
        "SELECT to_char(d, 'Q %B %b %A %a %j %u') FROM odd",
        "SELECT to_char(ts, '%T'), to_char(ts, '%R %p %I'), to_char(ts, '%Y%m%dT%H%M%S') FROM odd",
        "SELECT to_char(d, '%Y'), to_char(ts, '%F %T'), to_char(d, '%Y/%Y') FROM early",
        "SELECT to_char(d, '%Y-%m') AS m, count(*) FROM odd GROUP BY m ORDER BY m",
        "SELECT id FROM odd WHERE to_char(ts, '%Y') = '2024' OR to_char(d, '''%d') LIKE '''2%'",
    ],
    "date_bin": [
        f"SELECT id, date_bin(interval '{span}', ts) FROM odd"
        for span in ("15 minutes", "1 day", "7 days", "36 hours", "0.000007 seconds")
    ]
    + [
        "SELECT date_bin(interval '1 hour', ts) AS h, count(*) FROM odd GROUP BY h ORDER BY h",
        "SELECT date_bin(interval '1 week', ts) FROM early",
    ],
    "make_date": [
        "SELECT make_date(date_part('year', d), date_part('month', d), 1) FROM odd",
        "SELECT make_date(2024, date_part('month', d), date_part('day', d)) FROM odd",
        "SELECT make_date(date_part('year', d), date_part('month', d), 1) FROM early",
    ],
}

ANY: dict[str, list[str]] = {
    "nullif": [
        "SELECT nullif(i4, 1), nullif(v, 'a'), nullif(n, 3), nullif(i4, i8) FROM odd",
        "SELECT nullif(d, date '2000-02-29'), nullif(b, true) FROM odd",
        "SELECT nullif(c, v), nullif(1, i4) FROM odd",
        "SELECT a.id, b.id, nullif(a.t, b.t) FROM texts a, texts b",
    ],
    **{
        name: [
            f"SELECT {name}(i4, i8, 2), {name}(n, w), {name}(v, c), {name}(i2, 5) FROM odd",
            f"SELECT {name}(v, folded, 'b'), {name}(b, true) FROM odd",
            f"SELECT {name}(d, date '2000-01-01') FROM odd",
            f"SELECT {name}(ts, NULL), {name}(i4::double, 1.5), {name}(raw, X'61') FROM odd",
            f"SELECT a.id, b.id, {name}(a.t, b.t) FROM texts a, texts b",
        ]
        for name in ("greatest", "least")
    },
}
