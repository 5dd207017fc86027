"""Redis URL: parses REDIS_URL once, for redis-py, Celery and Flower alike.

Each of them parses a URL differently: redis-py verifies the server's certificate by default, kombu does not, and
Flower reads no options at all. So they get a URL without options, and the options separately under redis-py's names:
the other two pass those on to redis-py. For servers behind Sentinel, redis-py has no URL and kombu one of its own.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from runtime.redis_tls import TLS_OPTIONS, tls_arguments
from runtime.server_url import ServerUrl, check_host

SCHEMES = ("redis", "rediss")
EXPECTED = "redis://… or rediss://… is expected"
SENTINEL = "+sentinel"
SENTINEL_EXPECTED = "redis+sentinel://host:26379,host:26379/NAME/0 is expected, NAME being the primary's (master name)"
SENTINEL_TIMEOUT_S = 0.5
"""For a sentinel to connect, and to answer: with two away a receiver still reaches a third within its deadline."""

_HOSTS = re.compile(r"(rediss?\+sentinel://(?:[^@/?#]*@)?)([^@/?#]*)(.*)", re.DOTALL)
_PRIMARY = re.compile(r"[A-Za-z0-9._-]+")
_SENTINEL_LOGIN = {"sentinel_username": "username", "sentinel_password": "password"}
_DATABASE = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The sentinels that know which server is the primary."""

    primary: str
    """Its name among them, which they call the master name."""
    addresses: tuple[tuple[str, int], ...]
    options: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of redis-py's clients of sentinels: credentials, time limits, and the servers' TLS."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server's connection parameters, or those of servers behind sentinels; `ledger.connections` makes clients."""

    url: str = field(repr=False)
    """Scheme, credentials, host, port and database, without options; behind sentinels the URL is kombu's."""
    login: Mapping[str, Any] = field(repr=False)
    """The URL's credentials and database under redis-py's names."""
    tls: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of redis-py's TLS connection; empty without TLS."""
    host: str
    """Behind sentinels, the first of them."""
    password: str | None = field(repr=False)
    sentinels: Sentinels | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a REDIS_URL. Raises ValueError; its message quotes nothing of the URL but the names of options."""
        if match := _HOSTS.fullmatch(url):
            return cls._behind_sentinels(match[1], match[2].split(","), match[3])
        parts = ServerUrl.split(url, SCHEMES, EXPECTED)
        parts.require_host()
        options = _options(parts)
        database = _database(parts.path.strip("/"), options)
        host, address = _address(parts, 6379, EXPECTED)
        login, tls = _login(parts, database), _tls(parts.scheme, options)
        return cls(f"{parts.scheme}://{_credentials(parts)}{address}/{database}", login, tls, host, parts.password)

    @classmethod
    def _behind_sentinels(cls, before: str, hosts: list[str], after: str) -> Self:
        """Parse a URL with several hosts, as many URLs with one each."""
        schemes = [scheme + SENTINEL for scheme in SCHEMES]
        each = [ServerUrl.split(before + host + after, schemes, SENTINEL_EXPECTED) for host in hosts]
        parts = each[0]
        if not all(url.host for url in each):
            raise ValueError(f"{SENTINEL_EXPECTED}; a host is missing")
        primary, _, path = parts.path.partition("/")
        if not _PRIMARY.fullmatch(primary):
            missing = "the name has other characters than letters, digits, . _ -" if primary else "the name is missing"
            raise ValueError(f"{SENTINEL_EXPECTED}; {missing}")
        options = _options(parts, _SENTINEL_LOGIN)
        sentinel_login = {name: options.pop(option) for option, name in _SENTINEL_LOGIN.items() if option in options}
        database = _database(path.strip("/"), options)
        tls = _tls(parts.scheme.removesuffix(SENTINEL), options)
        limits = {"socket_timeout": SENTINEL_TIMEOUT_S, "socket_connect_timeout": SENTINEL_TIMEOUT_S}
        addresses = [_address(url, 26379, SENTINEL_EXPECTED)[1] for url in each]
        return cls(
            ";".join(f"sentinel://{_credentials(parts)}{address}/{database}" for address in addresses),
            _login(parts, database),
            tls,
            parts.host,
            parts.password,
            Sentinels(
                primary,
                tuple((url.host, url.port or 26379) for url in each),
                sentinel_login | limits | ({"ssl": True, **tls} if tls else {}),
            ),
        )

    @property
    def broker(self) -> dict[str, Any]:
        """The same as Celery settings; Flower uses them, too."""
        return {"broker_url": self.url, "broker_use_ssl": dict(self.tls) or False}

    @property
    def transport_options(self) -> dict[str, Any]:
        """What Celery's transport and Flower need beside these; empty without sentinels."""
        if self.sentinels is None:
            return {}
        return {"master_name": self.sentinels.primary, "sentinel_kwargs": dict(self.sentinels.options)}


def _address(parts: ServerUrl, default_port: int, expected: str) -> tuple[str, str]:
    """Host, and host with port. Raises ValueError for a host that no resolver could take."""
    host = parts.host or "localhost"
    try:
        check_host(host)
    except ValueError as error:
        raise ValueError(f"{expected}; {error}") from None
    if "," in host:
        raise ValueError(f"{expected}; the host is no name or address")
    return host, f"{f'[{host}]' if ':' in host else host}:{parts.port or default_port}"


def _options(parts: ServerUrl, more: Collection[str] = ()) -> dict[str, str]:
    options, known = parts.single_options(), (*TLS_OPTIONS, "db", *more)
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(f"?{unknown[0]}= is not among the options that every client knows: {', '.join(known)}")
    return options


def _database(path: str, options: dict[str, str]) -> int:
    """The database of path and options; it is taken out of these."""
    database = options.pop("db", path) or "0"
    if not _DATABASE.fullmatch(database) or path not in ("", database):
        raise ValueError("the database is one number: redis://host:port/0")
    return int(database)


def _login(parts: ServerUrl, database: int) -> Mapping[str, Any]:
    return {"username": parts.username or None, "password": parts.password or None, "db": database}


def _credentials(parts: ServerUrl) -> str:
    username = quote(parts.username, safe="")
    if parts.password:
        return f"{username}:{quote(parts.password, safe='')}@"
    return f"{username}@" if username else ""


def _tls(scheme: str, options: Mapping[str, str]) -> Mapping[str, Any]:
    if scheme == "redis":
        if options:
            raise ValueError(f"?{min(options)}= needs rediss://…")
        return {}
    return tls_arguments(options)
