"""Access: who may look. By a login, by the name that a trusted proxy reports, or from this machine alone."""

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from console.viewer import LOCAL, Viewer
from runtime.forwarded import TrustedProxies
from runtime.ip_address import is_loopback
from runtime.settings.console import ConsoleAccessSettings, ConsoleLogin

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDING = ("forwarded", "via", "x-real-ip")
"""Headers by which a request shows that it was passed on; and every X-Forwarded-…."""
LONGEST_NAME = 200
"""Most characters of a name that a proxy reports."""


class Refusal(Enum):
    """Why somebody may not look."""

    NO_LOGIN = "no login was sent"
    WRONG_LOGIN = "name or password is wrong"
    NOT_LOCAL = "not from this machine"


@dataclass(frozen=True, slots=True)
class Logins:
    """The logins of SEVEN_CONSOLE_AUTH. A check takes the same time for every name and password, right or wrong."""

    _viewers: tuple[tuple[bytes, Viewer], ...]
    _key: bytes

    @classmethod
    def of(cls, logins: Sequence[ConsoleLogin]) -> "Logins":
        """Logins to check against; passwords are kept as keyed digests only."""
        key = secrets.token_bytes(32)
        return cls(
            tuple(
                (_digest(key, f"{login.name}:{login.password}".encode()), Viewer(login.name, login.sees_texts))
                for login in logins
            ),
            key,
        )

    def __bool__(self) -> bool:
        return bool(self._viewers)

    def viewer(self, credentials: bytes) -> Viewer | None:
        """The login's owner; None for a wrong name or password. All logins are compared, whichever fits."""
        digest, match = _digest(self._key, credentials), None
        for known, viewer in self._viewers:
            if hmac.compare_digest(known, digest):
                match = viewer
        return match


def _digest(key: bytes, credentials: bytes) -> bytes:
    return hashlib.blake2b(credentials, key=key).digest()


class Access:
    """Decides who looks."""

    def __init__(self, settings: ConsoleAccessSettings, proxies: TrustedProxies) -> None:
        self.logins = Logins.of(settings.console_logins)
        self._header = settings.seven_console_identity_header
        self._texts_for = frozenset(settings.seven_console_texts_for)
        self._proxies = proxies

    def reported(self, peer: str, headers: Headers) -> Viewer | None:
        """Whom a trusted proxy names; None where none does. A name that comes twice is none."""
        if self._header is None or peer not in self._proxies:
            return None
        names = headers.getlist(self._header)
        name = names[0].strip() if len(names) == 1 else ""
        return Viewer(name, name in self._texts_for) if 0 < len(name) <= LONGEST_NAME else None

    def identified(self, peer: str, headers: Headers) -> Viewer | Refusal:
        """The viewer, without regard to earlier attempts."""
        if viewer := self.reported(peer, headers):
            return viewer
        if self.logins:
            credentials = basic_credentials(headers)
            return Refusal.NO_LOGIN if credentials is None else self.logins.viewer(credentials) or Refusal.WRONG_LOGIN
        return LOCAL if is_from_here(peer, headers) else Refusal.NOT_LOCAL


def basic_credentials(headers: Headers) -> bytes | None:
    """`name:password` of HTTP Basic; None where none is sent."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(encoded.strip(), validate=True)
    except ValueError:
        return b""


def is_from_here(peer: str, headers: Headers) -> bool:
    """Whether a request comes from a program on this machine that means this machine, and was not passed on.

    A page elsewhere whose name resolves to 127.0.0.1 comes from here, too, but names another host.
    """
    forwarded = any(name in FORWARDING or name.startswith("x-forwarded-") for name in headers)
    return is_loopback(peer) and not forwarded and _host(headers) in LOCAL_HOSTS


def _host(headers: Headers) -> str:
    """The host that a request names, without its port; empty unless it names exactly one."""
    hosts = headers.getlist("host")
    try:
        return (urlsplit(f"//{hosts[0]}").hostname or "") if len(hosts) == 1 and "@" not in hosts[0] else ""
    except ValueError:
        return ""
