"""The public URL opened from here: whether what the gateway calls is a receiver of ours, which knows our token.

Opened without parameters a hook's address answers 200 and stores nothing; a token that is none of ours answers 404, and
so tells our receiver from a page that answers everything.
"""

import secrets
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from ledger.keyspace import fingerprint

PATIENCE_S = 5.0
"""The gateway's own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, or in one of these words why it did not: refused, nameless, untrusted, silent."""

    status: int = 0
    leads_to: str = ""
    """Scheme and host of a redirect."""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One public URL, opened with one of our tokens and with one that is nobody's."""

    public_url: str
    token: str = field(repr=False)
    opened: Answer
    stranger: Answer
    posted: Answer
    """By the stranger, with a body as deliveries have one."""

    @property
    def address(self) -> str:
        """Without what is secret."""
        return f"{self.public_url}/hooks/<{fingerprint(self.token)}>"

    @property
    def reaches_us(self) -> bool:
        """Whether a receiver of ours answered, which knows this token and no other."""
        return (self.opened.status, self.stranger.status, self.posted.status) == (200, 404, 404)


def client() -> httpx2.Client:
    """A client as patient as the gateway, which follows no redirect."""
    return httpx2.Client(timeout=PATIENCE_S, follow_redirects=False, verify=httpx2.create_ssl_context())


def visit(client: httpx2.Client, url: str, token: str) -> Visit:
    """Open one public URL with one token."""
    nobodys = secrets.token_urlsafe(24)
    opened = _asked(client, "GET", f"{url}/hooks/{token}")
    if opened.failure:
        return Visit(url, token, opened, opened, opened)
    return Visit(
        url,
        token,
        opened,
        _asked(client, "GET", f"{url}/hooks/{nobodys}"),
        _asked(client, "POST", f"{url}/hooks/{nobodys}"),
    )


def _asked(client: httpx2.Client, method: str, url: str) -> Answer:
    try:
        answer = client.request(method, url, json={} if method == "POST" else None)
    except httpx2.HTTPError as error:
        return Answer(failure=_failure(error))
    parts = urlsplit(answer.headers.get("location", ""))
    return Answer(answer.status_code, f"{parts.scheme}://{parts.hostname}" if parts.hostname else "")


def _failure(error: BaseException | None) -> str:
    """The word for what lies at the bottom of it."""
    words = ((ssl.SSLError, "untrusted"), (socket.gaierror, "nameless"), (ConnectionRefusedError, "refused"))
    while error is not None:
        for kind, word in words:
            if isinstance(error, kind):
                return word
        error = error.__cause__ or error.__context__
    return "silent"
