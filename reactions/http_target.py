"""HTTP target: posts changes to an address, signed, on connections that are kept alive."""

import ssl
import threading
import time
from functools import cache
from http.client import HTTPException
from importlib.metadata import version

from reactions.http_answer import attempt_of, failed
from reactions.http_connection import HttpConnection, NoAnswerError
from reactions.http_reply import Reply
from reactions.name_lookup import NameLookup
from reactions.reaction import Reaction, UrlTarget
from reactions.secret_file import SecretFile
from reactions.signature import signed_headers
from reactions.target import Attempt
from reactions.target_url import TargetUrl

IDLE_S = 50.0
"""Servers close what is idle after a minute, most of them; a request would meet that."""
LIFE_S = 300.0
"""A connection is not used for longer, so that a name that moves is followed."""


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates of this machine, or of SSL_CERT_FILE, loaded once in a process: it takes 50 ms."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # some systems' Pythons leave it to a file of OpenSSL's
    context.set_alpn_protocols(["http/1.1"])
    return context


class HttpTarget:
    """A subscriber that is reached by its URL. Threads share it; each has a connection to itself meanwhile.

    It follows no redirect and uses no proxy: what is checked about the address has to be true of who gets the change.
    """

    def __init__(self, reaction: Reaction, target: UrlTarget) -> None:
        """Read the secret file. Raises ValueError if it or the URL is invalid."""
        self._url = TargetUrl.parse(target.url)
        self._target, self._timeout_s, self._most_idle = target, reaction.timeout_s, reaction.concurrency
        self._secrets = SecretFile(target.secret_file, reaction.name)
        self._lookup = NameLookup(self._url.host, self._url.port)
        self._head = (
            f"POST {self._url.path} HTTP/1.1\r\nhost: {self._url.host_header}\r\n"
            f"user-agent: seven-ingest/{version('seven-ingest')}\r\naccept: */*\r\ncontent-type: application/json\r\n"
        ).encode("ascii")
        self._lock = threading.Lock()
        self._idle: list[HttpConnection] = []
        self._busy: set[HttpConnection] = set()
        self._is_closed = False

    def send(self, change_id: str, body: bytes) -> Attempt:
        """Post one change, signed anew with the time of this attempt."""
        deadline = time.monotonic() + self._timeout_s
        signed = signed_headers(self._secrets.keys(), change_id, int(time.time()), body)
        request = b"%b%bcontent-length: %d\r\n\r\n%b" % (self._head, signed, len(body), body)
        try:
            return attempt_of(self._exchange(request, deadline))
        except (OSError, HTTPException, ValueError) as error:
            return failed(error)

    def close(self) -> None:
        """Close all connections; attempts that are under way fail."""
        with self._lock:
            self._is_closed = True
            idle, busy = (*self._idle,), (*self._busy,)
            self._idle.clear()
        for connection in idle:
            connection.close()
        for connection in busy:
            connection.abort()

    def _exchange(self, request: bytes, deadline: float) -> Reply:
        connection = self._take_idle()
        if connection is not None:
            try:
                return self._exchange_on(connection, request, deadline)
            except NoAnswerError:  # the target closed it just now, as targets do with idle ones
                pass
        return self._exchange_on(self._open(deadline), request, deadline)

    def _exchange_on(self, connection: HttpConnection, request: bytes, deadline: float) -> Reply:
        try:
            return connection.exchange(request, deadline)
        finally:
            self._return(connection)

    def _take_idle(self) -> HttpConnection | None:
        """The connection that was used last, if any is still good."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
                self._busy.add(connection)
            now = time.monotonic()
            is_old = now - connection.used_at > IDLE_S or now - connection.opened_at > LIFE_S
            if not is_old and not connection.is_closed_by_peer():
                return connection
            connection.is_reusable = False
            self._return(connection)

    def _open(self, deadline: float) -> HttpConnection:
        trusted = _trusted() if self._url.is_tls else None
        connection = HttpConnection.open(self._url, self._lookup, deadline, trusted, self._target)
        with self._lock:
            self._busy.add(connection)
            if self._is_closed:
                connection.abort()
        return connection

    def _return(self, connection: HttpConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
            is_kept = connection.is_reusable and not self._is_closed and len(self._idle) < self._most_idle
            if is_kept:
                self._idle.append(connection)
        if not is_kept:
            connection.close()
