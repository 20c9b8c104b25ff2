"""The benchmark over links: what it keeps, compares and shows. It is not run here."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.links import page
from benchmarks.links.cells import BARS, Answer, Cell, Judged, Measured, same_answer
from benchmarks.links.contenders import CONTENDERS
from benchmarks.links.estimates import judged, most_wrong, passed_over, same_plan
from benchmarks.links.regret import listed, matrix, regrets, summary
from benchmarks.links.run import QUERIES, measured_path
from planner.explain_json import explain_value
from planner.opening import MORE_MOVED
from tests.planner.paper_shop import plan, shop_catalog


def test_answers_are_kept_one_by_one_and_those_that_failed_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "20x100" / "crosswind.json"
    kept = Measured.kept(path)
    kept.add("q01", Answer(1.5, 10, 0, 3, [1.0, 2.0]))
    kept.add("q02", Answer(0.1, 0, 0, 0, [], "no"))
    part = Judged("f1", 10, 12, 0.1, 0.2)
    kept.add("q03", Answer(0.5, 0, 0, 0, [], times=(0.7, 0.5), judged=(part,)))
    again = Measured.kept(path)
    assert again.answers == kept.answers
    assert again.failed == ["q02"]
    again.forget(again.failed)
    assert list(again.answers) == ["q01", "q03"]
    assert (again.seconds, again.first_seconds, again.database_bytes) == (2.0, 2.2, 10)


def test_answers_are_compared_by_rows_and_sums() -> None:
    one = Answer(1.0, 0, 0, 2, [1e9, 0.5])
    assert same_answer(one, Answer(9.0, 7, 0, 2, [1e9 + 1e-3, 0.5]))
    assert not same_answer(one, Answer(1.0, 0, 0, 3, [1e9, 0.5]))
    assert not same_answer(one, Answer(1.0, 0, 0, 2, [1.01e9, 0.5]))


def test_a_contender_that_this_build_cannot_be_is_left_out() -> None:
    assert all(contender.available for contender in CONTENDERS)
    later = replace(CONTENDERS[0], options={"colour": "red"})
    assert not later.available


def test_the_page_has_every_cell_that_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "DOCS", tmp_path / "docs")
    seconds = {"crosswind": 0.5, "pull-all": 2.0, "duckdb": 1.0, "told": 0.1}
    for contender in CONTENDERS:
        for cell in BARS if contender.name in seconds else ():
            kept = Measured.kept(measured_path(tmp_path, 1, "local", cell, contender))
            for query in QUERIES:
                kept.add(query, Answer(seconds[contender.name], 1_000_000, 0, 1))
    half_done = Measured.kept(measured_path(tmp_path, 1, "local", Cell(5, 10), CONTENDERS[0]))
    half_done.add("q01", Answer(1.0, 0, 0, 1))
    page.write(tmp_path, 1, Console(file=io.StringIO()))
    page.print_regrets({("local", BARS[1], "crosswind"): half_done}, Console(file=io.StringIO()))
    text = (tmp_path / "docs" / "links.md").read_text()
    ours, duckdb = "11.0 s (first 11.0 s), 22 MB", "22.0 s (first 22.0 s), 22 MB"
    assert f"| 20 ms | 100 | {ours} | 2.2 s (first 2.2 s), 22 MB | " in text
    assert f" | {duckdb} |" in text
    assert "| 50 ms | 20 | 0.50× | 1.00× |" in text
    assert "| 20x100 | q07 | 0.500 s | told: 0.100 s | 5.00× | not known |" in text
    assert "| 5 ms | 10 |" not in text
    assert (tmp_path / "docs" / "links.png").stat().st_size > 10_000


CELL = Cell(20, 100)

JOIN = "SELECT o.id, r.name FROM shop.orders o JOIN notes.remarks r ON r.id = o.customer"


def found(*, plan: str = "", **seconds: tuple[float, ...]) -> dict[tuple[str, Cell, str], Measured]:
    """One query in one cell, by contender, with what each asking took."""
    return {
        ("local", CELL, name.replace("_", "-")): Measured(
            Path(name), {"q01": Answer(min(times), 0, 0, times=times, plan=plan)}
        )
        for name, times in seconds.items()
    }


def test_regret_is_over_the_best_of_crosswinds_own_other_ways() -> None:
    (regret,) = regrets(
        "local", found(crosswind=(0.6,), push_all=(0.4,), open=(0.5,), duckdb=(0.1,))
    )
    assert (regret.best, round(regret.ratio, 2), regret.is_clear) == ("push-all", 1.5, True)
    assert regrets("local", found(crosswind=(0.6,), duckdb=(0.1,))) == []
    assert regrets("s3", found(crosswind=(0.6,), told=(0.1,))) == []


def test_a_way_to_the_same_plan_is_another_asking_of_it() -> None:
    one = found(plan="a", crosswind=(0.9,), told=(0.4,)) | found(plan="b", open=(0.5,))
    (regret,) = regrets("local", one)
    assert (regret.seconds, regret.best, round(regret.ratio, 2)) == (0.4, "open", 0.8)
    (alone,) = regrets("local", found(plan="a", crosswind=(0.9,), told=(0.4,)))
    assert (alone.text, alone.is_clear) == ("=", False)
    before, after = (
        explain_value(plan(JOIN, shop_catalog())),
        explain_value(plan(JOIN, shop_catalog())),
    )
    assert same_plan(before, after)
    assert not same_plan(before, explain_value(plan(f"{JOIN} LIMIT 3", shop_catalog())))


@pytest.mark.parametrize(
    ("ours", "best", "shown"),
    [
        ((0.05,), (0.04,), "~1.25×"),  # 10 ms
        ((0.75, 0.90, 0.95), (0.61, 0.61, 0.61), "~1.23×"),  # askings differ by more than these do
        ((0.75, 0.76, 0.77), (0.61, 0.61, 0.61), "1.23×"),
        ((0.3,), (0.4,), "0.75×"),
    ],
)
def test_a_difference_in_the_noise_is_marked_as_such(
    ours: tuple[float, ...], best: tuple[float, ...], shown: str
) -> None:
    those = regrets("local", found(crosswind=ours, told=best))
    assert matrix(those)[1] == [["q01", shown]]
    assert [row[4] for row in listed(those)] == [shown] * (shown != "0.75×")
    assert f"{int(shown.startswith('~'))} more" in summary(those)


def test_expectations_are_those_from_before_anything_ran() -> None:
    before = explain_value(plan(JOIN, shop_catalog()))
    after = explain_value(plan(JOIN, shop_catalog()))
    ran = {"rows": 5, "first_batch_seconds": 0.5, "transfer_seconds": 0.25}
    for number, part in enumerate(after["parts"]):
        part |= {"name": f"f{2 - number}", "expected": {"rows": 5, "bytes": 40}, "ran": ran}
    parts = judged(before, after)
    assert {part.expected_rows for part in parts} == {100_000, 1_000}
    assert {(part.rows, part.seconds) for part in parts} == {(5, 0.75)}
    assert "main.orders: 100,000 rows expected, 5 came" in most_wrong(parts)


def test_where_rows_were_right_the_seconds_are_named() -> None:
    right = Judged("f1 at shop: orders", 100, 110, 0.1, 0.4)
    assert most_wrong([right]) == "f1 at shop: orders: 0.100 s expected, it took 0.400 s"
    assert most_wrong([right, Judged("k1", 100, 900)]) == "k1: 100 rows expected, 900 came"
    assert most_wrong([Judged("k1")]) == "not known"
    held = Judged("f1", 100, 110, 0.1, 0.11)
    assert most_wrong([held]) == "none by 1.2×; f1: 100 rows expected, 110 came"


def test_a_way_that_was_passed_over_for_what_it_moves_is_named() -> None:
    value = explain_value(plan(JOIN, shop_catalog()))
    assert passed_over(value) == ""
    reason = f"0.5 s to move and join the inputs, 0.7 s for the result, and 9 MB {MORE_MOVED}"
    value["rejected"].append({"description": "2 fragments of shop, joined here", "reason": reason})
    assert passed_over(value) == f"2 fragments of shop, joined here: {reason}"


@pytest.mark.parametrize(("sooner", "named"), [("open", "9 MB more"), ("push_all", "not known")])
def test_what_was_passed_over_is_named_only_where_that_was_sooner(sooner: str, named: str) -> None:
    those = found(crosswind=(0.6,), **{sooner: (0.3,)})
    (ours,) = (each for key, each in those.items() if key[2] == "crosswind")
    ours.answers["q01"] = replace(ours.answers["q01"], passed_over="joined here: 9 MB more")
    (regret,) = regrets("local", those)
    assert named in regret.estimate
