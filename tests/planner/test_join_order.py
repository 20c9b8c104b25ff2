"""In which order the engine joins: by rows, and by what it takes to look them up."""

from __future__ import annotations

import pyarrow as pa
import pytest

from planner.options import PlanningOptions
from planner.parse import parse
from planner.planning import plan_query

from .paper import PaperTable, paper, paper_catalog

FACTS = 6_000_000.0
KEY = (pa.int64(),)


def joined(sizes: dict[str, tuple[float, float]]) -> list[str]:
    """The sides that rows of `facts` are looked up in, the first one first.

    Args:
        sizes: by the name of a side: its rows, and the values that facts have of its key.
    """
    keys = {f"{name}_id": values for name, (_, values) in sizes.items()}
    facts = PaperTable(dict.fromkeys(keys, KEY) | {"v": KEY}, FACTS, keys)
    sides = {
        name: PaperTable({"id": KEY, "label": (pa.string(),)}, rows, {"id": rows})
        for name, (rows, _) in sizes.items()
    }
    lake = paper("native", {"facts": facts, **sides})
    joins = " ".join(f"JOIN {name} ON {name}.id = facts.{name}_id" for name in sizes)
    labels = ", ".join(f"{name}.label" for name in sizes)
    plan = plan_query(
        parse(f"SELECT facts.v, {labels} FROM facts {joins}"),
        paper_catalog(lake=lake, near=paper("scan", {"t": PaperTable({"a": KEY}, 1.0)})),
        PlanningOptions(),
    )
    lines = [line for line in plan.residual_text.splitlines() if "inner join" in line]
    found = [next(name for name in sizes if f"{name}_id" in line) for line in lines]
    return found[::-1]


def test_few_kept_rows_are_looked_up_first_although_more_rows_are_left() -> None:
    sizes = {"many": (200_000.0, 1_400_000.0), "few": (2_000.0, 10_000.0)}
    assert joined(sizes) == ["few", "many"]


def test_what_drops_nothing_comes_last_however_little_it_takes() -> None:
    sizes = {"all": (10.0, 10.0), "many": (200_000.0, 1_400_000.0)}
    assert joined(sizes) == ["many", "all"]


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
def test_of_equal_sides_what_drops_more_comes_first(names: tuple[str, str]) -> None:
    sizes = {"one": (2_000.0, 8_000.0), "two": (2_000.0, 20_000.0)}
    assert joined({name: sizes[name] for name in names}) == ["two", "one"]
