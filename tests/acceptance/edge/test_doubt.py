"""Doubt: with signatures enforced, what cannot be verified is quarantined, also where its body never ends."""

from collections.abc import Iterator

import pytest

from ledger.client import Ledger
from tests.acceptance.edge.raw_http import BODY, PATIENCE_S, TOKEN, exchange, post, statuses
from tests.ingest.conftest import accepted
from tests.ingest.signed_requests import KEY, PUBLIC, signed
from tests.processes import Receiver, running
from tests.servers import Valkey

SIGNED = [f"{name}: {value}".encode() for name, value in signed(f"{PUBLIC}/hooks/{TOKEN}", body=BODY).items()]
LONG_GET = f"GET /hooks/{TOKEN}?x=".encode() + b"y" * 70_000 + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def receiver(broker: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """It enforces signatures, and has no allowance for parked deliveries."""
    environment = {
        "REDIS_URL": broker.url, "SEVEN_HOOK_TOKEN": TOKEN, "SEVEN_METRICS_ADDRESS": "off",
        "SEVEN_PATIENCE_S": str(PATIENCE_S), "SEVEN_PARKED_MOST": "0", "SEVEN_SIGNATURE_MODE": "enforce",
        "SEVEN_SIGNING_KEY": KEY, "SEVEN_PUBLIC_URL": PUBLIC,
    }  # fmt: skip
    receiver = Receiver(tmp_path_factory.mktemp("doubt"), environment)
    with running(receiver):
        yield receiver


@pytest.mark.duration(15)
@pytest.mark.parametrize(
    ("request_", "doubt"),
    [
        pytest.param(post(b"x" * 70_000, b"connection: close"), "unsigned", id="too large"),
        pytest.param(post(b"x" * 70_000, b"content-length: 500000", length=False), "unsigned", id="large, and stalled"),
        pytest.param(
            post(BODY.ljust(70_000), b"content-length: 500000", *SIGNED, length=False), "mismatch",
            id="stalled, with the signature of another",
        ),
        pytest.param(LONG_GET, "unsigned", id="a URL that is too long"),
    ],
)  # fmt: skip
def test_what_is_too_large_and_unsigned_is_quarantined(receiver: Receiver, ledger: Ledger, request_: bytes, doubt: str):
    """It is answered 401, a sample is kept, and the allowance of parked deliveries stays untouched."""
    assert statuses(exchange(receiver, request_)) == [401]
    (envelope,) = accepted(ledger).values()
    assert envelope.doubt == f"signature: {doubt}"
    assert (envelope.reason or "").startswith("larger than 65536 bytes")


def test_a_small_stalled_body_is_retried(receiver: Receiver, ledger: Ledger):
    """Nothing of it is kept: the gateway sends it again."""
    assert statuses(exchange(receiver, post(BODY, b"content-length: 500", length=False))) == [503]
    assert accepted(ledger) == {}
