"""The lines of a residual as a tree again. Reads their indentation, and their first words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_READ = re.compile(r"read (\S+?)(?::|$)")
_OPERATOR = re.compile(r"(?:[a-z]+ )*?join\b|union all|[a-z]+")


@dataclass(slots=True)
class TreeNode:
    """One operator.

    Attributes:
        operator: its kind: `filter`, `inner join`, `read`, …
        text: its line.
        reads: the name of the part that it reads, or None.
        inputs: what it gets its rows from; those of subqueries below a node `subquery`.
    """

    operator: str
    text: str
    reads: str | None = None
    inputs: list[TreeNode] = field(default_factory=list)

    def walk(self) -> Iterator[TreeNode]:
        """This node and all below it."""
        yield self
        for source in self.inputs:
            yield from source.walk()


def residual_tree(text: str) -> TreeNode | None:
    """The tree of `residual_text`'s lines; None when there are none.

    >>> tree = residual_tree("sort a\\n  inner join (x = y)\\n    read f1\\n    read n1: l.t (x)")
    >>> tree.inputs[0].operator, [node.reads for node in tree.inputs[0].inputs]
    ('inner join', ['f1', 'n1'])
    """
    open_nodes: list[tuple[int, TreeNode]] = []
    root: TreeNode | None = None
    for line in text.splitlines():
        content = line.lstrip()
        depth = len(line) - len(content)
        read = _READ.match(content)
        operator = _OPERATOR.match(content)
        node = TreeNode(operator[0] if operator else content, content, read[1] if read else None)
        while open_nodes and open_nodes[-1][0] >= depth:
            open_nodes.pop()
        if open_nodes:
            open_nodes[-1][1].inputs.append(node)
        elif root is None:
            root = node
        open_nodes.append((depth, node))
    return root
