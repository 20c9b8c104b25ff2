"""The kinds of connectors that are installed, and how options become a connector.

Owns the entry-point group and the translation of option errors into ConfigurationErrors. Imports a
connector when it is used, and must not know any by name: built-ins come in by the same door.

A connector registers a function under the group `crosswind.connectors`:

    [project.entry-points."crosswind.connectors"]
    sqlite = "my_package.sqlite:create"

    def create(name: str, options: Mapping[str, object]) -> Connector:
        return SqliteConnector(name, SqliteOptions.model_validate(options))

`SqliteOptions` is a frozen pydantic model with `extra="forbid"`, reachable by its name in the
module of `create`: that is where the nearest known key of a misspelt one is looked up.
"""

from __future__ import annotations

import difflib
import sys
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from pydantic import BaseModel, ValidationError

from connectors.contract import Connector
from connectors.errors import ConfigurationError

GROUP = "crosswind.connectors"

Locate = Callable[[tuple[str, ...]], str]
"""Where a key of the configuration was written (`crosswind.toml:3`), or "" where not known."""


class Create(Protocol):
    """What an entry point of the group names. Does no I/O."""

    def __call__(self, name: str, options: Mapping[str, object]) -> Connector:
        """A connector for the source `name`; raises pydantic's ValidationError on bad options."""
        ...


def kinds() -> Sequence[str]:
    """The installed kinds, sorted. Imports none of them."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def create(
    kind: str,
    name: str,
    options: Mapping[str, object],
    *,
    locate: Locate | None = None,
) -> Connector:
    """A connector of `kind` for the source `name`. Does no I/O.

    Args:
        kind: as in `[sources.NAME] connector = "kind"`.
        name: the source's name in the configuration.
        options: the source's other keys, secrets resolved.
        locate: finds `("sources", name, key)` in the configuration file.

    Raises:
        ConfigurationError: for an unknown kind, a connector that cannot be imported, or options
            that it refuses; with file and line where `locate` knows them.
    """
    place = locate or _nowhere
    factory = load(kind, where=place(("sources", name, "connector")))
    try:
        connector = factory(name, _plain(options))
    except ValidationError as error:
        model = _model(factory, error.title)
        raise configuration_error(error, model, ("sources", name), locate) from None
    except ConfigurationError as error:
        where = place(("sources", name))
        if error.source is None:
            error.source = name
        if where and not error.message.startswith(where):
            error.message = f"{where}: {error.message}"
        raise
    if not isinstance(connector, Connector):
        raise ConfigurationError(
            f"connector {kind!r} made a {type(connector).__name__}, which is not a Connector",
            source=name,
        )
    return connector


def load(kind: str, *, where: str = "") -> Create:
    """The function that makes connectors of `kind`, imported now.

    Raises:
        ConfigurationError: when no installed package, or more than one, has this kind, or when it
            cannot be imported.
    """
    found = entry_points(group=GROUP, name=kind)
    if not found:
        known = kinds()
        near = _nearest(kind, known)
        raise ConfigurationError(
            f"{_prefix(where)}unknown connector {kind!r}{near}; known: {', '.join(known)}"
        )
    if len({entry.value for entry in found}) > 1:
        packages = ", ".join(sorted(_package(entry) for entry in found))
        raise ConfigurationError(
            f"{_prefix(where)}connector {kind!r} is provided more than once: {packages}",
            hint="Uninstall all but one.",
        )
    entry = next(iter(found))
    try:
        return cast(Create, entry.load())
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{_prefix(where)}connector {kind!r} of {_package(entry)} cannot be imported: {error}",
            hint=_installing(entry),
        ) from error


def configuration_error(
    error: ValidationError,
    model: type[BaseModel] | None,
    path: tuple[str, ...],
    locate: Locate | None = None,
) -> ConfigurationError:
    """A ValidationError in the words of the configuration file, with no value in it.

    Args:
        error: what pydantic found.
        model: the model that refused, for the nearest known key; None when it is not known.
        path: the table that was validated, such as `("sources", "shop")`.
        locate: finds a key in the configuration file.
    """
    findings = error.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for finding in findings:
        inner = tuple(str(part) for part in finding["loc"])
        where = (locate or _nowhere)((*path, *inner))
        lines.append(
            _prefix(where) + _sentence(finding["type"], finding["msg"], inner, path, model)
        )
    return ConfigurationError("; ".join(dict.fromkeys(lines)))


def _sentence(
    kind: str, message: str, inner: tuple[str, ...], path: tuple[str, ...], model: object
) -> str:
    if not inner:
        return f"{_table(path)}: {_reason(message)}"
    table, key = (*path, *inner[:-1]), inner[-1]
    if kind == "extra_forbidden":
        return f"unknown key {key!r} in {_table(table)}{_nearest(key, _keys(model, inner[:-1]))}"
    if kind == "missing":
        return f"{_table(table)} needs the key {key!r}"
    return f"{key!r} in {_table(table)}: {_reason(message)}"


def _reason(message: str) -> str:
    # Pydantic prefixes what a validator says; the reader wants only what was expected.
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if "valid dictionary" in message:
        return "expected a table"
    return message.replace("Input should be", "expected", 1)


def _table(path: tuple[str, ...]) -> str:
    return f"[{'.'.join(path)}]" if path else "the configuration"


def _prefix(where: str) -> str:
    return f"{where}: " if where else ""


def _nearest(wrong: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _keys(model: object, inner: tuple[str, ...]) -> list[str]:
    """The keys that `model` takes, or that the model below it at `inner` takes."""
    for part in inner:
        field = _fields(model).get(part)
        model = _model_within(field.annotation) if field else None
    return [field.alias or name for name, field in _fields(model).items()]


def _fields(model: object) -> Mapping[str, typing.Any]:
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model.model_fields
    return {}


def _model_within(annotation: object) -> object:
    """The model in an annotation such as `CsvOptions | None`."""
    parts = (annotation, *typing.get_args(annotation))
    return next((p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)), None)


def _model(factory: object, title: str) -> type[BaseModel] | None:
    """The model that refused: ValidationError has only its name, so `create`'s module is asked."""
    module = sys.modules.get(getattr(factory, "__module__", ""))
    model = getattr(module, title, None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _plain(options: Mapping[str, object]) -> dict[str, object]:
    """Real dictionaries, which every model and every driver takes."""
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in options.items()}


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value


def _installing(entry: EntryPoint) -> str:
    """What to do where a connector's imports are missing: the extra of its name, if it has one."""
    extras = entry.dist.metadata.get_all("Provides-Extra") or () if entry.dist else ()
    if entry.name in extras:
        return f"Install what it needs: pip install '{_package(entry)}[{entry.name}]'"
    return "Install what it needs."


def _nowhere(_path: tuple[str, ...]) -> str:
    return ""
