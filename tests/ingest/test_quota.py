"""Allowances: bounded in deliveries and in bytes, and full again after an hour."""

from ingest.rate_limit import HOUR_S, Quota


def test_bytes_are_bounded():
    """What is larger than what is left is not taken; a part of the hour brings a part back."""
    now = 0.0
    allowance = Quota(1000, HOUR_S, lambda: now)
    assert [allowance.take(HOUR_S), allowance.take(1)] == [True, False]
    now = 10.0
    assert [allowance.take(10), allowance.take(1)] == [True, False]
    now = 1e6
    assert [allowance.take(HOUR_S), allowance.take(1)] == [True, False]


def test_deliveries_are_bounded():
    """However small they are."""
    now = 0.0
    allowance = Quota(2, 10**9, lambda: now)
    assert [allowance.take(1) for _ in range(3)] == [True, True, False]
    now = HOUR_S / 2
    assert [allowance.take(1) for _ in range(3)] == [True, False, False]


def test_none_is_none():
    """An allowance of nothing lets nothing be kept."""
    assert not Quota(0, 10**9).take(1)
    assert not Quota(10, 0).take(1)
