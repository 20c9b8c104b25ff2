"""The configuration: one TOML file, the environment and flags, as frozen values.

Owns the keys, their defaults, where each was written, and the hiding of secrets. Opens no source:
what the keys of a source mean is its connector's business, checked when `registry.create` is
called with `Config.locate`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SkipValidation,
    ValidationError,
    field_validator,
)

from connectors.errors import ConfigurationError
from connectors.registry import configuration_error
from flight_server.replica_config import Replicas, replicas_of
from planner.options import Pushdown

DEFAULT_LISTEN = "grpc://127.0.0.1:31337"
ENVIRONMENT_PREFIX = "CROSSWIND_"
HIDDEN = "***"
RESERVED_NAMES = ("crosswind", "information_schema")

Path_ = tuple[str, ...]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
_SECRET_KEY = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


def _size_bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", value)
    if not match or match[2].upper() not in _UNITS:
        raise ValueError('expected a size such as "2GiB", "512MiB" or a number of bytes')
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _default_memory_bytes() -> int:
    """Half of the memory that this process may use, and at most 4 GiB."""
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    group_limit = Path("/sys/fs/cgroup/memory.max")  # That of a container, where there is one.
    if group_limit.is_file() and (text := group_limit.read_text().strip()).isdigit():
        available = min(available, int(text))
    return min(available // 2, 4 << 30)


def _default_partitions() -> int:
    """The CPUs that this process may run on, where the system says."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ServerConfig(_Model):
    """`[server]`.

    Attributes:
        listen: `grpc://HOST:PORT`; port 0 takes a free one.
        memory_limit: bytes that queries may use together, as a number or as "2GiB"; by default
            half of the machine's (or the container's) memory, at most 4 GiB.
        max_concurrent_queries: those that run; the others wait.
        queue_timeout_seconds: how long they wait; and then as long for connections of their
            sources, where other queries have them.
        query_timeout_seconds: how long one runs; None for no bound.
        temp_directory: where queries spill; None for the system's.
        target_partitions: threads of a query in the engine; by default the number of CPUs.
        plan_cache_size: plans that are kept; 0 for none.
        drain_seconds: how long running queries may go on after SIGTERM or Ctrl-C.
        state: a directory for what is learned of links; None forgets it with the server.
    """

    listen: str = DEFAULT_LISTEN
    memory_limit: Annotated[int, BeforeValidator(_size_bytes), Field(gt=0)] = Field(
        default_factory=_default_memory_bytes
    )
    max_concurrent_queries: int = Field(default=32, gt=0)
    queue_timeout_seconds: float = Field(default=30.0, ge=0)
    query_timeout_seconds: float | None = Field(default=None, gt=0)
    temp_directory: Path | None = None
    target_partitions: int = Field(default_factory=_default_partitions, gt=0)
    plan_cache_size: int = Field(default=512, ge=0)
    drain_seconds: float = Field(default=30.0, ge=0, le=3600)
    state: Path | None = None

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError("expected grpc://HOST:PORT with a port from 0 to 65535") from None
        if parts.scheme in ("grpc+tls", "grpcs"):
            raise ValueError("TLS is not supported in this version; listen on grpc://HOST:PORT")
        if parts.username or parts.scheme not in ("grpc", "grpc+tcp") or parts.path.strip("/"):
            raise ValueError("expected grpc://HOST:PORT")
        if not parts.hostname or port is None:
            raise ValueError("expected grpc://HOST:PORT, with host and port")
        return value

    @field_validator("temp_directory")
    @classmethod
    def _takes_files(cls, value: Path | None) -> Path | None:
        if value is not None and not os.path.isdir(value):  # noqa: PTH112 - Path's may raise.
            raise ValueError(f"{str(value)!r} is no directory")
        if value is not None and not os.access(value, os.W_OK | os.X_OK):
            raise ValueError(f"{str(value)!r} cannot be written to")
        return value

    @property
    def host(self) -> str:
        """Where to listen: a name, or an address without brackets."""
        return cast(str, urlsplit(self.listen).hostname)

    @property
    def port(self) -> int:
        """0: whichever is free."""
        return urlsplit(self.listen).port or 0


