"""Authentication: the API key and the signature of a request to the API, and the signatures of deliveries."""

import hmac
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_letters, digits

from emulator.api_request import ApiRequest
from emulator.wire import Request
from seven.signing import signature, signature_headers

MAX_AGE_S = 30
"""The vendor's signing page: not more than 30 seconds in the past. Its clients allow as much ahead."""

NONCE_LENGTH = 32

_EPOCH = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Signing:
    """Signs and verifies with one account's signing key."""

    key: str = field(repr=False)
    resign_retries: bool = False
    """Whether a retry is signed anew. Unknown of the gateway; with its first signature it is harder to receive."""

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The headers that sign a delivery now: its whole URL with the query, and its body, which a GET lacks."""
        nonce = "".join(random.choices(ascii_letters + digits, k=NONCE_LENGTH))  # noqa: S311 - it need not be secret
        timestamp = str(int(time.time()))
        headers = signature_headers(
            self.key, timestamp=timestamp, nonce=nonce, method=request.method, url=request.url, body=request.body
        )
        return tuple(headers.items())

    def is_valid(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a request carries a valid signature of the last 30 seconds."""
        timestamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        if not (_EPOCH.fullmatch(timestamp) and abs(int(timestamp) - time.time()) <= MAX_AGE_S and nonce):
            return False
        expected = signature(self.key, timestamp=timestamp, nonce=nonce, method=method, url=url, body=body)
        return hmac.compare_digest(headers.get("x-signature", "").lower().encode(), expected.encode())


WRONG_KEY = "900"
SIGNING_FAILED = "901"


class Authenticator:
    """Authenticates requests by API key, and signed requests also by their signature."""

    def __init__(self, api_key: str | None, signing: Signing | None) -> None:
        """Without an API key of its own the emulator accepts any; without a signing key it ignores signatures."""
        self._api_key = api_key
        self._signing = signing

    def error_code(self, request: ApiRequest) -> str | None:
        """The error code that is the whole answer; None for an authenticated request."""
        expected, sent = self._api_key or request.key, request.key.encode(errors="replace")
        if not sent or not hmac.compare_digest(sent, expected.encode(errors="replace")):
            return WRONG_KEY
        if self._signing is None or "x-signature" not in request.headers:
            return None  # "if a signature is sent, it must be valid"
        valid = self._signing.is_valid(request.method, request.url, request.headers, request.body)
        return None if valid else SIGNING_FAILED
