"""Signature: the headers by which a target knows that a request is ours, as Standard Webhooks defines them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as InvalidBase64
from collections.abc import Iterable

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Of a key, as the specification demands."""


def read_secret(text: str) -> bytes:
    """The key in `whsec_<base64>`, padded or not. Raises ValueError, which quotes nothing of it."""
    if not text.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX}")
    encoded = text.removeprefix(PREFIX).rstrip("=")
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (InvalidBase64, ValueError):
        raise ValueError(f"after {PREFIX} a secret has base64") from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a secret has {LEAST_BYTES} to {MOST_BYTES} bytes, this one {len(key)}")
    return key


def signed_headers(keys: Iterable[bytes], change_id: str, timestamp: int, body: bytes) -> bytes:
    """The three header lines, with a signature of each key. The id has letters, digits and underscores only.

    Raises ValueError for any other id: with a full stop in it, the parts of what is signed could be shifted.
    """
    if not (change_id.isascii() and change_id.replace("_", "").isalnum()):
        raise ValueError("an id of a change has letters, digits and underscores")
    content = b"%b.%d.%b" % (change_id.encode(), timestamp, body)
    signatures = b" ".join(b"v1," + b64encode(hmac.digest(key, content, "sha256")) for key in keys)
    return b"webhook-id: %b\r\nwebhook-timestamp: %d\r\nwebhook-signature: %b\r\n" % (
        change_id.encode(),
        timestamp,
        signatures,
    )
