"""Rate limit: beyond a rate, 404 answers to requests without a valid token are delayed."""

import asyncio

import pytest

from ingest.client_address import ClientAddresses
from ingest.metrics import ReceiverMetrics
from ingest.rate_limit import ADDRESSES, BURST_S, LONGEST_S, RateLimit, _hangs_up
from ingest.uvicorn_limits import SMALL

RATE = 10.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rate_limit(clock: Clock) -> RateLimit:
    return RateLimit(ClientAddresses(()), ReceiverMetrics(), RATE, clock)


def test_a_burst_is_answered_at_once_and_then_in_turn(rate_limit: RateLimit, clock: Clock):
    """A client at full speed gets exactly the rate, for any time; a pause restores the burst."""
    waits = [rate_limit.wait_s("192.0.2.1") for _ in range(60)]
    assert all(wait <= 0 for wait in waits[: int(BURST_S * RATE)])
    assert waits[50:] == sorted(waits[50:])
    assert 0 < waits[50] < 2 / RATE
    answered = 0
    while clock.now < 100:
        clock.now += max(0.0, rate_limit.wait_s("192.0.2.1"))
        answered += 1
    assert answered / 100 == pytest.approx(RATE, rel=0.02)
    clock.now += 2 * BURST_S
    assert rate_limit.wait_s("192.0.2.1") <= 0


def test_delays_are_bounded(rate_limit: RateLimit, clock: Clock):
    """A thousand requests at once wait for LONGEST_S at most, and do not delay later ones."""
    assert max(rate_limit.wait_s("192.0.2.1") for _ in range(1000)) == LONGEST_S
    clock.now += BURST_S + LONGEST_S
    assert rate_limit.wait_s("192.0.2.1") <= 0


def test_addresses_are_limited_separately(rate_limit: RateLimit):
    """Each address has its own rate; all addresses of an IPv6 /64 network share one."""
    for _ in range(200):
        rate_limit.wait_s("192.0.2.1")
        rate_limit.wait_s("2001:db8:1:2::1")
    assert rate_limit.wait_s("192.0.2.2") <= 0
    assert rate_limit.wait_s("2001:db8:1:2:ffff::9") > 0
    assert rate_limit.wait_s("::ffff:192.0.2.1") > 0
    assert rate_limit.wait_s("::ffff:192.0.2.9") <= 0
    assert rate_limit.wait_s("2001:db8:1:3::1") <= 0
    assert rate_limit.wait_s("fe80::1%eth0") <= 0
    assert rate_limit.wait_s("no:address") <= 0


def test_many_addresses_share_a_rate_and_little_memory(rate_limit: RateLimit):
    """A flood from many addresses is delayed, too, and the number of remembered addresses is bounded."""
    waits = [rate_limit.wait_s(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(3 * ADDRESSES)]
    assert waits[0] <= 0
    assert waits[-1] > 0
    assert len(rate_limit._turns) <= ADDRESSES


def test_an_address_over_its_rate_delays_no_other(rate_limit: RateLimit):
    """However fast one address sends requests, answers to another one are not delayed."""
    for _ in range(100_000):
        rate_limit.wait_s("192.0.2.1")
    assert rate_limit.wait_s("192.0.2.1") > 0
    assert rate_limit.wait_s("198.51.100.1") <= 0


async def scripted(messages: list[dict[str, object]]) -> dict[str, object]:
    """The next message of a client; after the last one it sends nothing."""
    if messages:
        return messages.pop(0)
    await asyncio.sleep(3600)
    raise AssertionError


@pytest.mark.parametrize(
    ("messages", "ends_early"),
    [
        pytest.param([{"type": "http.disconnect"}], True, id="at once"),
        pytest.param([{"type": "http.request", "more_body": False}, {"type": "http.disconnect"}], True, id="after its body"),
        pytest.param([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}], True, id="in its body"),
        pytest.param([{"type": "http.request", "body": b"x" * (SMALL + 1), "more_body": True}, {"type": "http.request", "more_body": True}], False, id="never, still sending"),
        pytest.param([], False, id="never, silent"),
    ],
)  # fmt: skip
def test_a_hang_up_ends_the_wait(messages: list[dict[str, object]], ends_early: bool):
    """A disconnected client's place is free at once; at most the beginning of a body is read meanwhile."""
    left = list(messages)
    wait_s = 60.0 if ends_early else 0.05
    assert asyncio.run(_hangs_up(lambda: scripted(left), wait_s)) is ends_early
    assert len(left) == max(0, len(messages) - 1) if not ends_early else left == []
