"""Signed requests: headers of signed deliveries, and settings of receivers that verify them."""

import time
from typing import Any

from seven.signing import signature_headers
from tests.conftest import TOKEN

PUBLIC, OLDER = "https://hooks.example.com/seven", "https://old.example.com"
KEY, OLDER_KEY = "the-signing-key-of-the-account", "the-signing-key-of-before"
PATH = f"/hooks/{TOKEN}"
BODY = b'{"data":{"msg_id":"7","status":"DELIVERED"},"webhook_event":"dlr"}'


def signed(
    url: str = PUBLIC + PATH, *, key: str = KEY, ago_s: float = 0, method: str = "POST", body: bytes = BODY
) -> dict[str, str]:
    """The headers of a delivery that was signed `ago_s` seconds ago."""
    at = str(int(time.time() - ago_s))
    return signature_headers(key, timestamp=at, nonce="n" * 32, method=method, url=url, body=body)


def settings(mode: str | None = None, **others: Any) -> dict[str, Any]:
    """Settings of a receiver that verifies signatures."""
    return {
        "seven_public_url": f"{PUBLIC}/, {OLDER}", "seven_signing_key": f"{KEY}, {OLDER_KEY}",
        "seven_signature_mode": mode,
    } | others  # fmt: skip


def changed(**headers: str) -> dict[str, str]:
    """The headers of a valid signature, some of them changed afterwards."""
    return signed() | {f"X-{name.title()}": value for name, value in headers.items()}
