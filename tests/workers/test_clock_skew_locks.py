"""Clock skew: locks, receivers and beats after Redis' clock was set ahead or back."""

import pytest
from prometheus_client import CollectorRegistry

from gateway.hook_state import HookStates
from ledger import keyspace, stats
from ledger.claims import CLAIM_S, claimed
from ledger.client import Ledger
from ledger.lease import LEASE_S
from ledger.lock import lock
from ledger.receivers import living_receivers
from seven.events import QUEUES
from tests.clocks import Clock
from tests.gateway.hook_runs import publish_receiver
from tests.workers.skewed_servers import *  # noqa: F403 - fixtures in place of the suite's
from tests.workers.skewed_servers import FAR_S, HOUR_S
from workers.heartbeat import Heartbeat

LOCKS = {
    keyspace.RETENTION_LOCK: LEASE_S,
    keyspace.AUDIT_LOCK: LEASE_S,
    keyspace.HOOKS_LOCK: LEASE_S,
    keyspace.isolating("batch"): CLAIM_S,
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_expires_after_a_clock_was_set_back(ledger: Ledger, redis_clock: Clock, name: str):
    """A lock whose owner died while Redis' clock was ahead expires after its own duration, not after years."""
    redis_clock.set(FAR_S)
    assert lock(ledger.redis, name, LOCKS[name]).acquire()
    redis_clock.set(0)
    assert ledger.redis.ttl(name) > FAR_S / 2
    if name == keyspace.HOOKS_LOCK:
        with HookStates(ledger.redis).lease() as lease:
            assert lease is None
    elif name == keyspace.isolating("batch"):
        with claimed(ledger, "batch") as claim:
            assert claim is None
    else:
        assert not lock(ledger.redis, name, LOCKS[name]).acquire()
    assert 0 < ledger.redis.ttl(name) <= LOCKS[name]
    redis_clock.set(LOCKS[name] + 60)  # it has expired
    assert lock(ledger.redis, name, LOCKS[name]).acquire()


def test_a_lock_expires_early_when_the_clock_is_set_ahead(ledger: Ledger, redis_clock: Clock):
    """Two owners at once do no harm, and the first one does not release the second one's lock."""
    first = lock(ledger.redis, keyspace.AUDIT_LOCK, LEASE_S)
    assert first.acquire()
    redis_clock.set(2 * HOUR_S)
    second = lock(ledger.redis, keyspace.AUDIT_LOCK, LEASE_S)
    assert second.acquire()
    assert not first.owned()
    assert second.owned()


def test_the_entry_of_a_dead_receiver_expires_after_a_clock_was_set_back(
    ledger: Ledger, redis_url: str, redis_clock: Clock
):
    """An entry written while Redis' clock was ahead expires after a minute, not after years."""
    redis_clock.set(FAR_S)
    publish_receiver(redis_url, "killed", "a-token")
    redis_clock.set(0)
    assert [receiver.id for receiver in living_receivers(ledger.redis)] == ["killed"]
    assert 0 < ledger.redis.pttl(keyspace.receiver("killed")) <= 60_000


@pytest.mark.parametrize("ahead_s", [FAR_S, -FAR_S / 2])
def test_heartbeats_of_a_wrong_clock_are_ignored(ledger: Ledger, redis_clock: Clock, ahead_s: float):
    """A beat that died before the clock was corrected is not listed; a running one is at its next tick."""
    dead = Heartbeat(Ledger(_url(ledger)), CollectorRegistry(), periods={"sweep": 10.0})
    redis_clock.set(ahead_s)
    dead.beat()
    dead.sent("sweep")
    assert stats.ledger_stats(ledger, QUEUES).beat_ages_s
    redis_clock.set(0)
    alive = [age_s for age_s in stats.ledger_stats(ledger, QUEUES).beat_ages_s if age_s < 60]
    assert alive == []
    Heartbeat(ledger, CollectorRegistry(), periods={"sweep": 10.0}).beat()
    statistics = stats.ledger_stats(ledger, QUEUES)
    assert len(statistics.beat_ages_s) == 1
    assert not statistics.sent["sweep"].late
    assert statistics.sent["sweep"].age_s < 60
    assert ledger.redis.zrange(keyspace.BEATS, 0, -1) == [ledger.worker_id.encode()]


def _url(ledger: Ledger) -> str:
    options = ledger.redis.connection_pool.connection_kwargs
    return f"redis://{options['host']}:{options['port']}/0"
