"""A test that is skipped fails the run, also where several processes share the tests out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED_OUT = re.findall(r"^SHARED_OUT = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

INSIDE = "import pytest\n\n\ndef test_it():\n    pytest.skip('for a reason')\n"
WHOLE = "import pytest\n\npytest.skip('for a reason', allow_module_level=True)\n"
CRASH = "import os\n\n\ndef test_it():\n    os._exit(0)\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [(INSIDE, "1 skipped: here every"), (WHOLE, "1 skipped: here every"), (CRASH, "crashed while")],
    ids=["test", "file", "process"],
)
def test_what_did_not_run_fails_the_run(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_passes.py").write_text("def test_it():\n    pass\n")
    (tmp_path / "test_does_not.py").write_text(text)
    (flags,) = SHARED_OUT
    command = [sys.executable, "-m", "pytest", "-p", "tests.no_skips", f"--rootdir={tmp_path}"]
    done = subprocess.run(
        [*command, *flags.replace("$(JOBS)", "1").split(), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout
    assert said in done.stdout
