"""Redis URL: parses REDIS_URL once, for redis-py, Celery and Flower alike.

Each of them parses a URL differently: redis-py verifies the server's certificate by default, kombu does not, and
Flower reads no options at all. So they get a URL without options, and the options separately under redis-py's names:
the other two pass those on to redis-py.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from runtime.server_url import ServerUrl

EXPECTED = "redis://… or rediss://… is expected"

_CERT_REQS = {"required": "required", "optional": "optional", "none": "none"}
_CERT_REQS |= {f"cert_{name}": name for name in _CERT_REQS}  # Celery's spelling
_DATABASE = re.compile(r"\d{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _one_of(values: Mapping[str, Any]) -> Callable[[str, str], Any]:
    def parse(name: str, text: str) -> Any:
        if text.lower() not in values:
            raise ValueError(f"{name} is one of: {', '.join(values)}")
        return values[text.lower()]

    return parse


def _as_it_is(_: str, text: str) -> str:
    return text


_TLS: Mapping[str, Callable[[str, str], Any]] = {
    "ssl_cert_reqs": _one_of(_CERT_REQS),
    "ssl_check_hostname": _one_of(_BOOLEANS),
    "ssl_ca_certs": _as_it_is,
    "ssl_ca_path": _as_it_is,
    "ssl_certfile": _as_it_is,
    "ssl_keyfile": _as_it_is,
    "ssl_password": _as_it_is,
    "ssl_ciphers": _as_it_is,
}
"""The options of a rediss:// URL under redis-py's names, with the parser of each."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server's connection parameters: `Redis.from_url(server.url, **server.tls)`."""

    url: str = field(repr=False)
    """Scheme, credentials, host, port and database, without options."""
    tls: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of redis-py's TLS connection; empty without TLS."""
    host: str
    password: str | None = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a REDIS_URL. Raises ValueError; its message quotes nothing of the URL but the names of options."""
        parts = ServerUrl.split(url, ("redis", "rediss"), EXPECTED)
        parts.require_host()
        host = parts.host or "localhost"
        _check_host(host)
        options = _options(parts)
        path = parts.path.strip("/")
        database = options.pop("db", path) or "0"
        if not _DATABASE.fullmatch(database) or path not in ("", database):
            raise ValueError("the database is one number: redis://host:port/0")
        address = f"[{host}]" if ":" in host else host
        return cls(
            f"{parts.scheme}://{_credentials(parts)}{address}:{parts.port or 6379}/{int(database)}",
            _tls(parts.scheme, options),
            host,
            parts.password,
        )

    @property
    def broker(self) -> dict[str, Any]:
        """The same as Celery settings; Flower uses them, too."""
        return {"broker_url": self.url, "broker_use_ssl": dict(self.tls) or False}


def _check_host(host: str) -> None:
    """Raise ValueError for a host that no resolver could take: each attempt would fail with an error of its own."""
    unusable = ValueError(f"{EXPECTED}; the host is no name or address")
    try:
        host.encode("idna")
    except UnicodeError:  # a label that is empty or too long
        raise unusable from None
    if "," in host:
        raise unusable


def _options(parts: ServerUrl) -> dict[str, str]:
    options = parts.single_options()
    if unknown := sorted(options.keys() - _TLS.keys() - {"db"}):
        raise ValueError(f"?{unknown[0]}= is not among the options that every client knows: {', '.join(_TLS)}, db")
    return options


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
    explicit = {name: _TLS[name](name, text) for name, text in options.items()}
    tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True} | explicit
    _check(tls)
    return tls


def _check(tls: Mapping[str, Any]) -> None:
    """Load files and ciphers as redis-py does for each connection. Raises ValueError for unusable ones."""
    context, names = ssl.create_default_context(), "ssl_ca_certs, ssl_ca_path"
    try:
        if {"ssl_ca_certs", "ssl_ca_path"} & tls.keys():
            context.load_verify_locations(tls.get("ssl_ca_certs"), tls.get("ssl_ca_path"))
        names = "ssl_certfile, ssl_keyfile"
        if {"ssl_certfile", "ssl_keyfile"} & tls.keys():
            # an empty password: for None, OpenSSL would prompt at the terminal
            context.load_cert_chain(tls.get("ssl_certfile", ""), tls.get("ssl_keyfile"), tls.get("ssl_password", ""))
        names = "ssl_ciphers"
        if "ssl_ciphers" in tls:
            context.set_ciphers(tls["ssl_ciphers"])
    except OSError as error:
        cause = getattr(error, "reason", None) or error.strerror  # an SSLError may lack both
        raise ValueError(f"{names}: unusable ({cause or type(error).__name__})") from None
