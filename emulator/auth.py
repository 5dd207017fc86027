"""Auth: the API key and the signature of a request to the API, and how our deliveries are signed."""

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


WRONG_KEY = "900"
SIGNING_FAILED = "901"


class Authenticator:
    """By API key, and where it is signed by its signature."""

    def __init__(self, api_key: str | None, signing: Signing | None) -> None:
        """Without an API key of its own the gateway takes any; without a signing key no signature is looked at."""
        self._api_key = api_key
        self._signing = signing

    def refusal(self, asked: ApiRequest) -> str | None:
        """The code of the error that is the whole answer; None for whoever may come in."""
        key, told = self._api_key or asked.key, asked.key.encode(errors="replace")
        if not told or not hmac.compare_digest(told, key.encode(errors="replace")):
            return WRONG_KEY
        if self._signing is None or "x-signature" not in asked.headers:
            return None  # "if a signature is sent, it must be valid"
        held = self._signing.holds(asked.method, asked.url, asked.headers, asked.body)
        return None if held else SIGNING_FAILED
