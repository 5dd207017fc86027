"""Evidence: what a receiver records of its hooks, and which tokens and URLs it publishes."""

import time
from collections.abc import Callable

from starlette.testclient import TestClient

from ingest.application import create_app
from ingest.settings import IngestSettings
from ledger.client import Ledger
from ledger.keyspace import arrival, fingerprint
from ledger.receivers import living_receivers
from seven.hooks import TEST_HEADER
from seven.signing import signature_headers
from tests.conftest import TOKEN
from tests.emulator.stub_receiver import wait_until

BODY = b'{"webhook_event":"dlr","data":{"msg_id":"7","status":"DELIVERED","timestamp":"2026-11-28 01:00:00"}}'
PUBLIC, KEY = "https://x.example/in", "a-signing-key"


def signed() -> dict[str, str]:
    """The headers of a delivery that was signed for the public URL."""
    at, url = str(int(time.time())), f"{PUBLIC}/hooks/{TOKEN}"
    return signature_headers(KEY, timestamp=at, nonce="n" * 32, method="POST", url=url, body=BODY)


def recorded(ledger: Ledger) -> set[str]:
    return {field.decode() for field in ledger.redis.hkeys("seven:tokens")}


def test_own_tests_are_no_evidence(client: TestClient, ledger: Ledger):
    """A delivery marked by `seven-ingest send` is kept, but does not count as use of its token."""
    assert client.post(f"/hooks/{TOKEN}", content=BODY, headers={TEST_HEADER: "1"}).status_code == 202
    assert recorded(ledger) == set()
    assert client.post(f"/hooks/{TOKEN}", content=BODY).status_code == 202
    assert recorded(ledger) == {fingerprint(TOKEN)}


def test_a_signature_proves_the_public_url_of_a_delivery(receiver: Callable[..., TestClient], ledger: Ledger):
    """Of several public URLs the signed one is recorded, with the token."""
    client = receiver(seven_public_url=f"https://new.example,{PUBLIC}", seven_signing_key=KEY)
    assert client.post(f"/hooks/{TOKEN}", content=BODY, headers=signed()).status_code == 202
    assert recorded(ledger) == {fingerprint(TOKEN), arrival(fingerprint(TOKEN), fingerprint(PUBLIC))}


def test_forgeries_are_no_evidence(receiver: Callable[..., TestClient], ledger: Ledger):
    """A quarantined delivery is kept, but proves nothing of its hook: whoever knows the token may have sent it."""
    client = receiver(seven_public_url=PUBLIC, seven_signing_key=KEY, seven_signature_mode="enforce")
    assert client.post(f"/hooks/{TOKEN}", content=BODY).status_code == 401
    assert recorded(ledger) == set()
    assert client.post(f"/hooks/{TOKEN}", content=BODY, headers=signed()).status_code == 202
    assert fingerprint(TOKEN) in recorded(ledger)


def test_a_receiver_publishes_what_it_accepts(redis_url: str, ledger: Ledger):
    """It renews its entry, for a minute at a time, while it runs; a clean shutdown withdraws it."""
    tokens = f"{TOKEN},another-{TOKEN}"
    settings = IngestSettings(
        redis_url=redis_url,
        seven_hook_token=tokens,
        seven_metrics_address="off",
        seven_public_url=f"{PUBLIC}, https://y",
    )
    with TestClient(create_app(settings)):
        wait_until(lambda: bool(living_receivers(ledger.redis)))
        (entry,) = living_receivers(ledger.redis)
        assert entry.tokens == {fingerprint(TOKEN), fingerprint(f"another-{TOKEN}")}
        assert entry.urls == {fingerprint(PUBLIC), fingerprint("https://y")}
        assert entry.serves("HTTPS://X.example:443/in")
        assert not entry.serves("https://x.example/in/other")
        assert 0 < ledger.redis.ttl(f"seven:receiver:{entry.id}") <= 60
    assert living_receivers(ledger.redis) == []
