"""Signing: signatures of the gateway are valid, all others are not."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seven.signing import Flaw, Match, Signed, signature, signature_headers

KEY = "test-signing-key"
VECTOR = {
    "key": KEY,
    "timestamp": "1700000000",
    "nonce": "abcdef0123456789abcdef0123456789",
    "method": "POST",
    "url": "https://example.com/webhook",
    "body": b'{"to":"49170123456789","text":"hi"}',
}
SIGNATURE = "98502aec5fc8a4d4ff25d4a547d8cdc00ffaba17aaaaf39c863e8ede3df5eabb"
DIGEST = "26f4cd1f6a99cdeeae9b505993effc68"
AT = 1_700_000_000
DAY = 86_400
SIGNED = {b"x-signature": SIGNATURE.encode(), b"x-timestamp": b"1700000000", b"x-nonce": VECTOR["nonce"].encode()}
HELD = Match("https://example.com/webhook", KEY)


def test_the_known_vector():
    """The inputs of an independent client's own test give its signature."""
    assert signature(**VECTOR) == SIGNATURE
    assert signature_headers(**VECTOR) == {
        "X-Signature": SIGNATURE,
        "X-Timestamp": "1700000000",
        "X-Nonce": "abcdef0123456789abcdef0123456789",
    }


def verified(
    headers: dict[bytes, bytes | None] | None = None, *, method: str = "POST", digest: str = DIGEST, now: float = AT,
    urls: tuple[str, ...] = ("https://example.com/webhook",), keys: tuple[str, ...] = (KEY,),
) -> Match | Flaw:  # fmt: skip
    """Verify the vector, with some headers changed or omitted (None)."""
    present = [(name, value) for name, value in {**SIGNED, **(headers or {})}.items() if value is not None]
    signed = Signed.of(method, digest, [(b"host", b"x"), *present])
    return signed.verify(urls, keys, now=now, max_age_s=4 * DAY, max_ahead_s=300)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, HELD, id="the vector"),
        pytest.param({"method": "post"}, HELD, id="the method in lower case"),
        pytest.param({"keys": ("new", KEY)}, HELD, id="an older key"),
        pytest.param({"urls": ("https://new.example", "https://example.com/webhook")}, HELD, id="an older URL"),
        pytest.param({"now": AT + 3 * DAY}, HELD, id="a retry after three days with its first signature"),
        pytest.param({"now": AT + 4 * DAY}, HELD, id="four days, to the second"),
        pytest.param({"now": AT - 300}, HELD, id="a clock five minutes ahead"),
        pytest.param({"now": AT + 4 * DAY + 1}, Flaw.TOO_OLD, id="too old"),
        pytest.param({"now": AT - 301}, Flaw.AHEAD, id="from the future"),
        pytest.param({"headers": dict.fromkeys(SIGNED)}, Flaw.UNSIGNED, id="unsigned"),
        pytest.param({"headers": {b"x-signature": None}}, Flaw.MALFORMED, id="no signature"),
        pytest.param({"headers": {b"x-timestamp": None}}, Flaw.MALFORMED, id="no timestamp"),
        pytest.param({"headers": {b"x-nonce": None}}, Flaw.MALFORMED, id="no nonce"),
        pytest.param({"headers": {b"x-signature": SIGNATURE[:-1].encode()}}, Flaw.MALFORMED, id="truncated"),
        pytest.param({"headers": {b"x-signature": SIGNATURE.encode() + b"0"}}, Flaw.MALFORMED, id="too long"),
        pytest.param({"headers": {b"x-signature": SIGNATURE.upper().encode()}}, HELD, id="upper case"),
        pytest.param({"headers": {b"x-signature": SIGNATURE.title().encode()}}, HELD, id="mixed case"),
        pytest.param({"headers": {b"x-signature": b"F" * 64}}, Flaw.MISMATCH, id="forged, upper case"),
        pytest.param({"headers": {b"x-signature": b"G" * 64}}, Flaw.MALFORMED, id="not hex"),
        pytest.param({"headers": {b"x-signature": SIGNATURE.encode() + b" \t"}}, HELD, id="blanks after the signature"),
        pytest.param({"headers": {b"x-signature": b"  " + SIGNATURE.encode()}}, HELD, id="blanks before the signature"),
        pytest.param({"headers": {b"x-timestamp": b"1700000000 "}}, HELD, id="a blank after the timestamp"),
        pytest.param({"headers": {b"x-nonce": SIGNED[b"x-nonce"] + b" "}}, HELD, id="a blank after the nonce"),
        pytest.param({"headers": {b"x-nonce": b" "}}, Flaw.MALFORMED, id="a blank nonce"),
        pytest.param({"headers": {b"x-nonce": b"a b"}}, Flaw.MALFORMED, id="a blank within the nonce"),
        pytest.param({"headers": {b"x-signature": b""}}, Flaw.MALFORMED, id="empty"),
        pytest.param({"headers": {b"x-signature": "²".encode() * 32}}, Flaw.MALFORMED, id="not ASCII"),
        pytest.param({"headers": {b"x-signature": b"0" * 64}}, Flaw.MISMATCH, id="forged"),
        pytest.param({"headers": {b"x-timestamp": b"1700000001"}}, Flaw.MISMATCH, id="another timestamp"),
        pytest.param({"headers": {b"x-timestamp": b"-1700000000"}}, Flaw.MALFORMED, id="a negative timestamp"),
        pytest.param({"headers": {b"x-timestamp": b"1700000000.0"}}, Flaw.MALFORMED, id="a fraction"),
        pytest.param({"headers": {b"x-timestamp": b"9" * 13}}, Flaw.MALFORMED, id="an absurd timestamp"),
        pytest.param({"headers": {b"x-nonce": b"n" * 129}}, Flaw.MALFORMED, id="an absurd nonce"),
        pytest.param({"headers": {b"x-nonce": b"another"}}, Flaw.MISMATCH, id="another nonce"),
        pytest.param({"method": "GET"}, Flaw.MISMATCH, id="another method"),
        pytest.param({"digest": "0" * 32}, Flaw.MISMATCH, id="another body"),
        pytest.param({"urls": ("https://example.com/webhook?x=1",)}, Flaw.MISMATCH, id="another query"),
        pytest.param({"urls": ("http://example.com/webhook",)}, Flaw.MISMATCH, id="another scheme"),
        pytest.param({"urls": ("https://EXAMPLE.com/webhook",)}, Flaw.MISMATCH, id="another spelling"),
        pytest.param({"urls": ()}, Flaw.MISMATCH, id="no URL"),
        pytest.param({"keys": ("another",)}, Flaw.MISMATCH, id="another key"),
        pytest.param({"keys": ()}, Flaw.MISMATCH, id="no key"),
        pytest.param({"headers": {b"x-signature": b"0" * 64}, "now": AT + 9 * DAY}, Flaw.MISMATCH, id="forged and old"),
    ],
)
def test_a_signature_is_verified(changes: dict[str, Any], expected: Match | Flaw):
    """A valid signature gives its URL and key, any other its flaw."""
    assert verified(**changes) == expected


