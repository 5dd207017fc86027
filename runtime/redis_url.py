"""How every client of ours connects to Redis: one reading of REDIS_URL, for redis-py, Celery and Flower alike.

Each of them reads a URL in its own way: redis-py verifies the server's certificate unless it is told otherwise, kombu
does not, and Flower reads no option at all. So none of them sees an option: they get a URL without any, and beside it
the options by the names of redis-py, which the other two hand on to it.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

EXPECTED = "redis://… or rediss://… is expected"
UNREADABLE = f"{EXPECTED}; in a password / ? # @ are written %2F %3F %23 %40"

_CERT_REQS = {"required": "required", "optional": "optional", "none": "none"}
_CERT_REQS |= {f"cert_{name}": name for name in _CERT_REQS}  # Celery's spelling
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _one_of(values: Mapping[str, Any]) -> Callable[[str, str], Any]:
    def read(name: str, text: str) -> Any:
        if text.lower() not in values:
            raise ValueError(f"{name} is one of: {', '.join(values)}")
        return values[text.lower()]

    return read


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
"""What may follow the question mark of rediss://…, as redis-py names it, and how each is read."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server, and how it is reached: `Redis.from_url(server.url, **server.tls)`."""

    url: str = field(repr=False)
    """Without options: scheme, credentials, host, port, database."""
    tls: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of redis-py's TLS connection; empty where there is no TLS."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a REDIS_URL. Raises ValueError, with words that quote nothing of it but the names of its options."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "localhost", parts.port or 6379
        except ValueError:  # its words may quote a password
            raise ValueError(UNREADABLE) from None
        if parts.scheme not in ("redis", "rediss"):
            raise ValueError(EXPECTED)
        if parts.fragment or "@" in parts.path + parts.query:  # what would be quoted below may be half a password
            raise ValueError(UNREADABLE)
        options = _options(parts.query)
        path = unquote(parts.path).strip("/")
        database = options.pop("db", path) or "0"
        if not database.isdecimal() or path not in ("", database):
            raise ValueError("its database is one number: redis://host:port/0")
        host = f"[{host}]" if ":" in host else host
        return cls(
            f"{parts.scheme}://{_credentials(parts.username, parts.password)}{host}:{port}/{int(database)}",
            _tls(parts.scheme, options),
        )

    @property
    def broker(self) -> dict[str, Any]:
        """The same for Celery, and so for Flower."""
        return {"broker_url": self.url, "broker_use_ssl": dict(self.tls) or False}


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if strange := sorted(options.keys() - _TLS.keys() - {"db"}):
        raise ValueError(f"?{strange[0]}= is none of the options that every client knows: {', '.join(_TLS)}, db")
    return options


def _credentials(username: str | None, password: str | None) -> str:
    if not username and not password:
        return ""
    return f"{_quoted(username)}:{_quoted(password)}@" if password else f"{_quoted(username)}@"


def _quoted(part: str | None) -> str:
    return quote(unquote(part or ""), safe="")


def _tls(scheme: str, options: Mapping[str, str]) -> Mapping[str, Any]:
    if scheme == "redis":
        if options:
            raise ValueError(f"?{min(options)}= needs rediss://…")
        return {}
    told = {name: _TLS[name](name, text) for name, text in options.items()}
    tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True} | told
    _try(tls)
    return tls


def _try(tls: Mapping[str, Any]) -> None:
    """Use files and ciphers as redis-py will at each connection. Raises ValueError for those that are of no use."""
    context, names = ssl.create_default_context(), "ssl_ca_certs, ssl_ca_path"
    try:
        if {"ssl_ca_certs", "ssl_ca_path"} & tls.keys():
            context.load_verify_locations(tls.get("ssl_ca_certs"), tls.get("ssl_ca_path"))
        names = "ssl_certfile, ssl_keyfile"
        if {"ssl_certfile", "ssl_keyfile"} & tls.keys():
            # an empty password, for without one OpenSSL would ask at the terminal
            context.load_cert_chain(tls.get("ssl_certfile", ""), tls.get("ssl_keyfile"), tls.get("ssl_password", ""))
        names = "ssl_ciphers"
        if "ssl_ciphers" in tls:
            context.set_ciphers(tls["ssl_ciphers"])
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror  # which an SSLError may lack, and then repeats itself
        raise ValueError(f"{names}: of no use ({why or type(error).__name__})") from None


_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}
_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
} | dict.fromkeys(_UNKNOWN_AUTHORITY, "its certificate is signed by no authority known here")
"""By OpenSSL's verification codes."""


def reason(error: BaseException) -> str:
    """Why a server was not reached, in a few words without an address or a secret: why TLS failed, else the kind."""
    return tls_failure(error) or type(error).__name__


def tls_failure(error: BaseException) -> str | None:
    """Why TLS failed, where an error came from that."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(cause.verify_code, f"its certificate is refused: X509 error {cause.verify_code}")
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {getattr(cause, 'reason', None) or type(cause).__name__}"
        cause = cause.__cause__ or cause.__context__
    return None