class LinkConfig(_Model):
    """`link`: what is known of the network path; what is not given is measured.

    Attributes:
        rtt_ms: round-trip time in milliseconds.
        mbps: bandwidth in 10^6 bits per second; from 0.001, as a session may suppose it.
    """

    rtt_ms: float | None = Field(default=None, ge=0)
    mbps: float | None = Field(default=None, ge=0.001)


class Options(Mapping[str, object]):
    """The options of a source as plain values, whose `repr` shows no secret."""

    __slots__ = ("_hidden", "_values")

    def __init__(self, values: Mapping[str, object], hidden: frozenset[str]) -> None:
        self._values = dict(values)
        self._hidden = hidden

    def __getitem__(self, key: str) -> object:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(_masked(self._values, self._hidden))


class SourceConfig(_Model):
    """`[sources.NAME]`; every key but these is one of the connector's options.

    Attributes:
        pushdown: how much of a query goes to the source; see `planner.options`.
    """

    name: str
    connector: str = Field(min_length=1)
    link: LinkConfig | None = None
    pushdown: Pushdown = "proven"
    options: SkipValidation[Mapping[str, object]] = Field(default_factory=dict)


class Config(_Model):
    """A server and its sources.

    `replicas`: by a table's full name, `(source, schema, table)`, those of its copies.
    `locate` says where a key was written: `crosswind.toml:12`, a variable, a flag, or "".
    """

    server: ServerConfig = Field(default_factory=lambda: ServerConfig())
    sources: SkipValidation[Mapping[str, SourceConfig]] = Field(default_factory=dict)
    replicas: SkipValidation[Replicas] = Field(default_factory=dict)
    _locate: Callable[[Path_], str] | None = PrivateAttr(default=None)

    def locate(self, path: Path_) -> str:
        """Where the key at `path`, such as `("sources", "shop", "uri")`, was written."""
        return self._locate(path) if self._locate else ""

    @classmethod
    def from_mapping(
        cls, values: Mapping[str, object], *, environment: Mapping[str, str] | None = None
    ) -> Config:
        """The same from Python values; references to secrets are resolved here too.

        Raises:
            ConfigurationError: naming the key.
        """
        variables = os.environ if environment is None else environment
        return _build(_copied(values), _Places({}, ""), variables, Path())


