"""Statements that SQLite answers whole, for its functions of numbers, texts and dates.

Each name is that of a rule; `test_sqlite_dialect` runs them. The tables are those of
`unpleasant_sqlite`.
"""

from __future__ import annotations

NUMBERS: dict[str, list[str]] = {
    "add": [
        "SELECT id, i4::bigint + i2 FROM odd",
        "SELECT id, i2::int + 1, i1 + i2::int FROM odd",
        "SELECT i4 + i4, i2 + i2, i1 + i1, i4 + i2, i4 + i4 + i2, i4 + 2147483647 FROM odd",
        "SELECT a_id, b_id, a_i4 + b_i4, a_i2 + b_i2, a_i1 + b_i1 FROM odd_pairs",
        "SELECT id FROM odd WHERE i4 + i4 = -2 OR i2 + i2 < 0",
    ],
    "subtract": [
        "SELECT id, i4::bigint - i2 FROM odd",
        "SELECT id, 1 - i2::int FROM odd",
        "SELECT i4 - i2, i2 - i2, i1 - i1, -2 - i4, -5::smallint - i2 FROM odd",
        "SELECT a_id, b_id, a_i4 - b_i4, a_i2 - b_i2, a_i1 - b_i1 FROM odd_pairs",
        "SELECT a_d - b_d, a_d - date '2000-01-01' FROM odd_pairs",
    ],
    "multiply": [
        "SELECT id, i4::bigint * i2 FROM odd",
        "SELECT id, i1::int * i2 FROM odd",
        "SELECT i4 * i4, i2 * i2, i1 * i1, i4 * i2, i4 * -3, i4 * i4 * i4 FROM odd",
        "SELECT a_id, b_id, a_i4 * b_i4, a_i2 * b_i2, a_i1 * b_i1 FROM odd_pairs",
        "SELECT sum(i4 * i2) FROM odd",
    ],
    "divide": [
        "SELECT i4 / 2, i8 / -7, i2 / 100, i1 / 3, i8 / 9223372036854775807 FROM odd",
        "SELECT i8 / 2 AS x, count(*) FROM odd GROUP BY x",
    ],
    "modulus": ["SELECT i4 % 7, i8 % -7, i2 % 100, i1 % 3, i8 % 2147483648 FROM odd"],
    "negate": ["SELECT -i1, -i2, -i4 AS x, -(i4 + i4), -(i4::bigint) FROM odd"],
    "abs": [
        "SELECT abs(i8) FROM odd WHERE i8 > -9223372036854775807",
        "SELECT abs(i4::bigint), abs(i1::int), abs(i4 / 2) FROM odd",
    ],
    "iszero": ["SELECT iszero(i8), iszero(n), iszero(m), iszero(i1) FROM odd"],
    "bitwise_and": ["SELECT i4 & 12, i8 & 255, i2 & i2, i8 & i4, i1 & i1 FROM odd"],
    "bitwise_or": ["SELECT i2 | 5, i8 | -1, i4 | i2, i1 | i2 FROM odd"],
    "bitwise_xor": [
        "SELECT i4 ^ 3, i8 ^ i4, i2 ^ i2, i1 ^ i1 FROM odd",
        "SELECT a_id, b_id, a_i8 ^ b_i8, a_i4 ^ b_i4 FROM odd_pairs",
    ],
    "bitwise_shift_left": ["SELECT i8 << 3, i4 << 5, i2 << 2, i8 << 63, i4 << 0 FROM odd"],
    "bitwise_shift_right": ["SELECT i8 >> 3, i4 >> 33, i8 >> 63, i2 >> 2, i1 >> 0 FROM odd"],
    "to_hex": ["SELECT to_hex(i1), to_hex(i2), to_hex(i4), to_hex(i8) FROM odd"],
}

_LIKE = (
    *(
        "a%",
        "%a",
        "%a%",
        "a%b",
        "%",
        "%%",
        "a%%b",
        "\\%%",
        "%\\_",
        "a\\%%",
        "%\\\\%",
        "%'%",
        "A%",
        "%\u0301",
    ),
    *(
        "\U0001f600%",
        "%\U0001f600",
        "ab%abc",
        "abc%abc",
        "aa%a",
        "%b%",
        "*%",
        "?%",
        "%[%",
        "ß%",
        "b%",
    ),
)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


