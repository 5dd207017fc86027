"""Verification log: the verdicts that a receiver stores in the ledger for `doctor`."""

from collections.abc import Callable

from starlette.testclient import TestClient

from ledger.client import Ledger
from ledger.keyspace import fingerprint
from ledger.verification_stats import verification_stats
from tests.conftest import TOKEN
from tests.ingest.signed_requests import BODY, KEY, OLDER, OLDER_KEY, PATH, PUBLIC, changed, settings, signed
from tests.servers import eventually

Start = Callable[..., TestClient]


def test_verdicts_are_stored_for_doctor(receiver: Start, ledger: Ledger):
    """The ledger counts verified deliveries by URL and key since the last flaw, all by fingerprint."""
    client = receiver(**settings())
    eventually(lambda: verification_stats(ledger.redis, "secret").mode == "off")
    client.post(PATH, content=BODY)
    for headers in (signed(), signed(), signed(OLDER + PATH, key=OLDER_KEY)):
        assert client.post(PATH, content=BODY, headers=headers).status_code == 202
    current, older = (f"{fingerprint(u)}:{fingerprint(k)}" for u, k in ((PUBLIC, KEY), (OLDER, OLDER_KEY)))
    eventually(lambda: verification_stats(ledger.redis, "signature").verified == {current: 2, older: 1})
    stats = verification_stats(ledger.redis, "signature")
    assert (stats.mode, stats.flaw, set(stats.last_at)) == ("observe", "unsigned", {current, older})
    assert stats.flawed_at
    client.post(PATH, content=BODY, headers=changed(signature="0" * 64))
    eventually(lambda: verification_stats(ledger.redis, "signature").flaw == "mismatch")
    assert verification_stats(ledger.redis, "signature").verified == {}
    assert set(verification_stats(ledger.redis, "signature").last_at) == {current, older}
    stored = str(ledger.redis.hgetall("seven:guards:signature"))
    assert not [secret for secret in (KEY, OLDER_KEY, "example", TOKEN) if secret in stored]


def test_a_stolen_token_does_not_reset_the_count(receiver: Start, ledger: Ledger):
    """Flaws from an address that never sent a verified delivery count separately."""
    client = receiver(**settings(), address="10.0.0.1", seven_trusted_proxies="10.0.0.0/8")
    gateway, thief = {"x-forwarded-for": "192.0.2.1"}, {"x-forwarded-for": "203.0.113.9"}
    for headers in (signed() | gateway, thief, signed() | gateway, thief, thief):
        client.post(PATH, content=BODY, headers=headers)
    eventually(lambda: verification_stats(ledger.redis, "signature").foreign == 3)
    stats = verification_stats(ledger.redis, "signature")
    assert (sum(stats.verified.values()), stats.flaw) == (2, None)
    client.post(PATH, content=BODY, headers=gateway)
    eventually(lambda: verification_stats(ledger.redis, "signature").flaw == "unsigned")
    assert verification_stats(ledger.redis, "signature").verified == {}