def test_a_repeated_header_is_malformed():
    """Two values of one header are ambiguous."""
    twice = Signed.of("POST", DIGEST, [*SIGNED.items(), (b"x-nonce", SIGNED[b"x-nonce"])])
    assert twice.verify(("https://example.com/webhook",), (KEY,), now=AT, max_age_s=1, max_ahead_s=1) is Flaw.MALFORMED


def test_a_match_shows_no_secret():
    """A match may be printed while debugging."""
    assert repr(HELD) == "Match()"


headers = st.lists(st.tuples(st.sampled_from([*SIGNED, b"host"]), st.binary(max_size=80)), max_size=6)


@given(method=st.text(max_size=8), digest=st.text(max_size=40), sent=headers, target=st.binary(max_size=80))
def test_random_headers_never_match(method: str, digest: str, sent: list[tuple[bytes, bytes]], target: bytes):
    """No bytes make the verifier raise, and none match without a signature."""
    url = "https://example.com/" + target.decode("utf-8", "surrogateescape")
    result = Signed.of(method, digest, sent).verify((url,), (KEY,), now=AT, max_age_s=1e9, max_ahead_s=1e9)
    assert isinstance(result, Flaw)


@given(
    body=st.binary(max_size=200), target=st.binary(max_size=80), key=st.text(st.characters(codec="utf-8"), min_size=1)
)
def test_signed_requests_match(body: bytes, target: bytes, key: str):
    """A signature is valid for any URL and body: it signs bytes, not their meaning."""
    url = "https://example.com/" + target.decode("utf-8", "surrogateescape")
    signed_headers = signature_headers(key, timestamp=str(AT), nonce="n", method="POST", url=url, body=body)
    headers = [(name.lower().encode(), value.encode()) for name, value in signed_headers.items()]
    signed = Signed.of("POST", hashlib.md5(body).hexdigest(), headers)
    assert signed.verify((url,), (key,), now=AT, max_age_s=1, max_ahead_s=1) == Match(url, key)
