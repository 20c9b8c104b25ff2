"""What is known of links: from figures that tests give, on a clock that tests move."""

from __future__ import annotations

import pytest

from execution.links import KnownLink, Links
from execution.metering import Metering
from execution.source_link import AGREEING, ASSUMED, Configured

MBIT = 1e6 / 8
DAY = 86_400.0


class Clock:
    """Time, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class World:
    """Links of one source, `shop`, and one on this machine, and who was asked."""

    def __init__(self, **configured: float) -> None:
        self.clock = Clock()
        shop = Configured(configured.get("rtt_seconds"), configured.get("bytes_per_second"))
        self.links = Links({"shop": shop, "notes": Configured(local=True)}, self.clock)
        self.asked: list[str] = []
        self.links.doubted(self.asked.append, ())

    @property
    def shop(self) -> KnownLink:
        return self.links.known()[1]

    @property
    def mbps(self) -> float:
        return (self.shop.bytes_per_second or 0) / MBIT

    @property
    def rtt_ms(self) -> float:
        return (self.shop.rtt_seconds or 0) * 1e3


def test_of_a_link_that_nobody_has_seen_something_is_assumed() -> None:
    world = World()
    assert world.links.links() == {"shop": ASSUMED, "notes": ASSUMED}
    assert [(k.source, k.origin) for k in world.links.known()] == [
        ("notes", "local"),
        ("shop", "assumed"),
    ]
    assert world.shop.seen_at is None


def test_each_configured_value_holds_by_itself() -> None:
    world = World(rtt_seconds=0.02)
    world.links.trip("shop", 0.3)
    world.links.streamed("shop", 10 * MBIT, 1)
    assert (world.rtt_ms, world.mbps) == (20, 10)
    assert world.shop.origin == "configured, measured"
    assert World(rtt_seconds=0.02, bytes_per_second=MBIT).links.wanting() == []


def test_the_link_has_the_highest_rate_that_was_seen() -> None:
    world = World()
    for mbps in (100, 110, 90, 105, 110, 81, 100):
        world.links.streamed("shop", mbps * MBIT, 1)
    assert world.mbps == 105  # reached twice in a row of what was higher
    assert world.shop.seen_at == world.clock.now
    assert world.links.version == 1  # from what was assumed to what was seen
    assert world.asked == []


def test_a_faster_link_is_known_when_it_was_seen_twice() -> None:
    world = World()
    world.links.streamed("shop", 10 * MBIT, 1)
    version = world.links.version
    world.links.streamed("shop", 100 * MBIT, 1)
    assert (world.mbps, world.links.version) == (10, version)
    world.links.streamed("shop", 95 * MBIT, 1)
    assert (world.mbps, world.links.version) == (95, version + 1)
    assert world.asked == ["shop"]  # its round trip may be another, too


def test_one_figure_that_is_out_of_all_proportion_changes_nothing() -> None:
    world = World()
    for mbps in (100, 100, 9_000, 100, 1, 100, 1):
        world.links.streamed("shop", mbps * MBIT, 1)
    assert world.mbps == 100


def test_what_came_with_its_sources_work_is_a_lower_bound() -> None:
    world = World()
    world.links.came("shop", 30 * MBIT, 1)
    assert world.mbps == 30  # better than nothing
    world.links.came("shop", 50 * MBIT, 1)
    world.links.came("shop", 5 * MBIT, 1)
    assert world.mbps == 50
    world.links.came("shop", 90 * MBIT, 1)
    assert world.mbps == 90  # it cannot be less
    world.links.streamed("shop", 60 * MBIT, 1)
    assert world.mbps == 90  # whatever its source had to do for this one
    assert world.asked == []


def test_computing_sources_never_make_a_link_slow_that_can_be_asked() -> None:
    world = World()
    world.links.doubted(world.asked.append, ["shop"])
    world.links.came("shop", 700 * MBIT, 1)
    for round_ in range(5):
        for mbps in (30, 270, 60):
            world.links.streamed("shop", mbps * MBIT, 1)
        assert len(world.asked) == round_ + 1
        world.links.probed("shop", 600 * MBIT, sure=round_ % 2 == 0)
    assert world.mbps == 700


def test_a_link_that_has_become_a_little_slower_is_noticed_by_asking() -> None:
    world = World()
    world.links.doubted(world.asked.append, ["shop"])
    world.links.streamed("shop", 100 * MBIT, 1)
    for mbps in (58, 60, 57):
        world.links.streamed("shop", mbps * MBIT, 1)
    assert (world.mbps, world.asked) == (100, ["shop"])
    world.links.probed("shop", 55 * MBIT, sure=True)
    assert world.mbps == 60


def test_several_that_came_slowly_put_the_link_in_doubt_and_are_believed_where_nobody_asks() -> (
    None
):
    world = World()
    world.links.streamed("shop", 100 * MBIT, 1)
    for number in range(AGREEING - 1):
        world.links.came("shop", (10 + number) * MBIT, 1)
    assert world.asked == ["shop"]
    assert world.mbps == 100
    world.links.came("shop", 5 * MBIT, 1)
    assert world.mbps == 10 + AGREEING - 2


def test_where_the_source_can_be_asked_slow_fragments_alone_change_nothing() -> None:
    world = World()
    world.links.doubted(world.asked.append, ["shop"])
    world.links.streamed("shop", 100 * MBIT, 1)
    for _ in range(2 * AGREEING):
        world.links.came("shop", 10 * MBIT, 1)
    assert (world.mbps, world.asked) == (100, ["shop"] * 2)
    world.links.not_quiet("shop")
    world.links.came("shop", 100 * MBIT, 1)
    for _ in range(AGREEING):
        world.links.came("shop", 10 * MBIT, 1)
    assert world.mbps == 10


def test_it_is_known_whether_anything_is_read() -> None:
    world = World()
    before = world.links.quiet_since("shop")
    reading = Metering(world.links, {"shop": lambda: 0}).reading("shop", 0.0)
    assert reading is not None
    assert world.links.quiet_since("shop") is None
    reading.ended(1.0, complete=False)
    assert world.links.quiet_since("shop") not in (None, before)


def test_a_probe_is_believed() -> None:
    world = World()
    world.links.streamed("shop", 100 * MBIT, 1)
    world.links.probed("shop", 90 * MBIT, sure=True)
    world.links.probed("shop", 10 * MBIT, sure=False)
    assert world.mbps == 100
    world.links.probed("shop", 10 * MBIT, sure=True)
    assert world.mbps == 10
    world.links.probed("shop", 40 * MBIT, sure=False)
    assert world.mbps == 40


def test_an_answer_tells_of_every_number_of_connections() -> None:
    world = World()
    world.links.doubted(world.asked.append, ["shop"])
    for _ in range(2):
        world.links.streamed("shop", 80 * MBIT, 8)
    for _ in range(3):
        world.links.streamed("shop", 20 * MBIT, 8)
    world.links.probed("shop", 10 * MBIT, sure=True)
    assert world.mbps == 20
    assert (world.shop.connection_bytes_per_second or 0) == 10 * MBIT


def test_plans_know_what_one_connection_carries_where_several_carry_clearly_more() -> None:
    world = World()
    for connections, mbps in ((1, 25), (4, 99)):
        for _ in range(2):
            world.links.streamed("shop", mbps * MBIT, connections)
    link = world.links.link("shop")
    assert [link.over(n) for n in (1, 2, 4, 8)] == pytest.approx(
        [25 * MBIT, 50 * MBIT, 99 * MBIT, 99 * MBIT]
    )
    version = world.links.version
    # What it seemed was its source's work.
    world.links.probed("shop", 90 * MBIT, sure=False)
    assert world.links.link("shop").connection_bytes_per_second is None
    assert world.links.version != version


def test_what_several_connections_carried_says_nothing_of_one() -> None:
    world = World()
    for connections, mbps in ((2, 50), (4, 99)):
        for _ in range(2):
            world.links.streamed("shop", mbps * MBIT, connections)
    assert world.links.link("shop").connection_bytes_per_second is None


def test_a_configured_rate_is_that_of_one_connection_too() -> None:
    world = World(bytes_per_second=100 * MBIT)
    for connections, mbps in ((1, 25), (4, 99)):
        for _ in range(2):
            world.links.streamed("shop", mbps * MBIT, connections)
    assert world.links.link("shop").over(1) == 100 * MBIT


def test_a_doubt_comes_again_while_what_comes_stays_slow() -> None:
    world = World()
    world.links.doubted(world.asked.append, ["shop"])
    world.links.streamed("shop", 100 * MBIT, 1)
    for _ in range(3 + 2 * AGREEING):
        world.links.streamed("shop", 10 * MBIT, 1)
    assert world.asked == ["shop"] * 3
    world.links.not_quiet("shop")  # nobody could be asked
    world.links.streamed("shop", 10 * MBIT, 1)
    assert world.mbps == 10


def test_a_burst_is_forgotten_when_the_next_figure_is_an_ordinary_one() -> None:
    world = World()
    for mbps in (10, 900, 10, 900, 9, 900, 5, 900):
        world.links.streamed("shop", mbps * MBIT, 1)
    assert world.mbps == 10


def test_where_traffic_is_in_the_way_of_asking_traffic_is_believed_until_it_is_not() -> None:
    world = World()
    world.links.doubted(world.asked.append, ["shop"])
    world.links.streamed("shop", 100 * MBIT, 1)
    for _ in range(AGREEING - 1):
        world.links.streamed("shop", 20 * MBIT, 1)
    world.links.probed("shop", 12 * MBIT, sure=False)
    world.links.not_quiet("shop")
    assert world.mbps == 100
    world.links.streamed("shop", 20 * MBIT, 1)
    assert world.mbps == 20
    world.links.probed("shop", 25 * MBIT, sure=True)
    for _ in range(2 * AGREEING):
        world.links.streamed("shop", 10 * MBIT, 1)
    assert world.mbps == 25  # it can be asked again


def test_a_round_trip_that_was_asked_for_is_believed_and_another_way_has_another_rate() -> None:
    world = World()
    world.links.trip("shop", 0.02)
    world.links.streamed("shop", 100 * MBIT, 1)
    world.links.trip("shop", 0.021)
    assert world.mbps == 100
    world.links.trip("shop", 0.1)
    assert world.rtt_ms == 100
    assert world.shop.origin == "measured, assumed"


def test_first_batches_bound_the_round_trip_and_late_ones_put_it_in_doubt() -> None:
    world = World()
    world.links.first_batch("shop", 0.06, 3)
    assert world.rtt_ms == pytest.approx(20)
    world.links.first_batch("shop", 0.02, 2)
    assert world.rtt_ms == pytest.approx(20)  # within a factor of two
    world.links.first_batch("shop", 0.012, 2)
    assert world.rtt_ms == pytest.approx(6)
    for _ in range(2):
        world.links.first_batch("shop", 0.5, 2)
    world.links.first_batch("shop", 0.012, 2)
    assert world.asked == []  # those were their source's work
    for _ in range(3):
        world.links.first_batch("shop", 0.5, 2)
    assert world.asked == ["shop"]


def test_more_connections_help_until_they_do_not() -> None:
    world = World()
    for connections, mbps in ((1, 25), (2, 50), (4, 99), (6, 101), (8, 100)):
        for _ in range(2):
            world.links.streamed("shop", mbps * MBIT, connections)
    shop = world.shop
    assert shop.bytes_per_second == pytest.approx(101 * MBIT)
    assert shop.connection_bytes_per_second == pytest.approx(25 * MBIT)
    assert shop.connections == 4
    for _ in range(AGREEING):
        world.links.streamed("shop", 5 * MBIT, 1)
    assert world.mbps == 5  # what several carried was carried by the link as it was


def test_what_nobody_has_seen_for_long_goes_back_to_what_is_assumed() -> None:
    world = World()
    world.links.trip("shop", 0.1)
    world.links.streamed("shop", 10 * MBIT, 1)
    world.clock.now += DAY
    assert world.mbps == pytest.approx(100)  # half the way, in orders of magnitude
    world.clock.now += 6 * DAY
    assert world.links.links()["shop"] == ASSUMED
    assert world.shop.origin == "assumed"


def test_plans_are_kept_while_a_link_stays_within_a_factor_of_two() -> None:
    world = World()
    for rtt_ms in (0.5, 0.2, 0.9, 1.2):
        world.links.trip("shop", rtt_ms / 1e3)
    assert world.links.version == 0
    for rtt_ms in (3, 5):
        world.links.trip("shop", rtt_ms / 1e3)
    assert world.links.version == 1


def test_new_plans_are_made_with_another_figure_when_it_differs_by_enough() -> None:
    world = World()
    world.links.came("shop", 100 * MBIT, 1)
    links = world.links.links()
    world.links.came("shop", 110 * MBIT, 1)
    assert world.links.links() is links
    world.links.came("shop", 120 * MBIT, 1)
    assert world.links.links()["shop"].bytes_per_second == 120 * MBIT


def test_what_is_known_can_be_kept_and_restored() -> None:
    world, again = World(), World()
    world.links.trip("shop", 0.03)
    world.links.streamed("shop", 40 * MBIT, 2)
    again.links.restore(world.links.state())
    assert again.links.known() == world.links.known()
    for broken in ({"shop": {}}, {"shop": {"rtt": [-1, 0, 0], "rates": {}}}, {"shop": 3}):
        with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
            again.links.restore(broken)
    assert again.links.known() == world.links.known()


# --- what reading tells ---


def _read(world: World, batches: list[tuple[float, int]], *, held_up: float = 0.0) -> None:
    """One fragment: batches of so many bytes, so many seconds after its turn began."""
    reading = Metering(world.links, {"shop": lambda: 0}).reading("shop", 0.0)
    assert reading is not None
    later = 0.0
    for at, size_bytes in batches:
        reading.came(size_bytes, at + later)
        later += held_up
        reading.held_up(held_up, at + later)
    reading.ended(batches[-1][0] + later, complete=True)


def test_batches_that_stream_tell_the_rate_after_the_first() -> None:
    world = World(rtt_seconds=0.02)
    _read(world, [(3.0, 1_000_000), (3.1, 1_000_000), (3.2, 1_000_000)])
    assert world.mbps == pytest.approx(80)


def _bursts(count: int, every_seconds: float) -> list[tuple[float, int]]:
    """Messages of 3.5 MB that come one after another, each of which makes ten batches at once."""
    return [
        (3.0 + every_seconds * number + 0.0005 * batch, 350_000)
        for number in range(count)
        for batch in range(10)
    ]


def test_what_comes_at_once_tells_nothing_by_itself() -> None:
    world = World(rtt_seconds=0.02)
    for _ in range(3):
        _read(world, _bursts(12, 0.28))
    assert world.mbps == pytest.approx(100, rel=0.02)


def test_over_several_connections_many_messages_tell() -> None:
    """Each connection but one has part of a message already when a stretch begins."""
    few, many = World(rtt_seconds=0.02), World(rtt_seconds=0.02)
    for world, count in ((few, 5), (many, 40)):
        reading = Metering(world.links, {"shop": lambda: 1}).reading("shop", 0.0)
        assert reading is not None
        for at, size_bytes in _bursts(count, 0.28):
            reading.came(size_bytes, at)
        reading.ended(3.0 + 0.28 * count, complete=False)
    assert few.shop.origin == "configured, assumed"
    assert many.mbps == pytest.approx(100, rel=0.02)


def test_batches_that_were_held_up_tell_no_rate_of_streaming() -> None:
    world = World(rtt_seconds=0.02)
    world.links.streamed("shop", 100 * MBIT, 1)
    _read(world, [(3.0, 1_000_000), (3.001, 1_000_000), (3.002, 1_000_000)], held_up=1.0)
    assert world.mbps == 100


def test_a_fragment_that_comes_at_once_tells_what_is_left_beside_round_trips() -> None:
    world = World(rtt_seconds=0.02)
    _read(world, [(0.24, 500_000)])
    assert world.mbps == pytest.approx(20, rel=0.15)


def test_a_small_fragment_tells_nothing_of_the_rate() -> None:
    world = World(rtt_seconds=0.02)
    _read(world, [(0.24, 50_000)])
    assert world.shop.origin == "configured, assumed"


def test_fragments_that_are_read_together_share_a_link() -> None:
    world = World(rtt_seconds=0.02)
    metering = Metering(world.links, {"shop": lambda: 0})
    readings = [metering.reading("shop", 0.0) for _ in range(4)]
    for at in (1.0, 1.1, 1.2, 1.3, 1.4):
        for reading in readings:
            assert reading is not None
            reading.came(250_000, at)
    for reading in readings:
        assert reading is not None
        reading.ended(1.4, complete=True)
    assert world.mbps == pytest.approx(80, rel=0.3)
    assert world.shop.connection_bytes_per_second == pytest.approx(20 * MBIT, rel=0.3)
