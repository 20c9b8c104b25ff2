"""LIKE, SIMILAR TO and regular expressions, as the client's dialect means them.

Owns what a pattern is in the engine's words: `\\` escapes in LIKE, and expressions are Rust's.
"""

from __future__ import annotations

import re

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    call,
    case,
    constant_text,
    is_null,
    joined,
    whole_number,
)
from planner.client_dialects.reading import Reading
from planner.client_dialects.text import ascii_lower

Like = exp.Like | exp.ILike


def escaped(node: exp.Escape, reading: Reading) -> Node:
    """`x LIKE p ESCAPE '!'`: the engine escapes with a backslash alone."""
    like, escape = node.this, constant_text(node.expression)
    if not isinstance(like, exp.Like | exp.ILike):
        reading.refuse(node, "ESCAPE of this pattern")
    pattern = constant_text(like.expression)
    if escape is None or pattern is None or len(escape) > 1:
        reading.refuse(node, "ESCAPE with a pattern or a letter that is computed")
    found, at = [], 0
    while at < len(pattern):
        letter = pattern[at]
        if escape and letter == escape:
            at += 1
            if at == len(pattern):
                reading.refuse(node, "a pattern that ends in its escape")
            found.append("\\" + pattern[at] if pattern[at] in "%_\\" else pattern[at])
        else:
            found.append("\\\\" if letter == "\\" else letter)
        at += 1
    like.set("expression", exp.Literal.string("".join(found)))
    return _with_case(like, reading)


def like(node: Like, reading: Reading) -> Node:
    """LIKE and ILIKE: what a backslash is, and whose letters are the same."""
    pattern = node.expression
    if isinstance(pattern, exp.Any | exp.All):
        return _any_of(node, pattern, reading)
    text = constant_text(pattern)
    classes = reading.dialect == "tsql" and text is not None and "[" in text
    if isinstance(node.parent, exp.Escape):
        if classes:
            reading.refuse(node, "a class of letters beside ESCAPE")
        return node  # read together with ESCAPE
    if text is not None and classes:
        reading.best_effort(node, "texts are compared here with regard to case")
        return _with_classes(node, text)
    if reading.speaks(traits.NO_LIKE_ESCAPE):
        if text is None:
            pattern = call("replace", pattern, "\\", "\\\\")
        elif "\\" in text:
            pattern = exp.Literal.string(text.replace("\\", "\\\\"))
        node.set("expression", pattern)
    return _with_case(node, reading)


def _with_case(node: Like, reading: Reading) -> Node:
    if reading.speaks(traits.FOLDED_TEXTS):
        reading.best_effort(node, "texts are compared here with regard to case")
    if reading.dialect == "sqlite" and isinstance(node, exp.Like):
        return _without_case(node, constant_text(node.expression))
    return node


def _without_case(node: Like, text: str | None) -> Node:
    """SQLite's LIKE takes no regard to the case of ASCII letters, and of no others."""
    if text is not None and text.isascii() and not set(text.lower()) & set("ks"):
        # The engine's ILIKE holds some others for a k or an s, too.
        return exp.ILike(**node.args)
    node.set("this", ascii_lower(node.this))
    node.set("expression", ascii_lower(node.expression))
    return node


def _any_of(node: Like, many: exp.Any | exp.All, reading: Reading) -> Node:
    listed = many.this.unnest()
    if not isinstance(listed, exp.Tuple) or node.args.get("negate"):
        reading.refuse(node, "LIKE ANY or LIKE ALL of this form")
    each: list[Node] = [
        like(type(node)(this=node.this.copy(), expression=pattern), reading)
        for pattern in listed.expressions
    ]
    together = exp.or_(*each) if isinstance(many, exp.Any) else exp.and_(*each)
    return exp.Paren(this=together)


def _with_classes(node: Like, pattern: str) -> Node:
    """T-SQL's `[a-c]` and `[^a]` as a regular expression."""
    found, at = [], 0
    while at < len(pattern):
        letter = pattern[at]
        end = pattern.find("]", at + 1) if letter == "[" else -1
        if end > 0:
            inside = pattern[at + 1 : end]
            negated = "^" if inside.startswith("^") else ""
            letters = inside[len(negated) :].replace("\\", "\\\\").replace("[", "\\[")
            found.append(f"[{negated}{letters.replace('&', chr(92) + '&')}]")
            at = end
        else:
            found.append({"%": ".*", "_": "."}.get(letter, _literal(letter)))
        at += 1
    matched: Node = call("regexp_like", node.this, f"^(?s:{''.join(found)})$")
    return exp.Not(this=matched) if node.args.get("negate") else matched


def _literal(letter: str) -> str:
    return "\\" + letter if letter in ".^$*+?()[]{}|\\" else letter


def similar(node: exp.SimilarTo, reading: Reading) -> Node:
    """`SIMILAR TO` matches the whole text: with SQL's signs, or DuckDB's regular expression."""
    pattern = constant_text(node.expression)
    if isinstance(node.parent, exp.Escape):
        reading.refuse(node, "SIMILAR TO with ESCAPE")
    if reading.dialect == "duckdb":
        return _whole(node.this, node.expression, node, reading)
    if pattern is None:
        reading.refuse(node, "SIMILAR TO with a pattern that is computed")
    found, at = [], 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\" and at + 1 < len(pattern):
            at += 1
            found.append(_literal(pattern[at]))
        else:
            plain = "\\" + letter if letter in ".^$" else letter
            found.append({"%": ".*", "_": "."}.get(letter, plain))
        at += 1
    return call("regexp_like", node.this, f"^(?s:{''.join(found)})$")


