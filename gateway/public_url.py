"""Public URL check: whether the address that the gateway calls leads to a receiver that knows our token.

A GET without parameters on a hook's address answers 200 and stores nothing. An unknown token answers 404, which
distinguishes our receiver from a page that answers every request.
"""

import secrets
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2

from ledger.keyspace import fingerprint

PATIENCE_S = 5.0
"""Timeout; the gateway's own is as long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer, or the kind of failure to get one."""

    status: int = 0
    redirect: str = ""
    """Scheme and host that a redirect leads to."""
    failure: str = ""
    """refused, nameless (no DNS entry), untrusted (TLS), silent (anything else)."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Answers of one public URL to one of our tokens, and to a random unknown token."""

    public_url: str
    token: str = field(repr=False)
    known: Answer
    """To a GET with our token."""
    unknown: Answer
    """To a GET with the unknown token."""
    unknown_posted: Answer
    """To a POST with the unknown token and a body, as deliveries have one."""

    @property
    def address(self) -> str:
        """The hook's address without its secret."""
        return f"{self.public_url}/hooks/<{fingerprint(self.token)}>"

    @property
    def reaches_us(self) -> bool:
        """Whether one of our receivers answered, which knows this token and no other."""
        return (self.known.status, self.unknown.status, self.unknown_posted.status) == (200, 404, 404)


def client() -> httpx2.Client:
    """A client that waits as long as the gateway, and follows no redirect."""
    return httpx2.Client(timeout=PATIENCE_S, follow_redirects=False, verify=httpx2.create_ssl_context())


def visit(client: httpx2.Client, url: str, token: str) -> Visit:
    """Send the three requests to one public URL."""
    unknown = f"{url}/hooks/{secrets.token_urlsafe(24)}"
    answer = _request(client, "GET", f"{url}/hooks/{token}")
    if answer.failure:
        return Visit(url, token, answer, answer, answer)
    return Visit(url, token, answer, _request(client, "GET", unknown), _request(client, "POST", unknown))


def certificate_expiry(url: str) -> datetime | None:
    """When the certificate of a public URL expires; None without TLS, a trusted certificate or an answer."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    expires: object = None
    with (
        suppress(OSError),  # the visit shows why
        socket.create_connection((parts.hostname, parts.port or 443), PATIENCE_S) as plain,
        httpx2.create_ssl_context().wrap_socket(plain, server_hostname=parts.hostname) as secured,
    ):
        expires = (secured.getpeercert() or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(expires), UTC) if isinstance(expires, str) else None


def _request(client: httpx2.Client, method: str, url: str) -> Answer:
    try:
        with client.stream(method, url, json={} if method == "POST" else None) as answer:  # its body may have no end
            location = answer.headers.get("location", "")
    except httpx2.HTTPError as error:
        return Answer(failure=_failure(error))
    parts = urlsplit(location)
    return Answer(answer.status_code, f"{parts.scheme}://{parts.hostname}" if parts.hostname else "")


def _failure(error: BaseException | None) -> str:
    """The kind of failure, by the first known exception in the chain of causes."""
    kinds = ((ssl.SSLError, "untrusted"), (socket.gaierror, "nameless"), (ConnectionRefusedError, "refused"))
    while error is not None:
        for exception, kind in kinds:
            if isinstance(error, exception):
                return kind
        error = error.__cause__ or error.__context__
    return "silent"
