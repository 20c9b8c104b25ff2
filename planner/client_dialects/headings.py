"""What the columns of an answer are called that the client gave no name: the client's own text.

The engine would name them after what the rewrites made of them. Knows no dialect but its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import Token, TokenType, exp

_ENDS = frozenset({"FROM", "WHERE", "INTO", "GROUP BY", "ORDER BY", "HAVING", "QUALIFY", "LIMIT",
                   "UNION", "EXCEPT", "INTERSECT", "MINUS", "WINDOW", "FETCH", "OFFSET", "PREWHERE",
                   "SETTINGS", "SORT BY", "CLUSTER BY", "DISTRIBUTE BY", "LATERAL"})  # fmt: skip
_OPENS = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSES = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_NAMED = (exp.Alias, exp.Column, exp.Star, exp.Aliases, exp.Dot)

MAX_HEADING = 60
"""Longer texts are cut, in letters."""


def name_outputs(tree: exp.Expr, sql: str, tokens: Sequence[Token]) -> None:
    """Give each output without a name its text, where that can be told. Changes `tree`."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery | exp.Paren):
        select = select.this
    if not isinstance(select, exp.Select) or select.args.get("kind") is not None:
        return
    texts = _texts(sql, tokens)
    if len(texts) != len(select.expressions):
        return
    taken = [output.alias_or_name for output in select.expressions] + texts
    outputs = []
    for output, text in zip(select.expressions, texts, strict=True):
        plain = isinstance(output, _NAMED) or output.is_star or taken.count(text) > 1
        if plain or not text:
            outputs.append(output)
        else:
            name = exp.Identifier(this=text, quoted=True)
            outputs.append(exp.Alias(this=output, alias=name))
    select.set("expressions", outputs)


def _texts(sql: str, tokens: Sequence[Token]) -> list[str]:
    """The texts between the commas of the outermost SELECT; none where there is no such list."""
    depth, at = 0, 0
    while at < len(tokens) and not (depth == 0 and tokens[at].text.upper() == "SELECT"):
        depth += (tokens[at].token_type in _OPENS) - (tokens[at].token_type in _CLOSES)
        at += 1
    at += 1
    if at >= len(tokens) or tokens[at].text.upper() in ("DISTINCT", "ALL", "TOP", "AS"):
        return []
    found: list[str] = []
    depth, start = 0, at
    for index in range(at, len(tokens) + 1):
        token = tokens[index] if index < len(tokens) else None
        ends = token is None or (depth == 0 and token.text.upper() in _ENDS)
        if ends or (depth == 0 and token is not None and token.token_type is TokenType.COMMA):
            if index == start:
                return []
            text = " ".join(sql[tokens[start].start : tokens[index - 1].end + 1].split())
            found.append(text[:MAX_HEADING])
            start = index + 1
        if token is None or ends:
            return found
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        if depth < 0:
            return []
    return []
