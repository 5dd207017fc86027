"""Target URL: where a request goes, taken apart once, and what is wrong with a URL in the file of reactions.

No message quotes any of it: path and query may be what a target knows us by.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from posixpath import normpath
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

from reactions.address_guard import is_public, refusal
from runtime.server_url import check_text
from seven.hooks import Addresses

PORTS = {"http": 80, "https": 443}
LONGEST = 2048
_OWN_SUFFIXES = (
    "localhost",
    "internal",
    "local",
    "lan",
    "intranet",
    "private",
    "corp",
    "home",
    "svc",
    "home.arpa",
    "test",
)
"""Names below these are not in the public DNS: reserved (RFC 6761, 6762, 8375), or usual in networks of one's own."""
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")


@dataclass(frozen=True, slots=True)
class TargetUrl:
    """A URL, taken apart and escaped as requests need it."""

    is_tls: bool
    host: str
    """A name in ASCII, or an address without brackets."""
    port: int
    path: str = field(repr=False)
    """With the query."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a URL apart. Raises ValueError, which quotes nothing of it."""
        check_text(url)
        if len(url) > LONGEST:
            raise ValueError(f"it has more than {LONGEST} characters")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # its message may quote the URL
            raise ValueError("it is no URL") from None
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("it begins with https:// or http://, and a host")
        if "@" in parts.netloc:
            raise ValueError("it has credentials, which the secret file is there for")
        if "#" in url:
            raise ValueError("it has a fragment, which no server ever sees")
        if port == 0 or any(character.isspace() for character in url):
            raise ValueError("it is no URL")
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + ("?" if parts.query else "")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]{}|^")
        return cls(parts.scheme == "https", _host(parts), port or PORTS[parts.scheme], path + query)

    @property
    def host_header(self) -> str:
        """The host as a request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["https" if self.is_tls else "http"] else f"{host}:{self.port}"


def url_faults(url: str, own: Addresses, allow_http: bool, allow_link_local: bool) -> list[str]:
    """What is wrong with the URL of a target; empty for a good one."""
    try:
        target = TargetUrl.parse(url)
    except ValueError as error:
        return [str(error)]
    faults = []
    if not target.is_tls and not allow_http and _is_public_host(target.host):
        faults.append("it is without TLS, and its host may be a public one; allow_http = true allows it")
    if _is_address(target.host) and (reason := refusal(target.host, allow_link_local)):
        faults.append(f"its address {reason}")
    if _is_ours(target, own):
        faults.append("it is our own receiver: each change would bring about another one")
    return faults


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if _is_address(host):
        return host
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not name or not _HOST_CHARACTERS.issuperset(name):
        raise ValueError("its host is no name and no address")
    return name


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_public_host(host: str) -> bool:
    """Whether a host may be a public one. Where a name leads to is seen again at each connection."""
    if _is_address(host):
        return is_public(host)
    return "." in host and not host.endswith(tuple(f".{suffix}" for suffix in _OWN_SUFFIXES))


def _is_ours(target: TargetUrl, own: Addresses) -> bool:
    segments = _segments(target)
    if not {*segments}.isdisjoint(own.tokens):
        return True
    return any(_is_below_hooks(target, segments, public_url) for public_url in own.public_urls)


def _segments(url: TargetUrl) -> list[str]:
    """Of its path, as a server understands it that resolves dots and merges slashes."""
    return normpath(unquote(url.path.partition("?")[0])).strip("/").split("/")


def _is_below_hooks(target: TargetUrl, segments: list[str], public_url: str) -> bool:
    try:
        ours = TargetUrl.parse(public_url.rstrip("/") + "/hooks")
    except ValueError:  # it is refused where it is read
        return False
    hooks = _segments(ours)
    # either scheme: a proxy redirects one to the other, and a later version of it may forward both
    is_same_port = target.port == ours.port or {target.port, ours.port} == {*PORTS.values()}
    return (target.host, segments[: len(hooks)]) == (ours.host, hooks) and is_same_port
