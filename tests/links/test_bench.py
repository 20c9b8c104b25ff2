"""The benchmark over links: what it keeps, compares and shows. It is not run here."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.links import page
from benchmarks.links.cells import BARS, Answer, Cell, Measured, same_answer
from benchmarks.links.contenders import CONTENDERS
from benchmarks.links.run import QUERIES, measured_path


def test_answers_are_kept_one_by_one_and_those_that_failed_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "20x100" / "crosswind.json"
    kept = Measured.kept(path)
    kept.add("q01", Answer(1.5, 10, 0, 3, [1.0, 2.0]))
    kept.add("q02", Answer(0.1, 0, 0, 0, [], "no"))
    again = Measured.kept(path)
    assert again.answers == kept.answers
    assert again.failed == ["q02"]
    again.forget(again.failed)
    assert list(again.answers) == ["q01"]
    assert (again.seconds, again.database_bytes) == (1.5, 10)


def test_answers_are_compared_by_rows_and_sums() -> None:
    one = Answer(1.0, 0, 0, 2, [1e9, 0.5])
    assert same_answer(one, Answer(9.0, 7, 0, 2, [1e9 + 1e-3, 0.5]))
    assert not same_answer(one, Answer(1.0, 0, 0, 3, [1e9, 0.5]))
    assert not same_answer(one, Answer(1.0, 0, 0, 2, [1.01e9, 0.5]))


def test_a_contender_that_this_build_cannot_be_is_left_out() -> None:
    available = {contender.name: contender.available for contender in CONTENDERS}
    assert available["crosswind"]
    assert available["pull-all"]
    assert available["duckdb"]


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
    text = (tmp_path / "docs" / "links.md").read_text()
    assert "| 20 ms | 100 | 11.0 s, 22 MB | 2.2 s, 22 MB | 44.0 s, 22 MB | 22.0 s, 22 MB |" in text
    assert "| 50 ms | 20 | 0.50× | 1.00× |" in text
    assert "| 20x100 | q07 | 0.50 s | told: 0.10 s | 5.0× |" in text
    assert "| 5 ms | 10 |" not in text
    assert (tmp_path / "docs" / "links.png").stat().st_size > 10_000
