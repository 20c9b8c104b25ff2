"""Keys that are known only when a statement runs: where they stand in a source's SQL, and how.

A fragment with keys is a tree with a text in it that marks their place. Owns that mark, the text
that takes its place, and a dialect's form of both. Knows no stage, and no relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

Sql = exp.Expression


@dataclass(frozen=True, slots=True)
class KeyForm:
    """How a dialect takes a list of keys: as one text, which it makes an array of.

    Attributes:
        most: so many keys it takes at once.
        takes: whether it takes keys of a type; equal keys must have equal texts.
        write: from a value, the text and the keys' type to the condition.
        text: from keys, without NULL, to the text; None where one of them has no form there.
    """

    most: int
    takes: Callable[[pa.DataType], bool]
    write: Callable[[Sql, Sql, pa.DataType], Sql]
    text: Callable[[pa.Array], str | None]


def marked(stage: str, column: int, type_: pa.DataType) -> exp.Literal:
    """What stands for the keys of a stage's column until they are known.

    Args:
        type_: of the value that they are compared with.
    """
    literal = exp.Literal.string(f"keys of {stage}.{column + 1}")
    # A text of the client's may read the same.
    literal.meta["keys"] = (stage, column, str(type_))
    return literal


def with_keys(
    statement: exp.Select, form: KeyForm, keys: Mapping[tuple[str, int], pa.Array]
) -> exp.Select | None:
    """A copy of a statement with the keys in their places; None where they have no form.

    Args:
        keys: without NULL, by stage and column; all that the statement has marks of.
    """
    filled = statement.copy()
    for literal in filled.find_all(exp.Literal):
        mark = literal.meta.get("keys")
        if mark is None:
            continue
        stage, column, type_ = mark
        text = form.text(_of_type(keys[stage, column], type_))
        if text is None:
            return None
        literal.set("this", text)
    return filled


_INTEGERS = {str(t): t for t in (pa.int8(), pa.int16(), pa.int32(), pa.int64())}


def _of_type(keys: pa.Array, type_: str) -> pa.Array:
    """The keys that a value of a type can have: no column of integers holds one that is wider."""
    narrow = _INTEGERS.get(type_)
    if narrow is None or not pa.types.is_integer(keys.type) or not len(keys):
        return keys
    most = 2 ** (narrow.bit_width - 1)
    wide = keys.cast(pa.int64())
    fits = pc.and_(pc.greater_equal(wide, -most), pc.less_equal(wide, most - 1))
    return wide.filter(fits)


_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH).days, (date.max - _EPOCH).days
"""Between them a year has four digits, in every system; in days, as Arrow has them."""


def is_key(type_: pa.DataType) -> bool:
    """Whether equal values of a type have one text, which every system reads."""
    return bool(pa.types.is_signed_integer(type_) or pa.types.is_date32(type_))


def is_text(type_: pa.DataType) -> bool:
    """Text, in whichever of the forms that the engine gives it."""
    known = (pa.types.is_string, pa.types.is_string_view, pa.types.is_large_string)
    return any(is_one(type_) for is_one in known)


def braced(keys: pa.Array) -> str | None:
    """`{1,2}`: an array as PostgreSQL reads it; texts are quoted."""
    if is_text(keys.type):
        keys = keys.cast(pa.string())
        # No text there holds this character, so that no row has such a key.
        keys = keys.filter(pc.invert(pc.match_substring(keys, "\0")))
        keys = pc.replace_substring(pc.replace_substring(keys, "\\", "\\\\"), '"', '\\"')
        keys = pc.binary_join_element_wise('"', keys, '"', "")
    joined = _joined(keys)
    return None if joined is None else f"{{{joined}}}"


def bracketed(keys: pa.Array) -> str | None:
    """`[1, 2]`: a list as DuckDB reads it, of numbers and dates."""
    joined = _joined(keys)
    return None if joined is None else f"[{joined}]"


def _joined(keys: pa.Array) -> str | None:
    if pa.types.is_date32(keys.type) and len(keys):
        ends = pc.min_max(keys.cast(pa.int32()))
        if ends["min"].as_py() < _FIRST_DAY or ends["max"].as_py() > _LAST_DAY:
            return None
    texts = keys if pa.types.is_string(keys.type) else keys.cast(pa.string())
    every = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return str(pc.binary_join(every, ",")[0])
