"""The breaker: while the database is away one probe at a time is let through."""

from workers.holding import Breaker


def test_one_probe_in_every_pause():
    """Closed it lets all through; open it lets one through per pause; a success closes it, and says so once."""
    now = 0.0
    breaker = Breaker(2.0, lambda: now)
    assert [breaker.lets_through() for _ in range(3)] == [True] * 3
    assert not breaker.succeeded()
    breaker.failed()
    assert not breaker.lets_through()
    now = 2.0
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    assert breaker.succeeded()
    assert [breaker.lets_through() for _ in range(3)] == [True] * 3
