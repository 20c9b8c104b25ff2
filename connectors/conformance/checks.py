"""What every connector must do, as tests: inherit `Conformance` and give it a profile.

Owns the checks. Each one says in its name what is promised and fails with what came instead. Must
not know any connector, nor rely on anything that a profile does not say.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import datafusion
import pyarrow as pa
import pytest

from connectors import registry
from connectors.conformance.answers import Answers
from connectors.conformance.driving import Driven, apart, bag
from connectors.conformance.profile import Place, Profile
from connectors.conformance.statements import RELATIONS
from connectors.conformance.streams import (
    PATIENCE_SECONDS,
    Arrived,
    Blocked,
    Held,
    Memory,
    ends_cancelled,
    eventually,
    streaming,
)
from connectors.conformance.tables import (
    CHANGING,
    EMPTY,
    LARGE,
    LARGE_ROWS,
    PAIRS,
    VALUES,
    shared,
    typed,
    typed_name,
)
from connectors.contract import Connector, Estimates, Fragment, SqlQuery, TableName, TableScan
from connectors.errors import (
    CancelledError,
    ConfigurationError,
    CrosswindError,
    DeadlineError,
    SourceError,
    SourceSchemaChangedError,
    SourceUnavailableError,
    UnsupportedError,
)
from connectors.listed import KnowsKinds

_T = TypeVar("_T")

MEMORY_BYTES = 128 << 20
"""How much reading a table twice as large may add to the process."""


_OTHER_DIGITS = str.maketrans("0123456789", "1234567890")

USES = 4
"""How often a source is used to see whether each use leaves something behind."""


class Conformance(Answers):
    """The checks. A check that cannot pass is waived in the profile, by its name, with a reason."""

    profile: ClassVar[Profile]

    @pytest.fixture(autouse=True)
    def _waiver(self, request: pytest.FixtureRequest) -> None:
        name = request.node.originalname.removeprefix("test_")
        if (reason := self.profile.waivers.get(name)) is not None:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture(scope="class")
    @classmethod
    def tables(cls) -> dict[str, pa.Table]:
        """All that the source holds."""
        lacks = cls.profile.lacks
        types = {typed_name(t): typed(t, lacks.get(t, ())) for t in cls.profile.holds}
        return shared() | types

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tables: dict[str, pa.Table]) -> Iterator[Place]:
        """The source, for all checks of the class."""
        with cls.profile.opened(tables) as place:
            yield place

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, tables: dict[str, pa.Table]) -> datafusion.SessionContext:
        """The engine alone, over the same tables."""
        return apart(tables)

    @pytest.fixture
    def connector(self, place: Place) -> Iterator[Connector]:
        connector = self.profile.connected(place.options)
        yield connector
        connector.close()

    @pytest.fixture
    def driven(self, place: Place) -> Iterator[Driven]:
        with Driven.over(self.profile.connected(place.options)) as driven:
            yield driven

    def test_waivers_name_checks(self) -> None:
        checks = {name.removeprefix("test_") for name in dir(self) if name.startswith("test_")}
        assert set(self.profile.waivers) <= checks

    # What it is.

    def test_it_is_described_without_being_reached(self, place: Place) -> None:
        connector = self.profile.connected(_given(place.unreachable, "unreachable"))
        assert isinstance(connector, Connector)
        assert connector.capabilities.max_connections >= 1
        unknown = connector.capabilities.relations - set(RELATIONS)
        assert not unknown, f"the kit knows no relation {unknown}"
        assert "read" in connector.capabilities.relations
        assert connector.tables().default_schema
        assert connector.identity
        assert repr(connector)
        connector.close()
        connector.close()

    def test_unknown_options_are_refused(self, place: Place) -> None:
        with pytest.raises(ConfigurationError, match="no_such_option"):
            registry.create(
                self.profile.connector, "kit", {**place.options, "no_such_option": True}
            )

    def test_identity_is_that_of_the_place(self, place: Place, connector: Connector) -> None:
        again = self.profile.connected(place.options)
        other = self.profile.connected(_given(place.other, "other"))
        assert again.identity == connector.identity
        assert other.identity != connector.identity
        again.close()
        other.close()

    def test_no_secret_is_shown(self, place: Place, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        secret = _given(place.secret, "secret")
        wrong = secret.swapcase().translate(_OTHER_DIGITS)
        mistaken = _with_text(place.options, secret, wrong)
        assert mistaken != place.options, "the options do not hold the secret"
        shown = []
        for options in (place.options, place.unreachable, place.refused, mistaken):
            if options is None:
                continue
            with Driven.over(self.profile.connected(options)) as driven:
                connector = driven.connector
                shown += [repr(connector), str(connector), connector.identity]
                shown.append(repr(connector.capabilities))
                for sql in (f"SELECT * FROM {PAIRS}", "SELECT * FROM kit.no.such_table"):
                    try:
                        driven.query(sql)
                    except CrosswindError as error:
                        shown += [str(error), repr(error), *_causes(error)]
        shown.append(caplog.text)
        assert not [text for text in shown if secret in text or wrong in text]

    # Its tables.

    def test_tables_are_listed(self, connector: Connector, tables: dict[str, pa.Table]) -> None:
        names = list(connector.tables().names())
        assert names == sorted(names)
        assert set(tables) <= {name.name for name in names}
        schema = _schema(connector)
        assert all(TableName(schema, name) in names for name in tables)

    def test_kinds_are_those_of_the_tables(self, connector: Connector) -> None:
        found = connector.tables()
        if isinstance(found, KnowsKinds):
            kinds = found.kinds()
            assert set(kinds) == set(found.names())
            name = TableName(_schema(connector), PAIRS)
            assert (table := found.find(name)) is not None
            assert kinds[name] == table.kind

    def test_a_table_is_found_with_its_columns(self, connector: Connector) -> None:
        table = connector.tables().find(TableName(_schema(connector), PAIRS))
        assert table is not None
        assert [(c.name, c.type) for c in table.columns] == [
            ("a", self._type(pa.int64())),
            ("b", self._type(pa.string())),
        ]
        assert all(column.nullable for column in table.columns)
        assert connector.tables().find(TableName(_schema(connector), "no_such_table")) is None
        assert connector.tables().find(TableName("no_such_schema", PAIRS)) is None

    def test_a_new_table_is_seen_after_refresh(self, place: Place, connector: Connector) -> None:
        name = TableName(_schema(connector), "kit_added")
        assert name not in connector.tables().names()
        _given(place.add, "add")(name.name)
        connector.tables().refresh()
        assert name in connector.tables().names()
        assert connector.tables().find(name) is not None

    def test_statistics_are_not_far_off(self, connector: Connector) -> None:
        statistics = connector.statistics(TableName(_schema(connector), LARGE))
        if statistics.rows is not None:
            assert LARGE_ROWS / 2 <= statistics.rows <= LARGE_ROWS * 2
        if statistics.size_bytes is not None:
            assert statistics.size_bytes > 0
        unknown = connector.statistics(TableName(_schema(connector), "no_such_table"))
        assert unknown.rows is None

    # Its values.

    def test_values_come_back_as_they_are(
        self, driven: Driven, tables: dict[str, pa.Table]
    ) -> None:
        wrong = {}
        for held, seen in self.profile.holds.items():
            name = typed_name(held)
            want = tables[name].column("v")
            if pa.types.is_integer(held) and pa.types.is_integer(seen):
                want = want.cast(seen)
            answer = driven.query(f"SELECT id, v FROM {name} ORDER BY id")
            got = answer.column("v")
            if got.type != seen:
                wrong[str(held)] = f"comes as {got.type}"
            elif [repr(v) for v in got.to_pylist()] != [repr(v) for v in _as(want, seen)]:
                wrong[str(held)] = f"{got.to_pylist()} instead of {_as(want, seen)}"[:500]
        assert not wrong

    def test_every_type_is_held_or_known_not_to_be(self) -> None:
        assert {pa.int64(), pa.string()} <= set(self.profile.holds) <= set(VALUES)

    def test_an_empty_table_has_its_schema(self, driven: Driven) -> None:
        answer = driven.query(f"SELECT * FROM {EMPTY}")
        assert (answer.num_rows, answer.column_names) == (0, ["a", "b"])
        assert driven.query(f"SELECT count(*) AS n FROM {EMPTY}").to_pylist() == [{"n": 0}]

    # What it is asked to run. What it claims: see `Answers`.

    def test_what_it_cannot_run_is_refused_before_any_io(self, place: Place) -> None:
        connector = self.profile.connected(_given(place.unreachable, "unreachable"))
        schema = pa.schema([("a", pa.int64())])
        other: SqlQuery | TableScan = SqlQuery("SELECT 1 AS a")
        if connector.capabilities.dialect is not None:
            other = TableScan(TableName(_schema(connector), PAIRS), ("a",))
        with pytest.raises(UnsupportedError):
            connector.execute(Fragment(other, schema), None)
        connector.close()

    def test_nothing_happens_before_it_is_iterated(self, driven: Driven, place: Place) -> None:
        """What is accepted for a place that is not there fails where it is read."""
        connector = self.profile.connected(_given(place.unreachable, "unreachable"))
        for planned in driven.plan(f"SELECT a, b FROM {PAIRS}").fragments:
            stream = connector.execute(planned.fragment, None)
            with pytest.raises(SourceUnavailableError):
                list(stream)
            stream.close()
            connector.execute(planned.fragment, None).close()
        connector.close()

    def test_no_columns_still_count_rows(self, driven: Driven) -> None:
        assert driven.query(f"SELECT count(*) AS n FROM {LARGE}").to_pylist() == [{"n": LARGE_ROWS}]
        assert driven.query(f"SELECT 1 AS one FROM {PAIRS}").num_rows == 7

    def test_rows_are_the_same_however_they_are_sent(self, driven: Driven) -> None:
        plan = driven.plan(f"SELECT a, b FROM {PAIRS}")
        for planned in plan.fragments:
            answers = []
            for compression in driven.connector.capabilities.compressions:
                fragment = replace(planned.fragment, compression=compression)
                batches = list(driven.connector.execute(fragment, None))
                answers.append(pa.Table.from_batches(batches, fragment.schema))
            assert all(bag(answer) == bag(answers[0]) for answer in answers)

    # How it streams.

    def test_the_first_batch_comes_before_the_last_is_made(self, driven: Driven) -> None:
        """By then nobody in Python has half of the answer. What a driver has, `memory_is_bounded`
        tells."""
        with streaming(driven, f"SELECT a, b FROM {LARGE}") as stream:
            arrived, batches = Arrived(), iter(stream)
            first = next(batches)
            held_bytes = arrived.held_bytes()
            size_bytes = first.nbytes + sum(batch.nbytes for batch in batches)
        assert 0 < first.num_rows <= LARGE_ROWS / 2
        assert held_bytes <= size_bytes / 2

    def test_memory_is_bounded(self, driven: Driven) -> None:
        driven.query(f"SELECT * FROM {PAIRS} WHERE a >= 0")  # Loads code, starts threads.
        with streaming(driven, f"SELECT a, b FROM {LARGE} WHERE a >= 0") as stream:
            memory, rows, size_bytes = Memory(), 0, 0
            for batch in stream:
                rows += batch.num_rows
                size_bytes += batch.nbytes
                memory.look()
        assert rows == LARGE_ROWS
        assert size_bytes > 2 * MEMORY_BYTES
        assert memory.most_bytes < MEMORY_BYTES, str(memory)

    def test_readers_run_at_once(self, driven: Driven) -> None:
        """Each has its first batch before any of them reads on."""
        readers = min(driven.connector.capabilities.max_connections, 8)
        all_begun = threading.Barrier(readers, timeout=3 * PATIENCE_SECONDS)
        counts: list[int] = []
        failures: list[BaseException] = []

        def read() -> None:
            try:
                with streaming(driven, f"SELECT a FROM {LARGE} WHERE a >= 0") as stream:
                    batches = iter(stream)
                    rows = next(batches).num_rows
                    all_begun.wait()
                    counts.append(rows + sum(batch.num_rows for batch in batches))
            except BaseException as error:
                all_begun.abort()
                failures.append(error)

        # Daemons: those that wait for one that failed may wait for ever.
        threads = [threading.Thread(target=read, daemon=True) for _ in range(readers)]
        for thread in threads:
            thread.start()
        eventually(lambda: failures or not any(t.is_alive() for t in threads), seconds=600)
        assert not failures
        assert counts == [LARGE_ROWS] * readers

    # How it ends.

    def test_cancel_before_the_first_batch(self, driven: Driven) -> None:
        with streaming(driven, f"SELECT a FROM {LARGE}") as stream:
            stream.cancel()
            ends_cancelled(iter(stream))

    def test_cancel_in_mid_stream(self, driven: Driven) -> None:
        with streaming(driven, f"SELECT a, b FROM {LARGE}") as stream:
            batches = iter(stream)
            next(batches)
            canceller = threading.Thread(target=stream.cancel)
            canceller.start()
            canceller.join()
            assert ends_cancelled(batches) < PATIENCE_SECONDS
            stream.close()
            stream.close()

    def test_what_is_left_or_cancelled_ends_at_the_source(
        self, driven: Driven, place: Place
    ) -> None:
        active = _given(place.active, "active")
        for cancel in (True, False):
            with streaming(driven, f"SELECT a, b FROM {LARGE}") as stream:
                next(iter(stream))
                if cancel:
                    stream.cancel()
            assert eventually(lambda: active() == 0)

    def test_cancel_while_it_is_silent(self, connector: Connector, place: Place) -> None:
        stream = connector.execute(_silent(place), None)
        blocked = Blocked(stream)
        if place.active is None:
            assert not blocked.ended(seconds=0.5), "it is not silent"
        else:
            assert eventually(lambda: _given(place.active, "active")() == 1)
        stream.cancel()
        assert blocked.ended()
        assert isinstance(blocked.failure, CancelledError)
        stream.close()
        if place.active is not None:
            assert eventually(lambda: _given(place.active, "active")() == 0)

    def test_a_deadline_while_it_is_silent(self, connector: Connector, place: Place) -> None:
        stream = connector.execute(_silent(place), time.monotonic() + 0.5)
        blocked = Blocked(stream)
        assert blocked.ended()
        assert isinstance(blocked.failure, DeadlineError)
        stream.close()

    def test_a_deadline_that_has_passed(self, driven: Driven) -> None:
        with (
            streaming(driven, f"SELECT a, b FROM {LARGE}", time.monotonic() - 1) as stream,
            pytest.raises(DeadlineError),
        ):
            list(stream)

    def test_a_deadline_in_mid_stream(self, driven: Driven) -> None:
        started = time.monotonic()
        with streaming(driven, f"SELECT a, b FROM {LARGE}") as stream:
            next(iter(stream))
        deadline = time.monotonic() + 1.0 + 5 * (time.monotonic() - started)
        with streaming(driven, f"SELECT a, b FROM {LARGE}", deadline) as stream:
            batches = iter(stream)
            next(batches)
            assert eventually(lambda: time.monotonic() > deadline, seconds=3600)
            with pytest.raises(DeadlineError):
                list(batches)

    def test_nothing_is_left_behind(self, place: Place) -> None:
        self._use(place)  # What a driver keeps for the life of the process is there after this.
        held = Held()
        for _ in range(USES):
            self._use(place)
        assert held.given_back(USES), f"threads and files: {held.now()}, before: {held.before}"

    # What it expects.

    def test_an_estimate_runs_nothing(self, place: Place, driven: Driven) -> None:
        source = driven.connector
        if not isinstance(source, Estimates):
            return  # Nothing is claimed.
        deadline = time.monotonic() + PATIENCE_SECONDS
        plan = driven.plan(f"SELECT a, b FROM {LARGE}")
        found = source.estimate(plan.fragments[0].fragment, deadline)
        for number in (found.rows, found.size_bytes, found.cost):
            assert number is None or 0 <= number < float("inf")
        if found.rows is not None:
            assert LARGE_ROWS / 10 < found.rows < LARGE_ROWS * 10
        if place.silent is not None:
            source.estimate(_silent(place), deadline)
        if place.active is not None:
            assert eventually(lambda: _given(place.active, "active")() == 0)

    # How it fails.

    def test_a_place_that_is_not_there_is_said_to_be(self, place: Place) -> None:
        connector = self.profile.connected(_given(place.unreachable, "unreachable"))
        with pytest.raises(SourceUnavailableError) as raised:
            connector.tables().names()
        assert raised.value.source == "kit"
        connector.close()

    def test_a_refusal_names_the_source(self, place: Place) -> None:
        connector = self.profile.connected(_given(place.refused, "refused"))
        with pytest.raises(SourceError) as raised:
            connector.tables().names()
        assert raised.value.source == "kit"
        assert not isinstance(raised.value, SourceUnavailableError)
        connector.close()

    def test_a_column_that_has_gone_is_noticed(self, driven: Driven, place: Place) -> None:
        sql = f"SELECT a, b FROM {CHANGING}"
        plan = driven.plan(sql)
        assert len(driven.query(sql)) == 7
        _given(place.alter, "alter")(CHANGING)
        with pytest.raises(SourceSchemaChangedError) as raised:
            list(driven.engine.start(plan).batches())
        assert raised.value.source == "kit"
        driven.catalog.sources["kit"].connector.tables().refresh()
        assert driven.query(f"SELECT * FROM {CHANGING}").column_names == ["b"]

    def test_a_place_that_dies_in_mid_stream_fails_the_query(self, place: Place) -> None:
        _given(place.kill, "kill")
        with (
            self.profile.opened(shared()) as dying,
            Driven.over(self.profile.connected(dying.options)) as driven,
            streaming(driven, f"SELECT a, b FROM {LARGE}") as stream,
        ):
            batches = iter(stream)
            next(batches)
            _given(dying.kill, "kill")()
            with pytest.raises(SourceUnavailableError) as raised:
                list(batches)
            assert raised.value.source == "kit"

    def _type(self, held: pa.DataType) -> pa.DataType:
        return self.profile.holds[held]

    def _use(self, place: Place) -> None:
        """Read, leave, cancel and fail, then close."""
        with Driven.over(self.profile.connected(place.options)) as driven:
            driven.query(f"SELECT * FROM {PAIRS}")
            with streaming(driven, f"SELECT a, b FROM {LARGE}") as stream:
                next(iter(stream))
            with streaming(driven, f"SELECT a FROM {LARGE}") as stream:
                stream.cancel()
                ends_cancelled(iter(stream))
            with pytest.raises(CrosswindError):
                driven.query("SELECT * FROM kit.no.such_table")


def _given(value: _T | None, name: str) -> _T:
    assert value is not None, f"the profile's place gives no `{name}`"
    return value


def _schema(connector: Connector) -> str:
    return connector.tables().default_schema


def _silent(place: Place) -> Fragment:
    return Fragment(SqlQuery(_given(place.silent, "silent")), pa.schema([("a", pa.int64())]))


def _as(values: pa.ChunkedArray, seen: pa.DataType) -> list[object]:
    cast: list[object] = values.cast(seen).to_pylist()
    return cast


def _with_text(value: Any, old: str, new: str) -> Any:
    """Options with another text in the place of one, wherever that is."""
    match value:
        case str():
            return value.replace(old, new)
        case Mapping():
            return {key: _with_text(each, old, new) for key, each in value.items()}
        case list() | tuple():
            return [_with_text(each, old, new) for each in value]
        case _:
            return value


def _causes(error: BaseException) -> Iterator[str]:
    cause = error.__cause__
    while cause is not None:
        yield str(cause)
        cause = cause.__cause__
