"""HTTP answer: what became of an attempt, by the status and headers of a target's answer, or by why there is none."""

import ssl
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPException, RemoteDisconnected

from reactions.backoff import LONGEST_S
from reactions.http_connection import NoAnswerError, RefusedAddressError
from reactions.http_reply import Reply, TooLongError
from reactions.target import Answer, Attempt
from runtime.network_errors import network_failure

_DIGITS = 10
"""Of more there is no number of seconds that is meant."""
_LONGEST_DATE = 64


def attempt_of(reply: Reply) -> Attempt:
    """What a status means: 2xx accepted, 410 gone, anything else failed."""
    status = reply.status
    if 200 <= status < 300:
        return Attempt(Answer.ACCEPTED)
    if status == 410:
        return Attempt(Answer.GONE, "status 410")
    note = ": a redirect, which is not followed" if 300 <= status < 400 else ""
    return Attempt(Answer.FAILED, f"status {status}{note}", retry_after(reply.headers.get("retry-after")))


def failed(error: OSError | HTTPException | ValueError) -> Attempt:
    """What happened instead of an answer, in words of ours."""
    return Attempt(Answer.FAILED, _reason(error))


def retry_after(value: str | None) -> float | None:
    """Seconds until then, at most the longest pause; None for the past and for what is neither a number nor a date."""
    text = (value or "").strip()[:_LONGEST_DATE]
    if text.isascii() and text.isdigit():
        seconds = float(text) if len(text) <= _DIGITS else LONGEST_S
    else:
        try:
            at = parsedate_to_datetime(text)
            seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(seconds, LONGEST_S) if seconds > 0 else None


def _reason(error: OSError | HTTPException | ValueError) -> str:
    if isinstance(error, RefusedAddressError):
        return str(error)
    if isinstance(error, TooLongError):
        return "the head of its answer is too long"
    if isinstance(error, NoAnswerError | RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError) or not isinstance(error, HTTPException | ValueError):
        failure = network_failure(error)
        return failure[1] if failure else "the connection failed"
    return "its answer is no HTTP"
