"""Database URL: parses DATABASE_URL once, and refuses at start what no connection could use.

Otherwise an unknown driver or option shows at the first connection, where it looks like a database that is away.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import unquote

from runtime.server_url import ServerUrl, check_host, check_text

EXPECTED = "sqlite:///… or postgresql://… is expected"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_SQLITE = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL_EXPECTED = "postgresql://user:password@host:port/database is expected"

_ENUMERATIONS = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "sslcertmode": ("disable", "allow", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "load_balance_hosts": ("disable", "random"),
}
"""The values that libpq takes for an option; an unknown one would fail each connection."""
_NUMBERS = {
    *("port", "connect_timeout", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
}


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """Where the database is, and how to connect to it."""

    dialect: Literal["sqlite", "postgresql"]
    database: str
    """The file, or the database's name; empty where an option names it, or libpq's default counts."""
    host: str = ""
    """Empty for the local socket, or where options name hosts."""
    port: int | None = None
    username: str = field(default="", repr=False)
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict, repr=False)
    """libpq's parameters; several hosts are a tuple."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a DATABASE_URL. Raises ValueError; its message quotes nothing of the URL but names of options."""
        check_text(url)
        scheme, _, rest = url.partition("://")
        if scheme in _SQLITE:
            return cls("sqlite", _file(rest))
        if scheme in _POSTGRESQL:
            return cls._postgresql(ServerUrl.split(url, _POSTGRESQL, _POSTGRESQL_EXPECTED))
        if scheme.partition("+")[0] in ("postgresql", "postgres", "sqlite"):
            raise ValueError(f"{EXPECTED}, without the name of a driver after +: it is built in")
        raise ValueError(EXPECTED)

    @classmethod
    def _postgresql(cls, url: ServerUrl) -> Self:
        options = url.single_options(repeatable=("host",))
        hosts = tuple(value for name, value in url.options if name == "host" and value)
        _check_options(options)
        if not url.host and url.port is not None:
            raise ValueError("the host is missing before the port")
        if not url.path and not {"dbname", "service"} & options.keys():
            raise ValueError(f"{_POSTGRESQL_EXPECTED}; the database is missing")
        if "\0" in f"{url.username}{url.password}{url.host}{url.path}":
            raise ValueError("%00 is no character that PostgreSQL takes")
        for host in (url.host, *hosts):
            check_host("" if host.startswith("/") else host)
        if hosts and url.host:
            raise ValueError("the host is named twice, before the database and as ?host=")
        all_options: dict[str, str | tuple[str, ...]] = {name: value for name, value in options.items() if value}
        if hosts:
            all_options["host"] = hosts if len(hosts) > 1 else hosts[0]
        return cls("postgresql", url.path, url.host, url.port, url.username, url.password, all_options)

    @property
    def remote_host(self) -> str | None:
        """The first host that connections go to; None for a file or a local socket."""
        hosts = self.options.get("host", self.host)
        host = hosts if isinstance(hosts, str) else hosts[0]
        return None if not host or host.startswith("/") else host

    @property
    def secret(self) -> str | None:
        """The password, wherever in the URL."""
        password = self.options.get("password", self.password)
        return password if isinstance(password, str) else None


def _file(rest: str) -> str:
    """The file of a SQLite URL. Raises ValueError."""
    host, slash, path = rest.partition("/")
    path, question_mark, _ = path.partition("?")
    file = unquote(path)
    if question_mark:
        raise ValueError("a SQLite URL has no options here; in a file's name write ? as %3F")
    if not file or file == ":memory:" or "\0" in file:
        raise ValueError("a file is expected, sqlite:///…: processes do not share a database in memory")
    if host or not slash:
        raise ValueError("sqlite:/// has three slashes, and four before an absolute path")
    if file.endswith("/") or os.path.isdir(file):
        raise ValueError("a file is expected after sqlite:///, not a directory")
    return file


def _check_options(options: Mapping[str, str]) -> None:
    """Raise ValueError for an option that libpq does not know, or a value that it does not take."""
    if not options:
        return
    from psycopg import pq  # noqa: PLC0415 - it takes long to import; only PostgreSQL with options needs it here

    known = {parameter.keyword.decode() for parameter in pq.Conninfo.get_defaults()} - {"replication"}
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"?{unknown[0]}= is no parameter of a PostgreSQL connection; a pooler needs none")
    for name, value in options.items():
        if value and value not in _ENUMERATIONS.get(name, (value,)):
            raise ValueError(f"{name} is one of: {', '.join(_ENUMERATIONS[name])}")
        numbers = value.split(",") if name == "port" else [value]  # one for each host
        if value and name in _NUMBERS and not all(number.isascii() and number.isdecimal() for number in numbers):
            raise ValueError(f"{name} is a number")
