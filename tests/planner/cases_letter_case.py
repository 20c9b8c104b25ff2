"""Statements that PostgreSQL answers whole, which compare lower(x) and upper(x) with constants."""

from __future__ import annotations

_WORDS = (
    "k",
    "s",
    "smith",
    "strasse",
    "mist",
    "i",
    "istanbul",
    "fi",
    "ffl",
    "st",
    "abc",
    "it''s",
    "",
)
_PATTERNS = (
    *("%", "k%", "%s", "%s%", "%st%", "s%", "%h", "%smith%", "%ss%", "%i%", "i%l", "str%e", "%fi"),
    *("f%", "%f", "%f%", "%n", "j%", "%t%", "w%", "y%", "a%", "k", "mis%", "%ist", "a%b", "%mit%"),
)
_ONE = ("_", "__", "_s", "i_stanbul", "%_stanbul", "a_b", "\\_%", "___", "%i_%", "a\\%b")


def _both(condition: str) -> list[str]:
    return [f"SELECT id FROM {table} WHERE {condition}" for table in ("folds", "texts")]


def _of(name: str) -> dict[str, list[str]]:
    def cased(text: str) -> str:
        return "'" + (text if name == "lower" else text.upper()) + "'"

    words = [cased(word) for word in _WORDS]
    patterns = (*_PATTERNS, *_ONE) if name == "lower" else _PATTERNS
    few, many = ", ".join(words[:2]), ", ".join(words)
    return {
        f"{name}_equal": [
            *(sql for word in words for sql in _both(f"{name}(t) = {word}")),
            *_both(f"{name}(t) IN ({few})"),
            *_both(f"{cased('smith')} = {name}(t)"),
            *_both(f"{name}(t) = 'Smith'"),
            *_both(f"{name}(t) IS NULL"),
            f"SELECT id, {name}(c) = {cased('a')}, {name}(e) = {cased('ok')} FROM odd",
            f"SELECT count(*) FILTER (WHERE {name}(t) = {cased('k')}) FROM folds",
            f"SELECT CASE WHEN {name}(t) = {cased('k')} THEN 1 ELSE 2 END FROM folds",
        ],
        f"{name}_not_equal": [sql for w in words for sql in _both(f"{name}(t) <> {w}")],
        f"{name}_in": [
            *_both(f"{name}(t) IN ({many})"),
            *_both(f"{name}(t) NOT IN ({many})"),
            f"SELECT id, {name}(t) IN ({many}, NULL) FROM folds",
        ],
        f"{name}_like": [
            *(sql for p in patterns for sql in _both(f"{name}(t) LIKE {cased(p)}")),
            *_both(f"{name}(t) NOT LIKE {cased('%s%')}"),
        ],
    }


CASES: dict[str, list[str]] = {**_of("lower"), **_of("upper")}
