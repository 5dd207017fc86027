"""Reactions: whether subscribers are notified of what changes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from operations.checks.check import Check, Unread, good, unknown, warning, wrong
from operations.reaction_states import ReactionState
from operations.worker_info import Worker
from runtime.durations import duration
from store.subscriptions import PAUSED

NAME = "reactions"
LATE = timedelta(minutes=5)
"""A change that waits for longer is late, whatever the reason."""


def check(states: Sequence[ReactionState] | Unread, dispatchers: Sequence[Worker] | Unread) -> Iterator[Check]:
    """What hinders subscribers; nothing where nobody subscribes."""
    if isinstance(states, Unread):
        yield unknown(NAME, f"the database knows them ({states.reason})")
        return
    if not states:
        return
    if isinstance(dispatchers, Unread):
        yield unknown(NAME, f"who dispatches is known through Redis ({dispatchers.reason})")
    elif not dispatchers:
        waiting = sum(state.backlog.waiting for state in states)
        finding = (
            f"nobody dispatches: {waiting} change{'s' * (waiting != 1)} wait{'s' * (waiting == 1)}, and what comes"
        )
        yield wrong(NAME, finding, "start `celery -A workers.app worker -Q reactions`; nothing is lost for three days")
        return
    hindered = [each for state in states if (each := _hindrance(state))]
    yield from hindered
    if not hindered:
        yield good(NAME, f"{len(states)} subscriber{'s' * (len(states) != 1)}, none is behind")


def _hindrance(state: ReactionState) -> Check | None:
    name, subscription, waiting = state.name, state.subscription, state.backlog.waiting
    number = f"{waiting} change{'s' * (waiting != 1)} wait{'s' * (waiting == 1)}"
    if subscription.state == PAUSED:
        why = subscription.reason or "by a person"
        return warning(NAME, f"{name} is paused ({why}); {number}", f"seven-ingest reactions resume {name}")
    if subscription.failing_since is not None and state.waits_for > LATE:
        finding = f"{name} fails ({subscription.last_failure}); {number}, for {duration(state.waits_for)}"
        return wrong(NAME, finding, f"mend its target; seven-ingest reactions show {name}")
    if state.waits_for > LATE:
        finding = f"{name} is behind: {number}, for {duration(state.waits_for)}"
        return warning(NAME, finding, f"seven-ingest reactions show {name}")
    return None
