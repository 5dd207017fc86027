"""The breaker: while the database is away one probe at a time is let through, after pauses that grow."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise

import pytest

from store.circuit_breaker import LONGEST_PAUSE_S, SPREAD, CircuitBreaker
from workers.settings import WorkerSettings


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def logged() -> Iterator[list[object]]:
    """What a worker would have logged."""
    lines: list[object] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.msg)

    logger, handler = logging.getLogger("seven.workers"), Lines()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def may(breaker: CircuitBreaker, told: str = "") -> bool:
    """Take one turn, and tell what came of it."""
    with breaker.turn() as let_through:
        if let_through and told == "failed":
            breaker.failed("away")
        elif let_through and told == "succeeded":
            breaker.succeeded()
        return let_through


def test_one_probe_after_every_pause():
    """Closed it lets all through; open it lets one through after a pause; a success closes it."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock, lambda: 0.5)
    assert [may(breaker) for _ in range(3)] == [True] * 3
    assert [may(breaker, "failed"), may(breaker)] == [True, False]
    clock.now = 2.0
    assert [may(breaker, "failed"), may(breaker)] == [True, False]
    clock.now = 6.0
    assert [may(breaker, "succeeded"), may(breaker), may(breaker)] == [True] * 3
    assert breaker.hold is None


def test_one_probe_at_a_time():
    """However long a probe takes, nobody probes beside it; one that found nothing out makes way for the next."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock, lambda: 0.5)
    breaker.failed("away")
    clock.now = 2.0
    with breaker.turn() as probing:
        assert probing
        clock.now = 1000.0
        assert not may(breaker)
    with suppress(OSError), breaker.turn():
        raise OSError("the ledger is away as well")
    assert may(breaker)


@pytest.mark.parametrize("found", ["succeeded", "failed"])
def test_who_comes_during_a_probe_waits_for_what_it_finds(found: str):
    """What a sweep announced in one burst is consumed in one go as soon as the database is back, and else held."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock, lambda: 0.5)
    breaker.failed("away")
    clock.now = 2.0
    with ThreadPoolExecutor(3) as others:
        with breaker.turn():
            waiting = [others.submit(may, breaker) for _ in range(3)]
            breaker.succeeded() if found == "succeeded" else breaker.failed("away")
        assert [one.result() for one in waiting] == [found == "succeeded"] * 3


def test_pauses_grow_up_to_a_bound_and_differ():
    """From two seconds doubling; each a little shorter or longer, and never longer than a batch takes to come round."""
    clock = Clock()
    chances = iter([0.0, 1.0] * 10)
    breaker = CircuitBreaker(clock=clock, chance=lambda: next(chances))
    probes = [0.0]
    breaker.failed("away")
    while len(probes) < 10:
        clock.now += 0.125
        if may(breaker, "failed"):
            probes.append(clock.now)
    pauses = [after - before for before, after in pairwise(probes)]
    assert pauses[:5] == [1.5, 5.0, 6.0, 20.0, 15.0]
    assert max(pauses) <= LONGEST_PAUSE_S * (1 + SPREAD)
    assert max(pauses) < WorkerSettings.model_fields["seven_overdue_s"].default


def test_a_hold_is_logged_when_it_begins_and_when_it_ends(logged: list[object]):
    """One line each, with the first cause and the length; not one for each batch."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock)
    breaker.succeeded()
    for cause in ("OperationalError 57P03", "NoAnswer", "NoAnswer"):
        breaker.failed(cause)
    assert breaker.hold
    assert "the database does not take anything (NoAnswer), held since 2" in str(breaker.hold)
    clock.now = 83.4
    breaker.succeeded()
    breaker.succeeded()
    assert logged == [
        {"event": "holding: the database does not take anything", "cause": "OperationalError 57P03"},
        {"event": "the database is back", "held_s": 83},
    ]
