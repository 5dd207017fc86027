"""Admitting: whether a request to the API is let in."""

import hmac

from emulator.api_request import Asked
from emulator.signing import Signing

WRONG_KEY = "900"
SIGNING_FAILED = "901"


class Admitting:
    """By API key, and where it is signed by its signature."""

    def __init__(self, api_key: str | None, signing: Signing | None) -> None:
        """Without an API key of its own the gateway takes any; without a signing key no signature is looked at."""
        self._api_key = api_key
        self._signing = signing

    def refusal(self, asked: Asked) -> str | None:
        """The code of the error that is the whole answer; None for whoever may come in."""
        key, told = self._api_key or asked.key, asked.key.encode(errors="replace")
        if not told or not hmac.compare_digest(told, key.encode(errors="replace")):
            return WRONG_KEY
        if self._signing is None or "x-signature" not in asked.headers:
            return None  # "if a signature is sent, it must be valid"
        held = self._signing.holds(asked.method, asked.url, asked.headers, asked.body)
        return None if held else SIGNING_FAILED
