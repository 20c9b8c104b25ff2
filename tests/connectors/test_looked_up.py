"""What is remembered of a catalog, and of its statistics: for a while, and nothing from before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from connectors import kept_statistics, looked_up
from connectors.contract import Statistics, Table, TableName
from connectors.errors import SourceTimeoutError, SourceUnavailableError
from connectors.kept_statistics import KeptStatistics
from connectors.looked_up import LookedUp

NAME, OTHER = TableName("main", "t"), TableName("", "t")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which the tests move."""
    now = [0.0]
    for module in (looked_up, kept_statistics):
        monkeypatch.setattr(module, "time", _Clock(now))
    yield now


class _Clock:
    def __init__(self, now: list[float]) -> None:
        self._now = now

    def monotonic(self) -> float:
        return self._now[0]


def test_a_listing_is_asked_for_again_after_a_while(clock: list[float]) -> None:
    known: LookedUp[int, str] = LookedUp()
    answers = iter([1, 2])
    assert known.last_listing is None
    assert [known.listing(lambda: next(answers)) for _ in range(2)] == [1, 1]
    clock[0] = looked_up.KNOWN_SECONDS
    assert known.last_listing == 1
    assert known.listing(lambda: next(answers)) == 2


def test_a_table_is_known_by_both_of_its_names(clock: list[float]) -> None:
    known: LookedUp[None, str] = LookedUp()
    answers = iter(["one", "two"])
    assert known.find(OTHER, lambda: next(answers), lambda _: NAME) == "one"
    assert known.find(NAME, lambda: next(answers)) == "one"
    clock[0] = looked_up.KNOWN_SECONDS
    assert known.find(NAME, lambda: next(answers)) == "two"


def test_many_are_asked_for_at_once_and_only_those_that_are_not_known(clock: list[float]) -> None:
    known: LookedUp[None, str] = LookedUp()
    asked: list[list[TableName]] = []

    def ask(names: Sequence[TableName]) -> dict[TableName, str]:
        asked.append(list(names))
        return {name: "one" for name in names if name == NAME}

    known.look_ahead([NAME, OTHER], ask)
    known.look_ahead([NAME, OTHER], ask)
    assert known.find(NAME, lambda: "asked") == "one"
    assert known.find(OTHER, lambda: "asked") is None
    clock[0] = looked_up.MISSING_SECONDS
    known.look_ahead([NAME, OTHER], ask)
    clock[0] = looked_up.KNOWN_SECONDS
    known.look_ahead([NAME], ask)
    assert asked == [[NAME, OTHER], [OTHER], [NAME]]


def test_what_was_looked_at_before_a_refresh_is_not_kept() -> None:
    known: LookedUp[None, str] = LookedUp()

    def ask(_: Sequence[TableName]) -> dict[TableName, str]:
        known.refresh()
        return {NAME: "old"}

    known.look_ahead([NAME], ask)
    assert known.find(NAME, lambda: "new") == "new"


def test_a_missing_one_is_looked_for_again_sooner(clock: list[float]) -> None:
    known: LookedUp[None, str] = LookedUp()
    assert known.find(NAME, lambda: None) is None
    assert known.find(NAME, lambda: "made since") is None
    clock[0] = looked_up.MISSING_SECONDS
    assert known.find(OTHER, lambda: None) is None
    assert known.find(NAME, lambda: "made since") == "made since"
    # Clients choose the names.
    assert list(known._missing) == [OTHER]


def test_what_was_asked_for_before_a_refresh_is_not_kept() -> None:
    known: LookedUp[str, str] = LookedUp()

    def old() -> str:
        known.refresh()
        return "old"

    assert known.listing(old) == "old"
    assert known.listing(lambda: "new") == "new"
    assert known.find(NAME, old) == "old"
    assert known.find(NAME, lambda: "new") == "new"


def test_tables_can_be_forgotten_alone() -> None:
    known: LookedUp[str, str] = LookedUp()
    known.listing(lambda: "listed")
    known.find(NAME, lambda: "old")
    known.forget_tables()
    assert known.last_listing == "listed"
    assert known.find(NAME, lambda: "new") == "new"


class _Tables:
    """A catalog of one table, at a source that can be away."""

    default_schema = "main"

    def __init__(self) -> None:
        self.away = False

    def names(self) -> list[TableName]:
        return [NAME]

    def find(self, name: TableName) -> Table | None:
        if self.away:
            raise SourceUnavailableError("it is away", source="shop")
        return Table(name, ()) if name == NAME else None

    def refresh(self) -> None:
        pass


def test_statistics_are_asked_for_again_after_some_minutes(clock: list[float]) -> None:
    tables, answers = _Tables(), iter([1.0, 2.0])
    kept = KeptStatistics(tables, lambda _: Statistics(next(answers)))
    assert kept.of(OTHER) == Statistics()
    assert [kept.of(NAME).rows for _ in range(2)] == [1, 1]
    clock[0] = 300
    tables.away = True
    # What was known before is better than nothing.
    assert kept.of(NAME).rows == 1
    tables.away = False
    assert kept.of(NAME).rows == 2
    kept.refresh()
    with pytest.raises(StopIteration):
        kept.of(NAME)


def test_a_question_that_fails_is_not_asked_each_time(clock: list[float]) -> None:
    asked: list[Table] = []

    def ask(table: Table) -> Statistics:
        asked.append(table)
        raise SourceTimeoutError("it takes long", source="shop")

    kept = KeptStatistics(_Tables(), ask)
    assert [kept.of(NAME) for _ in range(2)] == [Statistics()] * 2
    assert len(asked) == 1
    # But it may be answered in a moment.
    clock[0] = 5
    kept.of(NAME)
    assert len(asked) == 2


def test_statistics_that_were_asked_for_before_a_refresh_are_not_kept() -> None:
    answers = iter([1.0, 2.0])

    def ask(_: Table) -> Statistics:
        rows = next(answers)
        if rows == 1:
            kept.refresh()
        return Statistics(rows)

    kept = KeptStatistics(_Tables(), ask)
    assert [kept.of(NAME).rows for _ in range(3)] == [1, 2, 2]


def test_of_a_source_that_is_away_nothing_is_known() -> None:
    tables = _Tables()
    tables.away = True
    kept = KeptStatistics(tables, lambda _: Statistics(1.0))
    assert kept.of(NAME) == Statistics()
    tables.away = False
    assert kept.of(NAME) == Statistics(1.0)
