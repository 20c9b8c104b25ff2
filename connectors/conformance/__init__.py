"""The conformance kit: every check that a connector must pass, for any package's tests.

An author describes one real source in a `Profile` and inherits the checks:

    class TestMine(Conformance):
        profile = Profile(connector="mine", opened=opened, holds={pa.int64(): pa.int64()})

It drives planner and execution, as a server would, and knows no connector. Needs pytest and psutil
(`pip install crosswind[conformance]`).
"""

import pytest

# Before the checks are imported: what they found is then part of what they say.
pytest.register_assert_rewrite("connectors.conformance.answers", "connectors.conformance.checks")

from connectors.conformance.checks import Conformance  # noqa: E402
from connectors.conformance.profile import Place, Profile  # noqa: E402

__all__ = ["Conformance", "Place", "Profile"]
