"""The Dockerfile, which no engine builds here: a linter reads it, and its promises are checked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text()
FINAL = "FROM" + TEXT.split("\nFROM")[-1]


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, "--no-color", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_serves_as_an_ordinary_user_without_build_tools() -> None:
    assert re.search(r"^USER 10001:10001$", FINAL, re.M)
    assert "pip" not in FINAL
    assert "apt" not in FINAL


def test_it_starts_without_a_shell() -> None:
    words = [
        *json.loads(re.findall(r"^ENTRYPOINT (.*)$", FINAL, re.M)[0]),
        *json.loads(re.findall(r"^CMD (.*)$", FINAL, re.M)[0]),
    ]
    assert words[:2] == ["crosswind", "serve"]
    assert "grpc://0.0.0.0:31337" in words
    assert re.search(r"^EXPOSE 31337$", FINAL, re.M)


def test_it_copies_every_package_that_is_installed() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    found = re.search(r"^include = \[(.*)\]$", pyproject, re.M)
    assert found
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for package in re.findall(r'"(\w+)\*"', found[1]):
        assert f"COPY {package} {package}\n" in TEXT
        assert f"!{package}" in ignored
