"""The warnings of a plan in the server's log: one line for each plan, with neither SQL nor values.

Owns what the line says. A plan that comes from the cache was logged when it was made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from planner.warnings import SURPRISES, PlanWarning

_log = logging.getLogger("crosswind.warnings")
# Where nobody has set up a log, the command line shows the warnings itself.
_log.addHandler(logging.NullHandler())


def log_warnings(warnings: Sequence[PlanWarning]) -> None:
    """One line of JSON: codes, and what they are about.

    WARNING when a user may be surprised by the answer, INFO when it only takes longer.
    """
    surprising = any(warning.code in SURPRISES for warning in warnings)
    level = logging.WARNING if surprising else logging.INFO
    if not _log.isEnabledFor(level):
        return
    # Messages may quote a constant of the statement: only names of the catalog go in.
    about = [
        {
            name: value
            for name in ("code", "source", "table", "column")
            if (value := getattr(warning, name)) is not None
        }
        for warning in warnings
    ]
    unique = [json.loads(text) for text in dict.fromkeys(json.dumps(item) for item in about)]
    _log.log(level, "plan with warnings: %s", json.dumps(unique, ensure_ascii=False))
