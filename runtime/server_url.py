"""Server URL: splits the URL of a server with credentials, and quotes nothing of it where that fails.

Libraries take a URL with an unescaped `@`, `/`, `?` or `#` in its password apart in different ways, and then name a
piece of the password as host, port or option. So each of these has to be escaped there.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

_ESCAPES = "in a password write / ? # @ [ ] as %2F %3F %23 %40 %5B %5D"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PORT = re.compile(r":\d*\Z", re.ASCII)
_HOST = re.compile(r"[^\s<>\"`{}|\\^]*")


def check_text(url: str) -> None:
    """Raise ValueError for characters that no URL has; the standard library would drop some of them."""
    if _UNPRINTABLE.search(url):
        raise ValueError("a control character, or a byte that is not UTF-8, is in it")


def check_host(host: str) -> None:
    """Raise ValueError for a host that no resolver could take: each attempt would fail, and not as others do."""
    try:
        host.encode("idna")
    except UnicodeError:  # a label that is empty or too long
        raise ValueError("the host is no name or address") from None


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """The parts of a URL, unescaped; empty where there are none, None for no port and no password."""

    scheme: str
    username: str = field(repr=False)
    password: str | None = field(repr=False)
    host: str
    port: int | None
    path: str
    """Without its first slash."""
    options: tuple[tuple[str, str], ...] = field(repr=False)
    """Of the query, in their order."""

    @classmethod
    def split(cls, url: str, schemes: Collection[str], expected: str) -> Self:
        """Split a URL. Raises ValueError: its message quotes nothing of the URL, and begins with `expected`."""
        check_text(url)
        unreadable = ValueError(f"{expected}; {_ESCAPES}")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its message may quote a password
            raise unreadable from None
        if parts.scheme not in schemes or not url[len(parts.scheme) :].startswith("://"):
            raise ValueError(expected)
        credentials, _, host = parts.netloc.rpartition("@")
        host = unquote(_PORT.sub("", host).strip("[]"))
        has_brackets = not {"[", "]"}.isdisjoint(credentials + host)  # Python before 3.13 takes some of them
        if "#" in url or "@" in credentials + parts.path + parts.query or has_brackets or not _HOST.fullmatch(host):
            raise unreadable
        username, colon, password = credentials.partition(":")
        if port == 0:
            raise ValueError("port 0 is none where a server listens")
        return cls(
            parts.scheme,
            unquote(username),
            unquote(password) if colon else None,
            host,
            port,
            unquote(parts.path.removeprefix("/")),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
        )

    def require_host(self) -> None:
        """Raise ValueError for a URL that has lost its host: there is a port or a password for it."""
        if not self.host and (self.port is not None or self.password is not None):
            raise ValueError("the host is missing before the port or the path")

    def single_options(self, repeatable: Collection[str] = ()) -> dict[str, str]:
        """The options by name, without those that may be repeated. Raises ValueError for a repeated one."""
        options: dict[str, str] = {}
        for name, value in self.options:
            if name in repeatable:
                continue
            if options.setdefault(name, value) != value:
                raise ValueError(f"?{name}= is there twice, with two values")
        return options
