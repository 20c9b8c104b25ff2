r"""LIKE and ILIKE with an ESCAPE of their own, as patterns with the engine's, the backslash.

name LIKE '10!%' ESCAPE '!'    name LIKE '10\%'
"""

from __future__ import annotations

from sqlglot import exp

from connectors.errors import InvalidValueError
from planner.desugar.tree import place_of

ENGINE_ESCAPE = "\\"


def write_escapes(root: exp.Expr) -> bool:
    """Rewrite each pattern that is a text; whether there was one. Of others the engine says no.

    Raises:
        InvalidValueError: for a pattern that ends in its escape, which the engine may take for one
            that everything matches.
    """
    changed = False
    for node in list(root.find_all(exp.Escape)):
        like, escape = node.this, node.expression
        if not isinstance(like, exp.Like | exp.ILike) or not _is_text(escape):
            continue
        if escape.name == ENGINE_ESCAPE or len(escape.name) > 1 or not _is_text(like.expression):
            continue
        pattern = in_the_engines(like.expression.name, escape.name)
        if pattern is None:
            raise InvalidValueError(
                f"the pattern ends in its escape character, {escape.name}",
                position=place_of(like.expression) or place_of(node),
                hint="Write it twice for the character itself.",
            )
        like.set("expression", exp.Literal.string(pattern))
        node.replace(like)
        changed = True
    return changed


def in_the_engines(pattern: str, escape: str) -> str | None:
    r"""A pattern with the engine's escape; None for one that ends in its own, which is an error.

    Args:
        escape: one character, or none.

    >>> in_the_engines("a!%b_!!\\", "!")
    'a\\%b_!\\\\'
    """
    found: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        if escape and letter == escape:
            letter = next(letters, "")
            if not letter:
                return None
            special = letter in ("%", "_", ENGINE_ESCAPE)
        else:
            special = letter == ENGINE_ESCAPE
        found.append(ENGINE_ESCAPE + letter if special else letter)
    return "".join(found)


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)
