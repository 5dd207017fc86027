"""Lease: renewed while its holder lives, gone half a minute after it was killed, and never held by two."""

from pathlib import Path

import pytest

from ledger.client import Ledger
from ledger.lease import LEASE_S, LeaseLost, leased
from ledger.lock import lock
from tests.servers import eventually, valkey

NAME = "seven:audit:lock"


def test_a_lease_is_renewed_and_released(ledger: Ledger):
    """A thread renews it, however long the block takes; it ends with the block, and keeps others away until then."""
    with leased(ledger.redis, NAME, renew_s=0.01) as held:
        assert held
        assert 0 < ledger.redis.pttl(NAME) <= LEASE_S * 1000
        ledger.redis.pexpire(NAME, LEASE_S * 500)
        eventually(lambda: ledger.redis.pttl(NAME) > LEASE_S * 900)
        with leased(ledger.redis, NAME) as second:
            assert second is None
        held.check()
    assert not ledger.redis.exists(NAME)


@pytest.mark.parametrize("take", [pytest.param(True, id="another has it"), pytest.param(False, id="it has expired")])
def test_a_lost_lease_ends_the_work(ledger: Ledger, take: bool):
    """Whoever loses it learns that before the next step, and does not release another's."""
    with leased(ledger.redis, NAME) as held:
        assert held
        ledger.redis.delete(NAME)
        if take:
            assert lock(ledger.redis, NAME, LEASE_S).acquire()
        with pytest.raises(LeaseLost):
            held.check()
    assert bool(ledger.redis.exists(NAME)) == take


def test_a_holder_cut_off_from_redis_loses_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without an answer of Redis it has the lease until the time of the lease is over."""
    with valkey(tmp_path) as server, leased(Ledger(server.url, timeout_s=1).redis, NAME) as held:
        assert held
        server.kill()
        held.check()
        monkeypatch.setattr(held, "_until", 0.0)
        with pytest.raises(LeaseLost):
            held.check()
