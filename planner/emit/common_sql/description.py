"""How one dialect differs from common SQL, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import always
from planner.relations import Relation

_UNSAFE = re.compile(r"[^\w $-]")


def plain_name(name: str) -> str:
    """A name of letters, digits, underscores, spaces, `$` and `-`: no quoting can fail on it.

    Names of output columns come from clients; answers are matched by position.

    >>> plain_name('a`b\\\\"; --'), plain_name("sum(x)")
    ('a_b___ --', 'sum_x_')
    """
    return _UNSAFE.sub("_", name)


@dataclass(frozen=True, slots=True)
class Description:
    """A dialect in the terms in which dialects differ.

    Attributes:
        name, generator: as those of `Dialect`.
        types: its names of Arrow types.
        decimal: its name of decimals; `{p}` and `{s}` are filled in.
        kept_scale: digits after the point that a sum or a product keeps when it outgrows the most
            digits of a decimal; the engine keeps all.
        collation: what makes text compare by its bytes; empty where it always does. Text columns
            are read with it, so that groups, joins and lists follow it too.
        replaced: what is replaced there even inside a quoted text: text that has it stays here.
        national: a text constant needs the mark N to keep characters outside the code page.
        truth_values: a comparison is a value, and TRUE is a word.
        length: its function that counts code points; empty where there is none.
        substring: its function of text, start and length, both counted from 1 in code points;
            empty where there is none.
        refuse_relation: why a relation has no form there.
    """

    name: str
    generator: str
    types: Mapping[pa.DataType, str]
    decimal: str = "DECIMAL({p}, {s})"
    kept_scale: int = 6
    collation: str = ""
    replaced: tuple[str, ...] = ()
    national: bool = False
    truth_values: bool = True
    length: str = "LENGTH"
    substring: str = "SUBSTRING"
    refuse_relation: Callable[[Relation], str | None] = always
    safe_name: Callable[[str], str] = plain_name

    def type_sql(self, type_: pa.DataType) -> exp.DataType | None:
        """The type's name there, or None."""
        name = self.types.get(type_)
        if pa.types.is_decimal128(type_) and 0 <= type_.scale <= type_.precision:
            name = self.decimal.format(p=type_.precision, s=type_.scale)
        if name is None:
            return None
        # By its own name: sqlglot's neutral types become others in some dialects.
        return exp.DataType(this=exp.DType.USERDEFINED, kind=name)
