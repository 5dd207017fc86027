"""Circuit breaker: while the database is down, it lets one probe at a time through, after growing pauses."""

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
    """The log lines of a worker."""
    lines: list[object] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.msg)

    logger, handler = logging.getLogger("seven.workers"), Lines()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def attempt(breaker: CircuitBreaker, result: str = "") -> bool:
    """Take one turn, report its result, and return whether the breaker allowed it."""
    with breaker.turn() as allowed:
        if allowed and result == "failed":
            breaker.failed("away")
        elif allowed and result == "succeeded":
            breaker.succeeded()
        return allowed


def test_one_probe_after_every_pause():
    """Closed, it allows every turn; open, one after each pause; a success closes it."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock, lambda: 0.5)
    assert [attempt(breaker) for _ in range(3)] == [True] * 3
    assert [attempt(breaker, "failed"), attempt(breaker)] == [True, False]
    clock.now = 2.0
    assert [attempt(breaker, "failed"), attempt(breaker)] == [True, False]
    clock.now = 6.0
    assert [attempt(breaker, "succeeded"), attempt(breaker), attempt(breaker)] == [True] * 3
    assert breaker.hold is None


def test_one_probe_at_a_time():
    """However long a probe takes, no second one runs beside it; after a probe without a result the next one may run."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock, lambda: 0.5)
    breaker.failed("away")
    clock.now = 2.0
    with breaker.turn() as probing:
        assert probing
        clock.now = 1000.0
        assert not attempt(breaker)
    with suppress(OSError), breaker.turn():
        raise OSError("the ledger is away as well")
    assert attempt(breaker)


@pytest.mark.parametrize("result", ["succeeded", "failed"])
def test_turns_during_a_probe_wait_for_its_result(result: str):
    """All batches of one sweep are consumed at once as soon as the database is back, and are held otherwise."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock, lambda: 0.5)
    breaker.failed("away")
    clock.now = 2.0
    with ThreadPoolExecutor(3) as others:
        with breaker.turn():
            waiting = [others.submit(attempt, breaker) for _ in range(3)]
            breaker.succeeded() if result == "succeeded" else breaker.failed("away")
        assert [turn.result() for turn in waiting] == [result == "succeeded"] * 3


def test_pauses_grow_up_to_a_bound_and_differ():
    """Pauses double from two seconds, with a random spread, and stay shorter than the interval of redelivery."""
    clock = Clock()
    chances = iter([0.0, 1.0] * 10)
    breaker = CircuitBreaker(clock=clock, chance=lambda: next(chances))
    probes = [0.0]
    breaker.failed("away")
    while len(probes) < 10:
        clock.now += 0.125
        if attempt(breaker, "failed"):
            probes.append(clock.now)
    pauses = [after - before for before, after in pairwise(probes)]
    assert pauses[:5] == [1.5, 5.0, 6.0, 20.0, 15.0]
    assert max(pauses) <= LONGEST_PAUSE_S * (1 + SPREAD)
    assert max(pauses) < WorkerSettings.model_fields["seven_overdue_s"].default


def test_a_hold_is_logged_at_its_beginning_and_end(logged: list[object]):
    """One line each, with the first reason and the duration; not one per batch."""
    clock = Clock()
    breaker = CircuitBreaker(2.0, 20.0, clock)
    breaker.succeeded()
    for reason in ("OperationalError 57P03", "NoAnswer", "NoAnswer"):
        breaker.failed(reason)
    assert breaker.hold
    assert "the database accepts no writes (NoAnswer), batches held since 2" in str(breaker.hold)
    clock.now = 83.4
    breaker.succeeded()
    breaker.succeeded()
    assert logged == [
        {"event": "holding batches: the database accepts no writes", "cause": "OperationalError 57P03"},
        {"event": "the database is back", "held_s": 83},
    ]
