"""Signing: verifies the gateway's signatures of deliveries, and signs requests to the gateway.

Source: the vendor's signing page. The page's own example is invalid (its body has another MD5); the vector in
`tests/seven/test_signing.py` is valid.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

HEADERS = (b"x-signature", b"x-timestamp", b"x-nonce")
"""The headers of a signed request, in lower case."""

BLANKS = b" \t"
"""The blanks that may stand around a header's value."""

_SIGNATURE = re.compile(rb"[0-9a-fA-F]{64}")  # sent in lower case; the vendor's own verifier accepts either
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_NONCE = re.compile(rb"[!-~]{1,128}")


class Flaw(StrEnum):
    """Why a signature is rejected."""

    UNSIGNED = "unsigned"
    """All of its headers are missing."""
    MALFORMED = "malformed"
    """One of its headers is missing, repeated, or not in the gateway's format."""
    MISMATCH = "mismatch"
    """It was made with another key, for another URL, or over another request."""
    TOO_OLD = "too_old"
    """It is valid, but was made too long ago."""
    AHEAD = "ahead"
    """It is valid, but was made too far in the future."""


@dataclass(frozen=True, slots=True)
class Match:
    """The URL and the key that a signature was made with."""

    url: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """The signed parts of a request. `digest` is the MD5 of its raw body, as lower-case hex."""

    method: str
    digest: str
    signature: bytes | None
    timestamp: bytes | None
    nonce: bytes | None

    @classmethod
    def of(cls, method: str, digest: str, headers: Iterable[tuple[bytes, bytes]]) -> "Signed":
        """Take the signature from headers with lower-case names. A repeated header gets an empty, invalid value.

        Blanks around a value are no part of it (RFC 9110, 5.5); parsers leave those at its end.
        """
        values: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in HEADERS:
                values[name] = b"" if name in values else value.strip(BLANKS)
        return cls(method, digest, *map(values.get, HEADERS))

    def verify(
        self, urls: Sequence[str], keys: Sequence[str], *, now: float, max_age_s: float, max_ahead_s: float
    ) -> Match | Flaw:
        """Try each key with each URL, comparing in constant time. `now` is in epoch seconds.

        Time is checked last: it means nothing for an invalid signature. A reused nonce is accepted: a retry may carry
        its first signature, and repeats merge.
        """
        signature, timestamp, nonce = self.signature, self.timestamp, self.nonce
        if signature is None and timestamp is None and nonce is None:
            return Flaw.UNSIGNED
        if signature is None or timestamp is None or nonce is None:
            return Flaw.MALFORMED
        if not (_SIGNATURE.fullmatch(signature) and _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce)):
            return Flaw.MALFORMED
        match = self._match(signature.decode().lower(), timestamp.decode(), nonce.decode(), urls, keys)
        if match is None:
            return Flaw.MISMATCH
        age_s = now - int(timestamp)
        return Flaw.TOO_OLD if age_s > max_age_s else Flaw.AHEAD if -age_s > max_ahead_s else match

    def _match(
        self, claimed: str, timestamp: str, nonce: str, urls: Sequence[str], keys: Sequence[str]
    ) -> Match | None:
        for url in urls:
            signed = _signed(timestamp, nonce, self.method, url, self.digest)
            for key in keys:
                if hmac.compare_digest(claimed, _hmac(key, signed)):
                    return Match(url, key)
        return None


def signature(key: str, *, timestamp: str, nonce: str, method: str, url: str, body: bytes) -> str:
    """The HMAC-SHA256 of timestamp, nonce, method, whole URL and the MD5 of the body, as lower-case hex."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return _hmac(key, _signed(timestamp, nonce, method, url, digest))


def signature_headers(key: str, *, timestamp: str, nonce: str, method: str, url: str, body: bytes) -> dict[str, str]:
    """The headers of a signed request; `timestamp` in epoch seconds, `nonce` 32 random letters and digits."""
    value = signature(key, timestamp=timestamp, nonce=nonce, method=method, url=url, body=body)
    return {"X-Signature": value, "X-Timestamp": timestamp, "X-Nonce": nonce}


def _signed(timestamp: str, nonce: str, method: str, url: str, digest: str) -> bytes:
    return "\n".join((timestamp, nonce, method.upper(), url, digest)).encode("utf-8", "surrogateescape")


def _hmac(key: str, signed: bytes) -> str:
    return hmac.digest(key.encode(), signed, "sha256").hex()
