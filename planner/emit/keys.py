"""Keys that are known only when a statement runs: where they stand in a source's SQL, and how.

A fragment with keys is a tree with a text in it that marks their place. Owns that mark, the text
that takes its place, and a dialect's form of both. Knows no stage, and no relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from planner.cost import KEY_SECONDS

Sql = exp.Expression


@dataclass(frozen=True, slots=True)
class KeyForm:
    """How a dialect takes a list of keys: as one text, which it makes an array of.

    Attributes:
        most: so many keys it takes at once.
        takes: whether it takes keys of a type: what the text is read as must be equal there to
            what is equal here.
        write: from a value, the text and the keys' type to the condition.
        text: from keys, without NULL, to the text; None where one of them has no form there.
        seconds: the source's work for each of them.
    """

    most: int
    takes: Callable[[pa.DataType], bool]
    write: Callable[[Sql, Sql, pa.DataType], Sql]
    text: Callable[[pa.Array], str | None]
    seconds: float = KEY_SECONDS


def marked(stage: str, column: int, type_: pa.DataType) -> exp.Literal:
    """What stands for the keys of a stage's column until they are known.

    Args:
        type_: of the value that they are compared with.
    """
    literal = exp.Literal.string(f"keys of {stage}.{column + 1}")
    # A text of the client's may read the same.
    literal.meta["keys"] = (stage, column, type_)
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
        text = form.text(fitting(keys[stage, column], type_))
        if text is None:
            return None
        literal.set("this", text)
    return filled


def fitting(keys: pa.Array, type_: pa.DataType) -> pa.Array:
    """The keys as values of a type; whole numbers that it cannot hold are none of its values.

    >>> fitting(pa.array([1, 300]), pa.int8()).to_pylist()
    [1]
    """
    if keys.type == type_:
        return keys
    if pa.types.is_integer(type_) and len(keys):
        most = 2 ** (type_.bit_width - 1)
        wide = keys.cast(pa.int64())
        keys = wide.filter(pc.and_(pc.greater_equal(wide, -most), pc.less_equal(wide, most - 1)))
    return keys.cast(type_)


_FIRST = datetime(1, 1, 1)
_LAST = datetime.max
"""Between them a year has four digits, in every system."""

_PLAIN = 6
"""Digits after the point with which a decimal is written without an exponent."""

_NONE = "\x02"

SEPARATOR = "\x1f"
"""Between texts, where no quotes are known: ASCII's own, which stands in none that people write."""


def is_key(type_: pa.DataType) -> bool:
    """Whether values of a type have texts that every system reads, and compares as the engine."""
    exact = pa.types.is_decimal128(type_) and 0 <= type_.scale <= min(_PLAIN, type_.precision)
    known = pa.types.is_signed_integer(type_) or pa.types.is_date32(type_)
    return bool(known or exact or type_ == pa.timestamp("us"))


def is_text(type_: pa.DataType) -> bool:
    """Text, in whichever of the forms that the engine gives it."""
    known = (pa.types.is_string, pa.types.is_string_view, pa.types.is_large_string)
    return any(is_one(type_) for is_one in known)


def is_key_or_text(type_: pa.DataType) -> bool:
    """Whether values of a type are keys, texts among them."""
    return is_key(type_) or is_text(type_)


def braced(keys: pa.Array) -> str | None:
    """`{1,2}`: an array as PostgreSQL reads it; texts are quoted."""
    if is_text(keys.type):
        # No text there holds this character, so that no row has such a key.
        keys = quoted_for_braces(_without_nul(keys))
    text = _joined(keys)
    return None if text is None else f"{{{text}}}"


def quoted_for_braces(texts: pa.Array) -> pa.Array:
    """Each text, of those without NUL characters, as an element of such an array."""
    texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', texts, '"', "")


def bracketed(keys: pa.Array) -> str | None:
    """`[1,2]`: a list of what needs no quotes."""
    text = _joined(keys)
    return None if text is None else f"[{text}]"


def separated(keys: pa.Array) -> str | None:
    """`1,2`, or texts with `SEPARATOR` between them; None for texts that have it, or a NUL.

    No text at all would be read as an empty one, and one empty text as none: in place of none
    stands one that hardly any row has, and what has it is dropped by the join; the first one stands
    there twice.

    >>> separated(pa.array([1, 2])), separated(pa.array(["", "a"])), separated(pa.array([""]))
    ('1,2', '\\x1fa\\x1f', '\\x1f')
    >>> separated(pa.array([], pa.string()))
    '\\x02'
    """
    if not is_text(keys.type):
        return _joined(keys)
    keys = keys.cast(pa.string())
    if any(pc.any(pc.match_substring(keys, part)).as_py() for part in (SEPARATOR, "\0")):
        return None
    return _joined(pa.concat_arrays([keys, keys[:1]]), SEPARATOR) if len(keys) else _NONE


def json_list(keys: pa.Array) -> str | None:
    """`[1,2]` or `["a","b"]`, as JSON has it; None for texts with a NUL, at which some end it."""
    if not is_text(keys.type):
        dates = pa.types.is_date32(keys.type) and has_texts(keys)
        return bracketed(_quoted(keys) if dates else keys)
    keys = keys.cast(pa.string())
    if pc.any(pc.match_substring(keys, "\0")).as_py():
        return None
    keys = pc.replace_substring(pc.replace_substring(keys, "\\", "\\\\"), '"', '\\"')
    for control in map(chr, range(1, 0x20)):
        if pc.any(pc.match_substring(keys, control)).as_py():
            keys = pc.replace_substring(keys, control, f"\\u{ord(control):04x}")
    return bracketed(_quoted(keys))


def _without_nul(keys: pa.Array) -> pa.Array:
    keys = keys.cast(pa.string())
    return keys.filter(pc.invert(pc.match_substring(keys, "\0")))


def _quoted(keys: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', keys.cast(pa.string()), '"', "")


def _joined(keys: pa.Array, separator: str = ",") -> str | None:
    if not has_texts(keys):
        return None
    return joined(keys if pa.types.is_string(keys.type) else keys.cast(pa.string()), separator)


def joined(texts: pa.Array, separator: str = ",") -> str:
    """Texts, none of them NULL, as one."""
    every = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return str(pc.binary_join(every, separator)[0])


def has_texts(keys: pa.Array) -> bool:
    """Whether years have four digits; of other types than dates and times always."""
    if not (pa.types.is_date32(keys.type) or pa.types.is_timestamp(keys.type)) or not len(keys):
        return True
    ends = pc.min_max(keys)
    first, last = (pa.scalar(at).cast(keys.type) for at in (_FIRST, _LAST))
    return bool(first.value <= ends["min"].value and ends["max"].value <= last.value)