TEXTS: dict[str, list[str]] = {
    "like": [
        f"SELECT id FROM {table} WHERE {column} {no}LIKE {_quoted(pattern)}"
        for table, column in (("texts", "t"), ("odd", "folded"))
        for no in ("", "NOT ")
        for pattern in _LIKE
    ]
    + ["SELECT id, t LIKE 'a%', v LIKE '%b%' FROM odd JOIN texts USING (id)"],
    "starts_with": [
        *(f"SELECT id, starts_with(t, {_quoted(x)}) FROM texts" for x in ("a", "é", "abcabcd")),
        "SELECT a_id, b_id, starts_with(a_t, b_t) FROM text_pairs",
    ],
    "ends_with": [
        f"SELECT id, ends_with(t, {_quoted(x)}) FROM texts" for x in ("b", "\u0301", "abcabcd", " ")
    ],
    "contains": [
        "SELECT id, contains(t, ''), contains(t, 'b'), contains(t, '\u0301') FROM texts",
        "SELECT a_id, b_id, contains(a_t, b_t) FROM text_pairs",
    ],
    "strpos": [
        "SELECT a_id, b_id, strpos(a_t, b_t) FROM text_pairs",
        "SELECT id FROM odd WHERE strpos(v, 'b') > 1 OR strpos(folded, '') = 1",
    ],
    "character_length": [
        "SELECT id, character_length(t) FROM texts",
        "SELECT length(v), char_length(folded), length(i4::varchar) AS x FROM odd",
        "SELECT id FROM texts WHERE length(t) = 3",
    ],
    "octet_length": ["SELECT id, octet_length(t) FROM texts", "SELECT octet_length(v) FROM odd"],
    "bit_length": ["SELECT id, bit_length(t), bit_length(t) + 1 FROM texts"],
    "replace": [
        f"SELECT id, replace(t, {_quoted(part)}, {_quoted(by)}) FROM texts"
        for part in ("a", "ab", "é", "\U0001f600", " ", "\\", "'")
        for by in ("", "xyz", "ä")
    ]
    + ["SELECT id, replace(t, 'a', t) FROM texts"],
    "repeat": [
        "SELECT id, repeat(t, 3), repeat(t, 0), repeat(v, 1) FROM texts JOIN odd USING (id)"
    ],
    **{
        name: [
            f"SELECT id, {name}(t), {name}(t, 'a '), {name}(t, 'äé\U0001f600%') FROM texts",
            f"SELECT id, {name}(v), {name}(v, 'a'), {name}(folded, 'aB') FROM odd",
        ]
        for name in ("btrim", "ltrim", "rtrim")
    },
    "str_concat": [
        "SELECT id, t || 'x', 'x' || t || t FROM texts",
        "SELECT v || i4, folded || v || b FROM odd",
        "SELECT a_id, b_id FROM text_pairs WHERE a_t || b_t = 'aa'",
    ],
    "concat": [
        "SELECT a_id, b_id, concat(a_t, '-', b_t) FROM text_pairs",
        "SELECT concat(v, i4), concat(v, folded, d), concat(v) FROM odd",
    ],
    "concat_ws": [
        "SELECT a_id, b_id, concat_ws(b_t, a_t, 'x', b_t) FROM text_pairs",
        "SELECT concat_ws('-', folded, v, b), concat_ws('', v, folded) FROM odd",
    ],
    "encode": ["SELECT encode(raw, 'hex') FROM odd"],
    "upper": ["SELECT upper(i4::varchar || 'x'), upper(b::varchar), upper(to_hex(i4)) FROM odd"],
    "lower": ["SELECT lower(b::varchar || 'XyZ'), lower(n::varchar), lower(d::varchar) FROM odd"],
}

_PARTS = ("year", "quarter", "month", "week", "day", "doy", "dow", "isodow", "isoyear")

TIMES: dict[str, list[str]] = {
    "date_part": [
        *(f"SELECT id, d, date_part('{part}', d) FROM odd" for part in _PARTS),
        *(f"SELECT day, date_part('{part}', day) FROM days" for part in _PARTS),
        "SELECT EXTRACT(YEAR FROM d) AS y, count(*) FROM odd GROUP BY y",
        "SELECT id FROM odd WHERE EXTRACT(MONTH FROM d) = 12 OR EXTRACT(DOW FROM d) = 0",
    ],
}

ANY: dict[str, list[str]] = {
    "nullif": [
        "SELECT nullif(i4, 1), nullif(v, 'a'), nullif(folded, 'a') FROM odd",
        "SELECT nullif(n, 3::decimal(15,2)), nullif(m, -1.5::decimal(9,4)) FROM odd",
        "SELECT nullif(i4, i8), nullif(d, date '2000-02-29'), nullif(b, true) FROM odd",
        "SELECT a_id, b_id, nullif(a_t, b_t) FROM text_pairs",
    ],
    **{
        name: [
            f"SELECT {name}(i4, i8, 2), {name}(v, folded), {name}(i2, 5) FROM odd",
            f"SELECT {name}(n, 1::decimal(15,2)), {name}(m, 1.5::decimal(9,4), m) FROM odd",
            f"SELECT {name}(folded, v, 'b'), {name}(b, true) FROM odd",
            f"SELECT {name}(d, date '2000-01-01'), {name}(i8, NULL, i4) FROM odd",
            f"SELECT a_id, b_id, {name}(a_t, b_t) FROM text_pairs",
        ]
        for name in ("greatest", "least")
    },
}
