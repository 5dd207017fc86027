"""Verification: a signed request is valid, and any change makes it invalid."""

import hashlib

from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.verification import SecretVerifier, SignatureVerifier, SignedRequest
from seven.signing import signature_headers
from tests.fuzz.inputs import BYTES

KEYS = ("the-key-of-the-account", "the-key-of-before")
URLS = ("https://hooks.example.com/seven", "http://127.0.0.1:8000")
AT = 1_800_000_000
VERIFIER = SignatureVerifier("enforce", KEYS, URLS, max_age_s=1000, max_ahead_s=10)
TARGETS = st.binary(max_size=60).map(lambda path: "/hooks/t" + path.decode("utf-8", "surrogateescape"))
HEADERS = st.lists(
    st.tuples(st.sampled_from([b"x-signature", b"x-timestamp", b"x-nonce", b"x-hook-secret", b"host"]), st.binary(max_size=70)),
    max_size=6,
)  # fmt: skip


def signed_request(
    method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes, at: float = AT
) -> SignedRequest:
    return SignedRequest(method, target, headers, hashlib.md5(body).hexdigest(), (at,))


@given(
    key=st.sampled_from(KEYS), url=st.sampled_from(URLS), target=TARGETS, body=BYTES,
    nonce=st.text("abcdef0123456789", min_size=1, max_size=40), age=st.integers(-10, 1000),
    change=st.sampled_from(["nothing", "target", "body", "method", "signature", "timestamp", "nonce", "twice"]),
    other=st.binary(min_size=1, max_size=20),
)  # fmt: skip
def test_any_change_breaks_a_signature(
    key: str, url: str, target: str, body: bytes, nonce: str, age: int, change: str, other: bytes
):
    """A signature is valid with either key, for either URL and within the time limits; any single change is a flaw."""
    signed_headers = signature_headers(
        key, timestamp=str(AT - age), nonce=nonce, method="POST", url=url + target, body=body
    )
    headers = {name.lower().encode(): value.encode() for name, value in signed_headers.items()}
    method = "POST"
    if change == "target":
        target += other.decode("utf-8", "surrogateescape")
    elif change == "body":
        body += other
    elif change == "method":
        method = "GET"
    elif change in ("signature", "timestamp", "nonce"):
        name = f"x-{change}".encode()
        assume(headers[name] != other)
        headers[name] = other
    sent = [*headers.items(), *(headers.items() if change == "twice" else ())]
    result = VERIFIER.examine(signed_request(method, target, sent, body))
    assert (result.flaw is None) == (change == "nothing")
    assert bool(result.by) == (result.flaw is None)


@given(method=st.text(max_size=8), target=TARGETS, headers=HEADERS, body=BYTES, at=st.floats(0, 1e12))
def test_random_headers_are_never_valid(
    method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes, at: float
):
    """A verifier reports a flaw for any random headers."""
    for verifier in (VERIFIER, SecretVerifier("enforce", ["the-secret-of-our-hooks"])):
        assert verifier.examine(signed_request(method, target, headers, body, at)).flaw
