"""Signatures are the gateway's."""

from seven.signing import signature, signature_headers

VECTOR = {
    "key": "test-signing-key",
    "timestamp": "1700000000",
    "nonce": "abcdef0123456789abcdef0123456789",
    "method": "POST",
    "url": "https://example.com/webhook",
    "body": b'{"to":"49170123456789","text":"hi"}',
}
SIGNATURE = "98502aec5fc8a4d4ff25d4a547d8cdc00ffaba17aaaaf39c863e8ede3df5eabb"


def test_the_known_vector_holds():
    """The inputs of an independent client's own test give its signature."""
    assert signature(**VECTOR) == SIGNATURE
    assert signature_headers(**VECTOR) == {
        "X-Signature": SIGNATURE,
        "X-Timestamp": "1700000000",
        "X-Nonce": "abcdef0123456789abcdef0123456789",
    }
