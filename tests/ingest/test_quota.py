"""Quota: bounded in deliveries and in bytes, and refilled within an hour."""

from ingest.quota import HOUR_S, Quota


def test_bytes_are_bounded():
    """A delivery larger than the rest is refused; a part of the hour refills a part."""
    now = 0.0
    quota = Quota(1000, HOUR_S, lambda: now)
    assert [quota.take(HOUR_S), quota.take(1)] == [True, False]
    now = 10.0
    assert [quota.take(10), quota.take(1)] == [True, False]
    now = 1e6
    assert [quota.take(HOUR_S), quota.take(1)] == [True, False]


def test_deliveries_are_bounded():
    """The number of deliveries is bounded, however small they are."""
    now = 0.0
    quota = Quota(2, 10**9, lambda: now)
    assert [quota.take(1) for _ in range(3)] == [True, True, False]
    now = HOUR_S / 2
    assert [quota.take(1) for _ in range(3)] == [True, False, False]


def test_a_quota_of_zero_allows_nothing():
    """Zero deliveries or zero bytes: every delivery is refused."""
    assert not Quota(0, 10**9).take(1)
    assert not Quota(10, 0).take(1)
