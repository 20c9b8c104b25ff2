"""The conformance kit over connectors that are broken on purpose: each is caught, by its check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors import registry
from connectors.conformance import Conformance, Place, Profile
from connectors.conformance.driving import Driven
from connectors.conformance.tables import shared
from connectors.contract import Batches, Connector, Fragment, Table, TableName
from connectors.errors import SourceError, SourceRejectedError
from tests.connectors import profiles


class Wrapped:
    """A connector that does as another does."""

    def __init__(self, kind: str, options: Mapping[str, object]) -> None:
        self.options = options
        self.own: Any = registry.create(kind, "kit", options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)


class LooksAtOnce(Wrapped):
    """Opens its file when a fragment is accepted."""

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        Path(str(self.options["uri"])).open("rb").close()
        own: Batches = self.own.execute(fragment, deadline)
        return own


@dataclass
class _Whole:
    own: Batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        yield from list(self.own)

    def cancel(self) -> None:
        self.own.cancel()

    def close(self) -> None:
        self.own.close()


class MakesTheWhole(Wrapped):
    """Has all batches before it gives the first."""

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        return _Whole(self.own.execute(fragment, deadline))


class RepeatsTheLogin(Wrapped):
    """Says in the error of a refusal with what it was refused."""

    def tables(self) -> Any:
        return _Tables(self)


class _Tables(Wrapped):
    def __init__(self, connector: RepeatsTheLogin) -> None:
        self.options, self.own = connector.options, connector.own.tables()

    def find(self, name: TableName) -> Table | None:
        try:
            found: Table | None = self.own.find(name)
        except SourceError:
            raise SourceRejectedError(f"refused: {self.options}", source="kit") from None
        return found


_Check = Callable[[Conformance, Driven, Place, pytest.LogCaptureFixture], None]


@pytest.mark.parametrize(
    ("profile", "kind", "broken", "check"),
    [
        (
            profiles.duck(),
            "duckdb",
            LooksAtOnce,
            lambda kit, driven, place, _: kit.test_nothing_happens_before_it_is_iterated(
                driven, place
            ),
        ),
        (
            profiles.duck(),
            "duckdb",
            MakesTheWhole,
            lambda kit, driven, *_: kit.test_the_first_batch_comes_before_the_last_is_made(driven),
        ),
        (
            # Refused with another password than the one that is the place's secret.
            profiles.postgres(),
            "postgres",
            RepeatsTheLogin,
            lambda kit, _, place, caplog: kit.test_no_secret_is_shown(place, caplog),
        ),
    ],
    ids=["looks at once", "makes the whole", "repeats the login"],
)
def test_what_is_broken_is_caught(
    profile: Profile,
    kind: str,
    broken: Callable[[str, Mapping[str, object]], Connector],
    check: _Check,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def kit(connect: Callable[[str, Mapping[str, object]], Connector]) -> Conformance:
        given = replace(profile, connect=lambda options: connect(kind, options))
        return type("Kit", (Conformance,), {"profile": given})()

    with profile.opened(shared()) as place:
        for connect in (Wrapped, broken):
            with Driven.over(connect(kind, place.options)) as driven:  # type: ignore[arg-type]
                if connect is Wrapped:
                    check(kit(connect), driven, place, caplog)
                    continue
                with pytest.raises((AssertionError, OSError)):
                    check(kit(connect), driven, place, caplog)
