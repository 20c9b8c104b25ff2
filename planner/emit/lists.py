"""Long IN lists of constants, as one text that a source makes an array of, as it does of keys.

One by one they would be as many nodes of the statement's tree: a thousand take 3 ms to write, and
as long to be read. Knows no dialect's form of keys, and no block.
"""

from __future__ import annotations

import pyarrow as pa

from planner.emit.keys import KeyForm
from planner.relations import Expression, InList, Literal

FEWEST = 100
"""Shorter lists stand in the statement as people write them."""


def listed(part: Expression, form: KeyForm | None) -> str | None:
    """The constants of a list as the text that a form of keys has; None where they have none.

    Args:
        part: a condition whose rows are wanted where it holds, and not where it is NULL.
    """
    if not isinstance(part, InList) or form is None or len(part.options) < FEWEST:
        return None
    type_ = part.value.type
    if not form.takes(type_) or len(part.options) > form.most:
        return None
    values = [
        option.value
        for option in part.options
        if isinstance(option, Literal) and option.type == type_
    ]
    if len(values) < len(part.options):
        return None
    return form.text(pa.array(values, type_).drop_null().unique())