def load(
    path: Path,
    *,
    overrides: Mapping[str, object] = MappingProxyType({}),
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The configuration in the file at `path`, below the environment, below `overrides`.

    Args:
        path: a TOML file. `{ file = … }` is relative to its folder.
        overrides: flags: nested tables, or `"server.listen"` for short; None is not given.
        environment: variables such as CROSSWIND_SERVER__LISTEN; by default the process's.

    Raises:
        ConfigurationError: naming file, line and key, and the nearest known key to a wrong one.
    """
    variables = os.environ if environment is None else environment
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ConfigurationError(message) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8") from None
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax_message(path, text, str(error))) from None
    places = _Places(key_lines(text), str(path))
    for key, value in variables.items():
        parts = key.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        # The keys at the top are tables: a variable that sets one of theirs has two parts or more.
        if key.startswith(ENVIRONMENT_PREFIX) and len(parts) > 1 and all(parts):
            _set(values, tuple(parts), value, places, f"environment variable {key}")
    for keys, given in _flattened(overrides):
        _set(values, keys, given, places, f"flag {'.'.join(keys)}")
    return _build(values, places, variables, path.parent)


class _Places:
    """Where each key comes from: a line of the file, or what overrode it."""

    def __init__(self, lines: Mapping[Path_, int], file: str) -> None:
        self._lines, self._file = lines, file
        self.overridden: dict[Path_, str] = {}

    def __call__(self, path: Path_) -> str:
        """The place of `path`, or of the nearest table around it; "" when there is no file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.overridden:
                return self.overridden[path[:length]]
            if path[:length] in self._lines:
                return f"{self._file}:{self._lines[path[:length]]}"
        return self._file

    def error(self, path: Path_, message: str) -> ConfigurationError:
        where = self(path)
        return ConfigurationError(f"{where}: {message}" if where else message)


def _build(
    values: dict[str, Any], places: _Places, variables: Mapping[str, str], folder: Path
) -> Config:
    resolve = _Resolver(places, variables, folder)
    values = {key: resolve(value, (key,)) for key, value in values.items()}
    tables, replicas = values.pop("sources", {}), values.pop("replicas", {})
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise configuration_error(error, Config, (), places) from None
    if not isinstance(tables, dict):
        raise places.error(("sources",), "'sources' is not a table; write [sources.NAME]")
    sources = {name: _source(name, t, places, resolve.hidden) for name, t in tables.items()}
    copies = MappingProxyType(dict(replicas_of(replicas, sources, places)))
    config = config.model_copy(update={"sources": MappingProxyType(sources), "replicas": copies})
    config._locate = places
    return config


def _source(name: str, table: object, places: _Places, hidden: set[Path_]) -> SourceConfig:
    path = ("sources", name)
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise places.error(
            path,
            f"source name {name!r} is not an SQL identifier: "
            "lower-case letters, digits and underscores, not beginning with a digit",
        )
    if name in RESERVED_NAMES:
        raise places.error(
            path, f"source name {name!r} is that of the server's own tables; choose another"
        )
    if not isinstance(table, dict):
        raise places.error(path, f"source {name!r} is not a table; write [sources.{name}]")
    own = {k: value for k, value in table.items() if k in ("connector", "link", "pushdown")}
    rest = {key: value for key, value in table.items() if key not in own}
    below = frozenset(".".join(secret[2:]) for secret in hidden if secret[:2] == path)
    try:
        return SourceConfig.model_validate({"name": name, **own, "options": Options(rest, below)})
    except ValidationError as error:
        raise configuration_error(error, SourceConfig, path, places) from None


class _Resolver:
    """Puts secrets in the place of references, and remembers where."""

    def __init__(self, places: _Places, variables: Mapping[str, str], folder: Path) -> None:
        self._places, self._variables, self._folder = places, variables, folder
        self.hidden: set[Path_] = set()

    def __call__(self, value: object, path: Path_) -> Any:
        if isinstance(value, Mapping):
            reference = _reference(value)
            if reference is None:
                return {key: self(inner, (*path, key)) for key, inner in value.items()}
            self.hidden.add(path)
            return self._secret(*reference, path)
        if isinstance(value, list):
            return [self(inner, (*path, str(i))) for i, inner in enumerate(value)]
        return value

    def _secret(self, kind: str, name: str, path: Path_) -> str:
        what = f"{path[-1]!r} in [{'.'.join(path[:-1])}]"
        if kind == "env":
            if name not in self._variables:
                message = f"{what} needs the environment variable {name}, which is not set"
                raise self._places.error(path, message)
            return self._variables[name]
        file = self._folder / Path(name).expanduser()
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            message = f"{what} needs the file {str(file)!r}: {error.strerror}"
            raise self._places.error(path, message) from None
        except UnicodeDecodeError:
            message = f"{what} needs the file {str(file)!r}: it is not UTF-8"
            raise self._places.error(path, message) from None


def _reference(value: Mapping[str, object]) -> tuple[str, str] | None:
    """`("env", NAME)` or `("file", path)` when `value` is a reference to a secret."""
    if len(value) != 1:
        return None
    kind, name = next(iter(value.items()))
    return (kind, name) if kind in ("env", "file") and isinstance(name, str) else None


def _masked(value: object, hidden: frozenset[str], path: str = "") -> object:
    if isinstance(value, Mapping):
        return {k: _masked(v, hidden, f"{path}.{k}" if path else k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(v, hidden, f"{path}.{i}") for i, v in enumerate(value)]
    if path in hidden:
        return HIDDEN
    if not isinstance(value, str):
        return value
    if _SECRET_KEY.search(path.rpartition(".")[2]):
        return HIDDEN
    value = re.sub(r"(://[^:/?#@\s]*):\S*@", rf"\1:{HIDDEN}@", value)
    return re.sub(r"(?i)\b(\w*(?:pass|pwd|secret|token)\w*=)[^&;\s]+", rf"\1{HIDDEN}", value)


def _set(values: dict[str, Any], path: Path_, value: object, places: _Places, origin: str) -> None:
    table = values
    for key in path[:-1]:
        if not isinstance(table.get(key), dict):
            table[key] = {}
        table = table[key]
    table[path[-1]] = value
    places.overridden[path] = origin


def _flattened(overrides: Mapping[str, object], path: Path_ = ()) -> Iterator[tuple[Path_, object]]:
    for key, value in overrides.items():
        inner = (*path, *key.split("."))
        if isinstance(value, Mapping) and _reference(value) is None:
            yield from _flattened(value, inner)
        elif value is not None:
            yield inner, value


def _copied(values: Mapping[str, object]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in values.items()}


def _syntax_message(path: Path, text: str, message: str) -> str:
    found = re.search(r" ?\(at line (\d+), column (\d+)\)", message)
    line = int(found[1]) if found else text.count("\n") + 1
    reason = re.sub(r" ?\(at (?:line.*|end of document)\)", "", message)
    return f"{path}:{line}: not TOML: {reason[:1].lower()}{reason[1:]}"


# Where keys stand. tomllib does not say, so its grammar is walked once more, after it has accepted
# the text: only what separates keys from values matters here.

_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*\''''
    r"""|\#[^\n]*|\n|[\[\]{}=,.]|[^\s\[\]{}=,."'#]+""",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path_, int]:
    """The line of every table and key of valid TOML; the first one of an array of tables.

    >>> key_lines('[server]\\nlisten = "x"\\nlink = { mbps = 1 }')[("server", "link", "mbps")]
    3
    """
    return _KeyLines(text).lines


class _KeyLines:
    def __init__(self, text: str) -> None:
        found = _TOKEN.finditer(text)
        self._tokens = [(m[0], text.count("\n", 0, m.start()) + 1) for m in found]
        self._tokens = [(t, line) for t, line in self._tokens if not t.startswith("#")]
        self._at = 0
        self.lines: dict[Path_, int] = {}
        table: Path_ = ()
        while self._at < len(self._tokens):
            if self._peek() == "\n":
                self._at += 1
            elif self._peek() == "[":
                while self._peek() == "[":
                    self._at += 1
                table = self._key(())
                while self._peek() == "]":
                    self._at += 1
            else:
                self._pair(table)

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _key(self, table: Path_) -> Path_:
        """Reads a dotted key, and records each of its parts."""
        path = table
        while self._peek() not in ("=", "]", "", "\n"):
            piece, line = self._tokens[self._at]
            self._at += 1
            if piece == ".":
                continue
            part = next(iter(tomllib.loads(f"{piece}=0"))) if piece[0] in "\"'" else piece
            path = (*path, part)
            self.lines.setdefault(path, line)
        return path

    def _pair(self, table: Path_) -> None:
        path = self._key(table)
        self._at += 1  # the `=`
        self._value(path)

    def _value(self, path: Path_) -> None:
        opening = self._peek()
        if opening not in ("{", "["):
            while self._peek() not in (",", "]", "}", "\n", ""):
                self._at += 1
            return
        self._at += 1
        while self._peek() not in ("}", "]", ""):
            if self._peek() in (",", "\n"):
                self._at += 1
            elif opening == "{":
                self._pair(path)
            else:
                self._value(path)
        self._at += 1
