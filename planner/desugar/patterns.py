"""SIMILAR TO, which matches a whole text with SQL's signs, as the engine's regular expression.

    name SIMILAR TO '(a|A)%'    regexp_like(name, '^(?s:(a|A).*)$')

DataFusion 55 takes SQL's pattern for a regular expression, which may match a part.
"""

from __future__ import annotations

from sqlglot import exp

from planner.desugar.tree import NoRewriteError

_HINT = "Write ~ and a regular expression, between ^ and $."


def write_similar(root: exp.Expr) -> bool:
    """Rewrite each SIMILAR TO; whether there was one.

    Raises:
        NoRewriteError: for a pattern that is computed, or has an escape of its own.
    """
    found = list(root.find_all(exp.SimilarTo))
    for node in found:
        pattern = node.expression
        if isinstance(node.parent, exp.Escape) or isinstance(pattern, exp.Escape):
            raise NoRewriteError("SIMILAR TO with ESCAPE", node, hint=_HINT)
        if not isinstance(pattern, exp.Literal) or not pattern.is_string:
            raise NoRewriteError("SIMILAR TO with a pattern that is computed", node, hint=_HINT)
        expression = exp.Literal.string(f"^(?s:{_expression(pattern.name)})$")
        call = exp.Anonymous(this="regexp_like", expressions=[node.this.copy(), expression])
        node.replace(call)
    return bool(found)


def _expression(pattern: str) -> str:
    found: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\" and at + 1 < len(pattern):
            at += 1
            found.append(_literal(pattern[at]))
        elif inside:
            inside = letter != "]"
            found.append("\\" + letter if letter in "[&~" else letter)
        elif letter == "[":
            inside = True
            found.append(letter)
        elif letter in "%_":
            found.append(".*" if letter == "%" else ".")
        else:
            found.append("\\" + letter if letter in ".^$\\" else letter)
        at += 1
    return "".join(found)


def _literal(letter: str) -> str:
    return (
        "\\" + letter if not (letter.isalnum() or letter.isspace()) and letter.isascii() else letter
    )
