"""What is known of links, on disk."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from execution.links import Links
from execution.source_link import Configured
from flight_server import link_state

_FILE = '{"version": 1, "links": {"shop": {"rtt": %s, "rates": {"%s": [1e6, 1, 5]}}}}'


def _links() -> Links:
    return Links({"shop": Configured()}, lambda: 1_000_000.0)


def test_a_restart_knows_what_was_learned(tmp_path: Path) -> None:
    before, after = _links(), _links()
    before.trip("shop", 0.04)
    before.streamed("shop", 2e6, 1)
    link_state.keep(before, tmp_path / "state")
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["links.json"]
    link_state.restore(after, tmp_path / "state")
    assert after.known() == before.known()


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"version": 1}', '{"version": 1, "links": {"shop": {"rtt": 1}}}', "\x00"),
        _FILE % ("[0.02, 3, 1e300]", "1"),
        _FILE % ("[Infinity, 3, 5]", "1"),
        _FILE % ("[0.02, 3, 5]", "0"),
        "[" * 100_000,
    ],
)
def test_a_file_that_is_broken_is_learned_anew(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / link_state.FILE).write_text(text)
    links = _links()
    with caplog.at_level(logging.WARNING):
        link_state.restore(links, tmp_path)
    assert "is not read, links are measured anew" in caplog.text
    assert links.known() == _links().known()


def test_a_file_of_another_version_and_one_that_is_not_there_say_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link_state.restore(_links(), tmp_path)
    (tmp_path / link_state.FILE).write_text(json.dumps({"version": 99, "links": 3}))
    link_state.restore(_links(), tmp_path)
    assert caplog.text == ""


def test_a_directory_that_cannot_be_written_is_said_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file")
    link_state.keep(_links(), tmp_path / "state")
    assert "is not written" in caplog.text
