"""What sources took corrects what they are expected to take, and plans settle on the better cut."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from planner.catalog import Catalog
from planner.explain import explain_text
from planner.explain_json import explain_value
from planner.options import PlanningOptions, Reductions
from planner.parse import parse
from planner.plan import Plan, PlannedFragment, Work
from planner.planning import plan_query
from planner.seen_work import (
    CONFIRMED,
    FEWEST_OF_A_PACE,
    FORGOTTEN_HALF_LIVES,
    HALF_LIFE_SECONDS,
    LATEST,
    LEAST_SECONDS,
    MOST_OF_A_PACE,
    MOST_SHAPES,
    NOTICED_SECONDS,
    SeenWork,
)
from tests.planner.paper_shop import shop_catalog

SHAPE = b"a shape"
GUESS = 0.1

JOINED = (
    "SELECT o.id, c.name FROM shop.orders o JOIN shop.customers c ON c.id = o.customer"
    " WHERE c.nation = 3"
)
KEYED = (
    "SELECT o.total, r.name FROM shop.orders o JOIN till.members r ON r.id = o.customer"
    " WHERE r.name = 'x'"
)


def noted(
    seen: SeenWork,
    *seconds: float,
    shape: bytes | None = SHAPE,
    now: float = 0.0,
    sure: bool = True,
    sized: bool = True,
    guess: float = GUESS,
) -> None:
    for each in seconds:
        seen.note("shop", Work(guess, guess, False, shape), each, now, sure=sure, sized=sized)


def test_less_than_was_expected_is_believed_at_once() -> None:
    seen = SeenWork()
    noted(seen, 0.04)
    assert seen.expected_seconds(SHAPE, GUESS) == pytest.approx(0.04)
    assert seen.expected_seconds(b"another", GUESS) is None
    assert seen.expected_seconds(None, GUESS) is None


def test_more_has_to_be_seen_again_and_the_least_of_the_latest_counts() -> None:
    seen = SeenWork()
    for _ in range(CONFIRMED - 1):
        noted(seen, 0.9)
        assert seen.expected_seconds(SHAPE, GUESS) is None
    noted(seen, 0.7)
    assert seen.expected_seconds(SHAPE, GUESS) == pytest.approx(0.7)
    noted(seen, 5.0)
    assert seen.expected_seconds(SHAPE, GUESS) == pytest.approx(0.7)
    noted(seen, *[1.0] * LATEST)
    assert seen.expected_seconds(SHAPE, GUESS) == pytest.approx(1.0)


def test_what_may_have_been_less_corrects_only_what_was_more() -> None:
    seen = SeenWork()
    noted(seen, 0.9, 0.9, 0.9, sure=False)
    assert seen.expected_seconds(SHAPE, GUESS) is None
    noted(seen, 0.05, sure=False)
    assert seen.expected_seconds(SHAPE, GUESS) == pytest.approx(0.05)


def test_of_next_to_nothing_no_plan_changes() -> None:
    seen = SeenWork()
    noted(seen, LEAST_SECONDS / 2, LEAST_SECONDS / 2)
    assert seen.expected_seconds(SHAPE, LEAST_SECONDS / 10) is None


def test_what_nobody_sees_any_more_goes_towards_the_guess_and_is_forgotten() -> None:
    seen = SeenWork()
    noted(seen, 1.6, 1.6)
    noted(seen, 0.1, shape=b"another", now=HALF_LIFE_SECONDS)
    assert seen.expected_seconds(SHAPE, GUESS) == pytest.approx(0.4)
    noted(seen, 0.1, shape=b"another", now=FORGOTTEN_HALF_LIVES * HALF_LIFE_SECONDS)
    assert seen.expected_seconds(SHAPE, GUESS) is None


def test_the_memory_is_bounded() -> None:
    seen = SeenWork()
    noted(seen, 0.01)
    for number in range(MOST_SHAPES):
        noted(seen, 0.01, shape=number.to_bytes(16, "big"))
    assert seen.expected_seconds(SHAPE, GUESS) is None
    noted(seen, 0.01, shape=None)


def shapes(number: int) -> list[bytes]:
    return [bytes([n]) for n in range(number)]


def test_a_source_that_is_slow_for_several_fragments_is_slow_for_others() -> None:
    seen = SeenWork()
    *first, last = shapes(FEWEST_OF_A_PACE)
    for shape in first:
        noted(seen, 9 * GUESS, 4 * GUESS, shape=shape)
    noted(seen, 100 * GUESS, shape=last)
    assert seen.pace("shop") == 1.0
    noted(seen, 100 * GUESS, shape=last)
    assert seen.pace("shop") == pytest.approx(4.0)
    assert seen.pace("till") == 1.0


def test_a_pace_is_not_that_of_a_time_long_ago() -> None:
    seen = SeenWork()
    for shape in shapes(3 * FEWEST_OF_A_PACE):
        noted(seen, 9 * GUESS, 9 * GUESS, shape=shape)
    assert seen.pace("shop") == pytest.approx(9.0)
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(seen, *[GUESS] * LATEST, shape=shape, now=2 * HALF_LIFE_SECONDS)
    assert seen.pace("shop") == pytest.approx(1.0)


def test_a_pace_falls_back_where_nothing_confirms_it() -> None:
    seen = SeenWork()
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(seen, 16 * GUESS, 16 * GUESS, shape=shape)
    assert seen.pace("shop") == pytest.approx(10.0)
    # Too few to make another of, however often they are seen.
    noted(seen, GUESS, GUESS, shape=b"other", now=2 * HALF_LIFE_SECONDS)
    assert seen.pace("shop") == pytest.approx(10.0**0.25)


def test_a_pace_that_is_about_the_same_is_the_same() -> None:
    seen = SeenWork()
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(seen, 4.0 * GUESS, 4.0 * GUESS, shape=shape)
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(seen, 3.5 * GUESS, shape=shape)
    assert seen.pace("shop") == pytest.approx(4.0)
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(seen, GUESS, shape=shape)
    assert seen.pace("shop") == pytest.approx(1.0)


@pytest.mark.parametrize("pace", [0.2, 0.9, 1.0, 3.0, 9.0])
def test_a_pace_is_found_again_in_what_it_makes_of_work(pace: float) -> None:
    """Also of rows that are handed out while they are carried, of which nothing is seen."""
    seen = SeenWork()
    for number, shape in enumerate(shapes(FEWEST_OF_A_PACE)):
        work = Work(0.0, 0.5, False, shape, 0.4, 0.1 * number)
        took = work.guess_seconds(pace)
        for _ in range(CONFIRMED):
            seen.note("shop", work, took, 0.0, sure=True, sized=True)
        assert work.pace_of(took) == pytest.approx(pace)
    assert seen.pace("shop") == pytest.approx(pace if not 0.8 <= pace <= 1.25 else 1.0)


def test_a_pace_is_that_of_fragments_that_were_expected_right_and_take_a_while() -> None:
    seen = SeenWork()
    for shape in shapes(2 * FEWEST_OF_A_PACE):
        noted(seen, 4 * GUESS, 4 * GUESS, shape=shape, sized=False)
        noted(seen, NOTICED_SECONDS, shape=shape, guess=NOTICED_SECONDS / 2)
    assert seen.pace("shop") == 1.0
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(seen, 1e6 * GUESS, shape=shape)
        noted(seen, 1e6 * GUESS, shape=shape)
    assert seen.pace("shop") <= MOST_OF_A_PACE


def planned(sql: str, catalog: Catalog, reductions: Reductions = "costed") -> Plan:
    return plan_query(parse(sql), catalog, PlanningOptions(reductions=reductions))


def joined(catalog: Catalog) -> Plan:
    """There or here: without keys there are these two cuts."""
    return planned(JOINED, catalog, "none")


def ask(plan: Plan, catalog: Catalog, took: Callable[[PlannedFragment], float]) -> None:
    """Run a plan on paper: its sources take what they are said to take."""
    for fragment in plan.fragments:
        assert fragment.work is not None
        seconds = took(fragment)
        catalog.seen.worked(fragment.source, fragment.work, seconds, 0.0, sure=True, sized=True)


def asked(catalog: Catalog, times: int, took: Callable[[PlannedFragment], float]) -> list[int]:
    """How many fragments there were each time; a plan is kept until something refutes it."""
    found: list[int] = []
    plan = joined(catalog)
    for _ in range(times):
        if catalog.seen.refutes(plan):
            plan = joined(catalog)
        ask(plan, catalog, took)
        found.append(len(plan.fragments))
    return found


def test_a_join_that_its_source_is_slow_at_is_run_here() -> None:
    catalog = shop_catalog()
    times = asked(catalog, 10, lambda f: 2.0 if "join" in f.operators else 0.02)
    assert times == [1] * CONFIRMED + [2] * (10 - CONFIRMED)


def test_the_better_of_two_cuts_that_were_both_slow_is_kept() -> None:
    catalog = shop_catalog()
    times = asked(catalog, 10, lambda f: 2.0 if "join" in f.operators else 9.0)
    assert times == [1] * CONFIRMED + [2] * CONFIRMED + [1] * (10 - 2 * CONFIRMED)
    assert not catalog.seen.refutes(joined(catalog))


def varying(chance: random.Random, slow: float, fragment: PlannedFragment) -> float:
    return chance.uniform(1.0, 1.3) * (slow if "join" in fragment.operators else 1.0)


def test_a_plan_settles_however_its_times_vary() -> None:
    for number in range(20):
        slow = 0.3 + 0.15 * number
        catalog = shop_catalog()
        times = asked(catalog, 40, partial(varying, random.Random(number), slow))
        assert len(set(times[10:])) == 1


def test_what_was_fast_is_not_planned_again() -> None:
    catalog = shop_catalog()
    plan = joined(catalog)
    ask(plan, catalog, lambda f: f.work.seconds if f.work else 0.0)
    assert not catalog.seen.refutes(plan)


def test_a_slow_source_is_expected_to_be_slow_at_what_it_was_not_seen_to_do() -> None:
    catalog = shop_catalog()
    before = joined(catalog).fragments[0]
    for shape in shapes(FEWEST_OF_A_PACE):
        noted(catalog.seen.work, 3 * GUESS, 3 * GUESS, shape=shape)
    after = joined(catalog).fragments[0]
    assert before.work is not None and after.work is not None
    assert before.cost is not None and after.cost is not None
    # All of it takes three times as long, and the link carries rows beside that as it did before.
    all_seconds = 3 * before.work.constant_seconds
    assert after.work.seconds == pytest.approx(all_seconds - before.cost.transfer_seconds)
    assert not catalog.seen.refutes(joined(catalog))
    assert after.work.constant_seconds == before.work.constant_seconds
    assert after.cost.work_seconds == after.work.seconds
    assert not after.work.seen


def test_work_on_keys_is_remembered_whatever_the_stage_is_called() -> None:
    catalog = shop_catalog()
    two = KEYED.replace("till.members r ON", "till.members r ON r.nation < 9 AND")

    def keyed(sql: str) -> PlannedFragment:
        (found,) = (f for f in planned(sql, catalog).fragments if f.reduction is not None)
        return found

    first = keyed(KEYED)
    assert first.shape is None
    assert first.work is not None and first.work.shape is not None
    for _ in range(CONFIRMED):
        ask(planned(KEYED, catalog), catalog, lambda f: 0.01 if f.source == "shop" else 0.001)
    again = keyed(KEYED)
    assert again.work is not None
    assert again.work.seconds == pytest.approx(0.01)
    assert again.cost is not None
    assert again.cost.work_seconds == pytest.approx(0.01)
    other = keyed(two)
    assert other.work is not None
    assert other.work.shape == again.work.shape


def test_keys_that_were_seen_to_take_longer_than_reading_all_are_not_sent_again() -> None:
    catalog = shop_catalog()
    for _ in range(CONFIRMED):
        plan = planned(KEYED, catalog)
        assert plan.stages
        ask(plan, catalog, lambda f: 3.0 if f.source == "shop" else 0.001)
    # Nor is what has the keys sent whole, when that was seen to take as long.
    for _ in range(CONFIRMED):
        plan = planned(KEYED, catalog)
        assert not any(fragment.reduction for fragment in plan.fragments)
        ask(plan, catalog, lambda f: 3.0 if f.source == "shop" and f.sending else 0.001)
    assert not planned(KEYED, catalog).stages


def test_keys_that_were_long_in_coming_are_not_waited_for_again() -> None:
    catalog = shop_catalog()
    plan = planned(KEYED, catalog)
    (stage,) = plan.stages
    assert stage.work is not None
    for _ in range(CONFIRMED):
        assert not catalog.seen.refutes(plan)
        catalog.seen.staged(stage.work, 3.0, 0.0)
    assert catalog.seen.refutes(plan)
    explained = planned(f"EXPLAIN {KEYED}", catalog)
    assert not explained.stages
    keyed = [cut.seconds for cut in explained.losing if "reductions = all" in cut.description]
    assert keyed and keyed[0] > 3.0


def test_explain_says_whether_work_was_seen() -> None:
    catalog = shop_catalog()
    plan = joined(catalog)
    assert " work)" in explain_text(plan)
    assert explain_value(plan)["parts"][0]["cost"]["work_seen"] is False
    ask(plan, catalog, lambda _: 0.007)
    plan = joined(catalog)
    assert "0.0070 work seen)" in explain_text(plan)
    cost = explain_value(plan)["parts"][0]["cost"]
    assert (cost["work_seen"], cost["work_seconds"]) == (True, 0.007)
    explained = planned(f"EXPLAIN {JOINED}", catalog, "none")
    assert explained.fragments[0].cost is not None
    assert explained.seconds == pytest.approx(explained.fragments[0].cost.seconds)