def matches(node: exp.RegexpLike | exp.RegexpILike, reading: Reading) -> Node:
    """`~`, RLIKE and regexp_like(), of a part of the text or of all of it."""
    _note(node, reading)
    if reading.dialect == "mysql":
        reading.best_effort(node, "texts are compared here with regard to case")
    flags = node.args.get("flag")
    given = "" if flags is None else constant_text(flags)
    if given is None or set(given) - set("ic"):
        reading.refuse(node, "a regular expression with these flags")
    letters = "i" if isinstance(node, exp.RegexpILike) or given.endswith("i") else ""
    by_function = "start" in node.meta  # regexp_matches() of DuckDB matches a part
    whole = node.args.get("full_match") or (reading.dialect == "duckdb" and not by_function)
    pattern = _wrapped(node.expression, "^(?:", ")$") if whole else node.expression
    return call("regexp_like", node.this, pattern, *([letters] if letters else []))


def whole_match(node: exp.RegexpFullMatch, reading: Reading) -> Node:
    """DuckDB's regexp_full_match()."""
    if any(value for key, value in node.args.items() if key not in ("this", "expression")):
        reading.refuse(node, "a regular expression with options")
    return _whole(node.this, node.expression, node, reading)


def _whole(text: Node, pattern: Node, node: Node, reading: Reading) -> Node:
    _note(node, reading)
    return call("regexp_like", text, _wrapped(pattern, "^(?:", ")$"))


def _wrapped(pattern: Node, before: str, after: str) -> Node:
    known = constant_text(pattern)
    if known is not None:
        return exp.Literal.string(f"{before}{known}{after}")
    return joined(joined(before, pattern), after)


def extracted(node: exp.RegexpExtract, reading: Reading) -> Node:
    """The part of a text that matches, or one of its groups."""
    _note(node, reading)
    for key in ("position", "occurrence"):
        value = node.args.get(key)
        if value is not None and whole_number(value) != 1:
            reading.refuse(node, f"a match with its {key}")
    flags = node.args.get("parameters")
    if flags is not None and constant_text(flags) not in ("", "c", "e"):
        reading.refuse(node, "a regular expression with these flags")
    group = node.args.get("group")
    pattern = constant_text(node.expression)
    index = 0 if group is None else whole_number(group)
    if group is None and pattern is not None and reading.dialect == "bigquery":
        index = min(1, _groups(pattern))
    if group is None and flags is not None and constant_text(flags) == "e":
        index = 1
    if pattern is None or index is None:
        reading.refuse(node, "a regular expression or a group of it that is computed")
    if index > _groups(pattern):
        reading.refuse(node, f"group {index} of a regular expression with {_groups(pattern)}")
    # The engine gives the groups where there are any: the whole match is made one of them.
    groups = call("regexp_match", node.this, f"({pattern})")
    found: Node = call("array_element", groups, index + 1)
    if reading.speaks(traits.NO_MATCH_IS_EMPTY):
        return case([(is_null(node.this), exp.Null())], call("coalesce", found, ""))
    return found


def _groups(pattern: str) -> int:
    try:
        return re.compile(pattern).groups
    except re.error:
        return 0


def replaced(node: exp.RegexpReplace, reading: Reading) -> Node:
    """A replacement of the first match or of all: its groups are $1 in the engine's words."""
    _note(node, reading)
    position, occurrence = node.args.get("position"), node.args.get("occurrence")
    if position is not None and whole_number(position) != 1:
        reading.refuse(node, "a replacement from a later place")
    once = bool(node.args.get("single_replace")) and reading.dialect != "redshift"
    if occurrence is not None:
        which = whole_number(occurrence)
        if which not in (0, 1):
            reading.refuse(node, "a replacement of a later match")
        once = which == 1
    modifiers = node.args.get("modifiers")
    flags = "" if modifiers is None else constant_text(modifiers)
    if flags is None or set(flags) - set("gic"):
        reading.refuse(node, "a regular expression with these flags")
    letters = ("i" if "i" in flags else "") + ("g" if not once or "g" in flags else "")
    replacement = node.args.get("replacement") or exp.Literal.string("")
    known = constant_text(replacement)
    if known is None:
        reading.translated(node, "$ and \\ in a replacement that is computed are read as Rust does")
    else:
        replacement = exp.Literal.string(_replacement(known, reading))
    return call(
        "regexp_replace", node.this, node.expression, replacement, *([letters] if letters else [])
    )


def counted(node: exp.RegexpCount, reading: Reading) -> Node:
    """`regexp_count(s, p)`."""
    _note(node, reading)
    if any(value for key, value in node.args.items() if key not in ("this", "expression")):
        reading.refuse(node, "a count of matches from a place or with flags")
    return call("regexp_count", node.this, node.expression)


def _replacement(text: str, reading: Reading) -> str:
    """A replacement in Rust's words: `${1}` for a group, `$$` for a dollar.

    The engine itself makes a group of a backslash and a digit.
    """
    if reading.speaks(traits.DOLLAR_GROUPS):
        found = re.sub(r"\\(.)", lambda m: "\0" if m[1] == "$" else m[1], text)
        return re.sub(r"\$(\d)", r"${\1}", found).replace("\0", "$$")
    doubled = text.replace("$", "$$")
    return re.sub(r"\\(\d)", r"${\1}", doubled).replace("\\\\", "\\")


def _note(node: Node, reading: Reading) -> None:
    reading.translated(node, "regular expressions are those of Rust here")
