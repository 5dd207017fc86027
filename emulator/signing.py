"""Signing: how our deliveries are signed, and whether a request to us is signed as it must be."""

import hmac
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_letters, digits

from emulator.wire import Request
from seven.signing import signature, signature_headers

MOST_OLD_S = 30
"""The vendor's signing page: not more than 30 seconds in the past. Its clients allow as much ahead."""

NONCE_LENGTH = 32

_EPOCH = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Signing:
    """With one account's signing key."""

    key: str = field(repr=False)
    renewed: bool = False
    """Whether a retry is signed anew. Unknown of the gateway; with its first signature it is harder to receive."""

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The headers that sign a delivery now: its whole URL with the query, and its body or for a GET none."""
        nonce = "".join(random.choices(ascii_letters + digits, k=NONCE_LENGTH))  # noqa: S311 - it need not be secret
        at = str(int(time.time()))
        signed = signature_headers(
            self.key, timestamp=at, nonce=nonce, method=request.method, url=request.url, body=request.body
        )
        return tuple(signed.items())

    def holds(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a request carries a valid signature of the last 30 seconds."""
        at, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        if not (_EPOCH.fullmatch(at) and abs(int(at) - time.time()) <= MOST_OLD_S and nonce):
            return False
        due = signature(self.key, timestamp=at, nonce=nonce, method=method, url=url, body=body)
        return hmac.compare_digest(headers.get("x-signature", "").lower().encode(), due.encode())
