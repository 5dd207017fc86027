"""Inputs: deliveries of the corpus with some bytes changed, and random bytes."""

from hypothesis import strategies as st

from seven.delivery import Delivery
from tests.seven.corpus import CASES
from tests.seven.wire_forms import form

METHODS = st.sampled_from(["POST", "GET", "PUT", "post", ""])
EVENT_TYPES = st.none() | st.sampled_from(
    ["dlr", "sms_mo", "tracking", "voice_call", "voice_status", "all", "rcs", "wa_mo", "rcs_mo", "mms", ""]
)
EVENT_TYPES |= st.text(max_size=80)
PIECES = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"=", b"&", b"%", b"+", b"-", b" ", b"\n", b"\r\n", b"\x00", b"--"),
    *(b"data", b"webhook_event", b"webhook_timestamp", b"dlr", b"%5B", b"%5D", b"%00", b"%ED%A0%BD", b"\\ud83d", b"\\u0000"),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"true", b"null", b"9" * 400, b'{"a":' * 50, b"[" * 80, b"data[a][b]=1&"),
    *(b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\xbd", b"\xc3\xa4", b"2026-10-25 02:30:00", b"0000-00-00", b"-62135596801", b"1e400"),
)  # fmt: skip


def _payloads() -> list[bytes]:
    """Every case of the corpus, as recorded and in each kind of form."""
    payloads = []
    for case in CASES.values():
        payloads.append(case.verbatim.delivery.raw)
        payloads += [form(case.content.nested), form(case.content.flat), form(case.content.bare)]
    return payloads


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A delivery of the corpus with pieces inserted, removed or doubled."""
    payload = draw(st.sampled_from(_PAYLOADS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(payload)))
        end = draw(st.integers(start, min(len(payload), start + 20)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=6) | st.just(payload[start:end] * 2))
        payload = payload[:start] + piece + payload[end:]
    return payload


_PAYLOADS = _payloads()
BYTES = st.one_of(mutated(), st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
DELIVERIES = st.builds(Delivery, METHODS, st.just(b"") | BYTES, BYTES)
