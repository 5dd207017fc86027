"""Signing: how the gateway signs its deliveries, and lets requests to it be signed.

Source: the vendor's signing page. The page's own example does not hold (its body has another MD5); the vector in
`tests/seven/test_signing.py` does.
"""

import hashlib
import hmac


def signature(key: str, *, timestamp: str, nonce: str, method: str, url: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, nonce, method, whole URL and the MD5 of the body, as lower-case hex."""
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    signed = "\n".join((timestamp, nonce, method.upper(), url, digest))
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()


def signature_headers(key: str, *, timestamp: str, nonce: str, method: str, url: str, body: bytes) -> dict[str, str]:
    """The headers of a signed request; `timestamp` in epoch seconds, `nonce` 32 random letters and digits."""
    told = signature(key, timestamp=timestamp, nonce=nonce, method=method, url=url, body=body)
    return {"X-Signature": told, "X-Timestamp": timestamp, "X-Nonce": nonce}
