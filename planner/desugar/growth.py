"""How much longer the rewrites may make a statement. Knows no rewrite.

A rewrite may copy what a subquery or the query around it reads, and what stands in the copy is
rewritten again: by levels of nesting that is exponential. So what is added is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from connectors.errors import Position, SizeLimitError
from planner.desugar.tree import nodes_of, place_of

TIMES_READ = 20
"""How many times as many nodes as were read there may be: a plain subquery takes eight times."""

ALWAYS = 10_000
"""Nodes that there may be whatever was read: the engine plans as many in half a second or less."""


@dataclass(frozen=True)
class Part:
    """What is rewritten: its nodes, and its place in the client's text."""

    nodes: int
    position: Position | None

    @classmethod
    def of(cls, node: exp.Expr) -> Part:
        """A part as it is before its rewrite."""
        return cls(_nodes(node), place_of(node))


class Growth:
    """The nodes that a statement has, against those that it may have.

    Args:
        root: the statement as it was read.
    """

    def __init__(self, root: exp.Expr) -> None:
        self._nodes = _nodes(root)
        self._limit = max(TIMES_READ * self._nodes, ALWAYS)

    def replaced(self, before: Part, after: exp.Expr) -> None:
        """Count a part that was rewritten.

        Args:
            before: as it was.
            after: what it is now.

        Raises:
            SizeLimitError: when the statement has become too long, with the place of the part.
        """
        self._nodes += _nodes(after) - before.nodes
        if self._nodes > self._limit:
            raise SizeLimitError(
                "the statement's subqueries are nested too deep to be written as joins",
                position=before.position,
                hint="Name the inner queries with WITH, or join with them.",
            )


def _nodes(tree: exp.Expr) -> int:
    return len(nodes_of(tree))
