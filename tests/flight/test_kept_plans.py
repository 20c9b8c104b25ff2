"""When a plan that is kept is made again: by what was learned, and ever more seldom."""

from __future__ import annotations

import pyarrow as pa

from flight_server.kept_plans import LONG_CHARACTERS, MAX_LONG_PLANS, KeptPlans
from flight_server.parts import Answer, Limits
from planner.catalog import Catalog
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Work
from planner.planning import plan_query
from planner.seen import WRONG
from tests.planner.paper import PaperTable, paper, paper_catalog

from .test_lifecycle import HandClock

ROWS = 100_000.0
ONE_TABLE = "SELECT id FROM shop.a"
TWO_SOURCES = "SELECT a.id FROM shop.a JOIN lake.b ON a.id = b.id"


def catalog() -> Catalog:
    table = PaperTable({"id": (pa.int64(),)}, ROWS)
    return paper_catalog(shop=paper("postgres", {"a": table}), lake=paper("native", {"b": table}))


class Asking:
    """Statements asked for as a server does; how often each was planned.

    Attributes:
        made: the plans, the latest last.
    """

    def __init__(self, sql: str) -> None:
        self.catalog = catalog()
        self.clock = HandClock()
        self.sql = sql
        self.made: list[Answer] = []
        self.plans: KeptPlans[str] = KeptPlans(Limits(), self.clock, self.catalog.seen)
        self._shapes = 0

    def ask(self) -> bool:
        """Whether the statement was planned."""
        answer = self.plans.use(self.sql, len(self.sql))
        if answer is not None:
            assert answer is self.made[-1]
            return False
        learned = self.catalog.seen.learned
        plan = plan_query(parse(self.sql), self.catalog, PlanningOptions())
        self.made.append(Answer("query", plan, plan.schema))
        self.plans.put(self.sql, len(self.sql), self.made[-1], learned)
        return True

    def learn(self) -> None:
        """Something was seen that nobody has seen before."""
        self._shapes += 1
        self.catalog.seen.note(b"%d" % self._shapes, 1.0)


def test_a_plan_is_looked_at_again_ever_more_seldom_while_something_is_learned() -> None:
    asking = Asking(TWO_SOURCES)
    planned = []
    for use in range(1, 200):
        if asking.ask():
            planned.append(use)
        asking.learn()
    assert planned == [1, 3, 12, 48, 192]


def test_a_plan_stays_while_nothing_is_learned_and_is_looked_at_as_soon_as_something_is() -> None:
    asking = Asking(TWO_SOURCES)
    assert [asking.ask() for _ in range(10)] == [True] + [False] * 9
    asking.learn()
    assert asking.ask()
    assert not asking.ask()


def test_a_plan_without_a_choice_stays_whatever_is_learned() -> None:
    asking = Asking(ONE_TABLE)
    planned = []
    for _ in range(10):
        planned.append(asking.ask())
        asking.learn()
    assert planned == [True] + [False] * 9


def test_a_plan_that_was_refuted_is_made_again_at_once() -> None:
    asking = Asking(TWO_SOURCES)
    asking.ask()
    while len(asking.made) < 3:  # Until the next look is some uses away.
        asking.learn()
        asking.ask()
    (fragment,) = asking.made[-1].plan.fragments
    assert fragment.shape is not None
    asking.catalog.seen.note(fragment.shape, 2 * WRONG * ROWS)
    assert asking.ask()
    assert not asking.ask()


def test_of_many_that_ask_at_once_one_plans_again() -> None:
    asking = Asking(TWO_SOURCES)
    asking.ask()
    asking.ask()
    asking.learn()
    uses = [asking.plans.use(TWO_SOURCES, len(TWO_SOURCES)) for _ in range(8)]
    assert uses == [None] + [asking.made[0]] * 7


def test_clients_that_plan_one_statement_at_once_move_no_look() -> None:
    asking = Asking(TWO_SOURCES)
    asking.ask()
    for _ in range(10):
        asking.plans.put(TWO_SOURCES, len(TWO_SOURCES), asking.made[0], 0)
    assert not asking.ask()
    asking.learn()
    assert asking.ask()


def test_a_plan_that_has_expired_is_looked_at_from_the_beginning() -> None:
    asking = Asking(TWO_SOURCES)
    for _ in range(20):
        asking.ask()
        asking.learn()
    asking.clock.now += Limits().plan_ttl_seconds + 1
    planned = []
    for _ in range(4):
        planned.append(asking.ask())
        asking.learn()
    assert planned == [True, False, True, False]


def test_long_statements_are_few() -> None:
    asking = Asking(TWO_SOURCES)
    asking.ask()
    plans: KeptPlans[int] = KeptPlans(Limits(), asking.clock, asking.catalog.seen)
    for number in range(MAX_LONG_PLANS + 1):
        plans.put(number, LONG_CHARACTERS + 1, asking.made[0], 0)
        plans.put(-1 - number, LONG_CHARACTERS, asking.made[0], 0)
    assert plans.use(0, LONG_CHARACTERS + 1) is None
    assert plans.use(1, LONG_CHARACTERS + 1) is asking.made[0]
    assert plans.use(-1, LONG_CHARACTERS) is asking.made[0]


def test_what_is_seen_again_teaches_nothing_and_what_differs_does() -> None:
    seen = catalog().seen

    def learned_of(rows: float, seconds: float) -> int:
        before = seen.learned
        seen.note(b"part", rows)
        seen.worked("shop", Work(1.0, 1.0, False, b"part"), seconds, 0.0, sure=True, sized=True)
        return seen.learned - before

    assert learned_of(ROWS, 1.0) == 2
    assert learned_of(ROWS, 1.0) == 1, "what was seen twice is sure"
    assert learned_of(1.1 * ROWS, 1.1) == 0
    assert learned_of(10 * ROWS, 0.1) == 2
