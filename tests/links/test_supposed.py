"""What is said of a link that a session supposes."""

from __future__ import annotations

from pathlib import Path

from connectors.files import create
from flight_server.link_options import supposed_warnings, supposing
from planner.catalog import Catalog, Source
from tests.planner.paper_shop import shop


def test_a_link_to_what_is_here_changes_nothing(tmp_path: Path) -> None:
    lake = create("lake", {"root": str(tmp_path)})
    catalog = Catalog([Source("shop", shop()), Source("lake", lake)])
    supposed = supposing(supposing((), "link.lake.mbps", "3"), "link.shop.mbps", "10")
    said = {warning.source: warning.message for warning in supposed_warnings(supposed, catalog)}
    lake.close()
    assert said["lake"] == "link.lake.mbps changes nothing: there is no link to lake, which is here"
    assert said["shop"].startswith("planned as if the link to shop had 10 Mbit/s")
