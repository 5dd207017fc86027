"""Signing: how the gateway signs its deliveries, how requests to it are signed, and whether a signature holds.

Source: the vendor's signing page. The page's own example does not hold (its body has another MD5); the vector in
`tests/seven/test_signing.py` does.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

HEADERS = (b"x-signature", b"x-timestamp", b"x-nonce")
"""The headers of a signed request, in lower case."""

_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_NONCE = re.compile(rb"[!-~]{1,128}")


class Flaw(StrEnum):
    """Why a signature does not hold."""

    UNSIGNED = "unsigned"
    """None of its headers is there."""
    MALFORMED = "malformed"
    """One of its headers is missing, told twice, or not as the gateway writes it."""
    MISMATCH = "mismatch"
    """Another key, another URL, or something else was signed."""
    TOO_OLD = "too_old"
    """It holds, and was made too long ago."""
    AHEAD = "ahead"
    """It holds, and was made too far in the future."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which of several URLs and keys a signature was made with."""

    url: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as its signature speaks of it. `digest` is the MD5 of its raw body, as lower-case hex."""

    method: str
    digest: str
    signature: bytes | None
    timestamp: bytes | None
    nonce: bytes | None

    @classmethod
    def of(cls, method: str, digest: str, headers: Iterable[tuple[bytes, bytes]]) -> "Signed":
        """With the headers as they came, names in lower case. One that came twice has a value that is none."""
        told: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in HEADERS:
                told[name] = b"" if name in told else value
        return cls(method, digest, *map(told.get, HEADERS))

    def verify(
        self, urls: Sequence[str], keys: Sequence[str], *, now: float, max_age_s: float, max_ahead_s: float
    ) -> Match | Flaw:
        """Try each key with each URL, in constant time each. `now` in epoch seconds.

        Time is judged last: of a signature that does not hold it says nothing. A nonce seen before is no flaw, for a
        retry may carry its first signature, and what is told twice merges into nothing.
        """
        signature, timestamp, nonce = self.signature, self.timestamp, self.nonce
        if signature is None and timestamp is None and nonce is None:
            return Flaw.UNSIGNED
        if signature is None or timestamp is None or nonce is None:
            return Flaw.MALFORMED
        if not (_SIGNATURE.fullmatch(signature) and _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce)):
            return Flaw.MALFORMED
        match = self._match(signature.decode(), timestamp.decode(), nonce.decode(), urls, keys)
        if match is None:
            return Flaw.MISMATCH
        age_s = now - int(timestamp)
        return Flaw.TOO_OLD if age_s > max_age_s else Flaw.AHEAD if -age_s > max_ahead_s else match

    def _match(self, told: str, timestamp: str, nonce: str, urls: Sequence[str], keys: Sequence[str]) -> Match | None:
        for url in urls:
            signed = _signed(timestamp, nonce, self.method, url, self.digest)
            for key in keys:
                if hmac.compare_digest(told, _hmac(key, signed)):
                    return Match(url, key)
        return None


def signature(key: str, *, timestamp: str, nonce: str, method: str, url: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, nonce, method, whole URL and the MD5 of the body, as lower-case hex."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return _hmac(key, _signed(timestamp, nonce, method, url, digest))


def signature_headers(key: str, *, timestamp: str, nonce: str, method: str, url: str, body: bytes) -> dict[str, str]:
    """The headers of a signed request; `timestamp` in epoch seconds, `nonce` 32 random letters and digits."""
    told = signature(key, timestamp=timestamp, nonce=nonce, method=method, url=url, body=body)
    return {"X-Signature": told, "X-Timestamp": timestamp, "X-Nonce": nonce}


def _signed(timestamp: str, nonce: str, method: str, url: str, digest: str) -> bytes:
    return "\n".join((timestamp, nonce, method.upper(), url, digest)).encode("utf-8", "surrogateescape")


def _hmac(key: str, signed: bytes) -> str:
    return hmac.digest(key.encode(), signed, "sha256").hex()
