"""Which library a source's driver is. Owns the forms that `driver` may have.

Looks for it when it is first needed. Must not know what the driver does.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import SourceRejectedError

_PACKAGE = re.compile(r"adbc_driver_[A-Za-z0-9_]+")
_LIBRARY = re.compile(r"\.(so|dylib|dll|toml)(\.\d+)*$")

# A driver's library says its function by its name; these are called otherwise.
_ENTRYPOINTS = {"adbc_driver_duckdb": "duckdb_adbc_init"}

_EXTRAS = {
    "adbc_driver_snowflake": "pip install 'crosswind[snowflake]'",
    "adbc_driver_bigquery": "pip install 'crosswind[bigquery]'",
}


# Of a server that is not there it would try for five minutes, and say nothing.
_SNOWFLAKE_LOGIN = "adbc.snowflake.sql.client_option.login_timeout"


@dataclass(frozen=True, slots=True)
class Driver:
    """What ADBC's driver manager takes: a path or the name of a manifest, and a function in it."""

    library: str
    entrypoint: str | None

    def bounds(self, seconds: float) -> dict[str, str]:
        """Options by which the driver itself gives up connecting within so many seconds.

        >>> Driver("snowflake", None).bounds(8)
        {'adbc.snowflake.sql.client_option.login_timeout': '8000ms'}
        """
        known = "snowflake" in Path(self.library).name
        return {_SNOWFLAKE_LOGIN: f"{seconds * 1000:.0f}ms"} if known else {}


def is_package(driver: str) -> bool:
    """Whether `driver` names a package of Python.

    >>> is_package("adbc_driver_snowflake"), is_package("snowflake")
    (True, False)
    """
    return _PACKAGE.fullmatch(driver) is not None


def is_path(driver: str) -> bool:
    """Whether `driver` is the path of a library or of a manifest.

    >>> is_path("./libduckdb.so"), is_path("lib.so.2"), is_path("snowflake.toml"), is_path("duckdb")
    (True, True, True, False)
    """
    return "/" in driver or "\\" in driver or _LIBRARY.search(driver) is not None


def found(source: str, driver: str, entrypoint: str | None) -> Driver:
    """The driver that the options name.

    Args:
        source: the configured name, for errors.

    Raises:
        SourceRejectedError: there is no such package, or no such file.
    """
    if is_package(driver):
        return Driver(_of_package(source, driver), entrypoint or _ENTRYPOINTS.get(driver))
    if is_path(driver):
        path = Path(driver)
        if not path.is_file():
            raise SourceRejectedError(
                f"there is no driver at {driver!r}",
                source=source,
                hint="Check driver, whose path is relative to where the command runs.",
            )
        return Driver(str(path.absolute()), entrypoint)
    return Driver(driver, entrypoint)


def _of_package(source: str, package: str) -> str:
    try:
        module = importlib.import_module(package)
    except ImportError:
        install = _EXTRAS.get(package, f"pip install {package.replace('_', '-')}")
        raise SourceRejectedError(
            f"the package {package!r} of its driver is not installed",
            source=source,
            hint=f"Install it: {install}",
        ) from None
    # The packages of ADBC keep it to themselves; DuckDB's shows it.
    path = getattr(module, "driver_path", None) or getattr(module, "_driver_path", None)
    if path is None:
        raise SourceRejectedError(
            f"the package {package!r} does not say where its driver is",
            source=source,
            hint="Set driver to the path of the library.",
        )
    return str(path())
