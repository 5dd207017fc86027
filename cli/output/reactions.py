"""Output of `reactions`: who subscribes, what waits, and what became of attempts."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from cli.output.terminal import fields, line, shown, suggestion, table
from operations.reaction_states import ReactionState, Waiting
from reactions.target import Attempt
from runtime.durations import duration
from seven.plurals import counted
from store.subscriptions import PAUSED, STARTING, STARTING_STATE


def as_dict(state: ReactionState) -> dict[str, Any]:
    """One subscriber, for JSON."""
    subscription, backlog = state.subscription, state.backlog
    return {
        "name": state.name,
        "state": subscription.state,
        "reason": subscription.reason,
        "topics": sorted(subscription.topics),
        "starting": sorted(subscription.topics - subscription.begun_topics),
        "since": subscription.since,
        "waiting": backlog.waiting,
        "oldest_at": backlog.oldest_at,
        "failing": backlog.failing,
        "failing_since": subscription.failing_since,
        "last_failure": subscription.last_failure,
        "succeeded_at": subscription.succeeded_at,
        "settled": dict(state.settled),
    }


def print_reactions(states: Sequence[ReactionState]) -> None:
    """A line for each subscriber."""
    if not states:
        line("Nobody subscribes. SEVEN_REACTIONS_FILE names the file of those who do: docs/react.md")
        return
    table(
        "Reactions",
        ("name", "state", "waiting", "oldest", "failing", "sent"),
        [
            (
                state.name,
                state.subscription.state,
                state.backlog.waiting,
                duration(state.waits_for) if state.backlog.waiting else "",
                state.backlog.failing,
                state.settled.get("sent", 0),
            )
            for state in states
        ],
    )
    line("Sent: in the last eight days.")
    for state in states:
        if finding := _finding(state):
            line(finding, "yellow")


def print_reaction(state: ReactionState, waiting: Iterable[Waiting]) -> None:
    """All that is known of one subscriber, and what it waits for."""
    subscription, backlog = state.subscription, state.backlog
    where_known = (
        ("last success", subscription.succeeded_at),
        ("failing since", subscription.failing_since),
        ("last failure", subscription.last_failure),
    )
    fields(
        f"Reaction {state.name}",
        (
            ("state", subscription.state),
            ("since", subscription.since or "not begun"),
            ("topics", ", ".join(sorted(subscription.topics))),
            *((name, value) for name, value in where_known if value),
            ("waiting", backlog.waiting),
            *((fate, number) for fate, number in sorted(state.settled.items())),
        ),
    )
    if state.settled:
        line(f"{', '.join(sorted(state.settled)).capitalize()}: in the last eight days.")
    rows = [
        (each.topic, shown(each.key), each.attempts, each.last_failure or "", _due(state, each)) for each in waiting
    ]
    if rows:
        table("Next", ("topic", "key", "attempts", "last failure", "due"), rows)
    if finding := _finding(state):
        line(finding, "yellow")
    if subscription.state == PAUSED:
        suggestion("Once its target works:", f"reactions resume {state.name}")
    elif backlog.failing or state.settled.get("expired"):
        suggestion("Try all that failed or expired now:", f"reactions retry {state.name}")


def print_attempt(name: str, topic: str, attempt: Attempt, took_s: float) -> None:
    """What an example was answered with."""
    took = f"{took_s * 1000:.0f} ms"
    if attempt.is_accepted:
        line(f"{name} accepted an example of {topic}, in {took}.")
    else:
        line(f"{name} did not accept an example of {topic}: {attempt.reason or attempt.answer.value} ({took}).", "red")


def _due(state: ReactionState, waiting: Waiting) -> str:
    if state.subscription.state == PAUSED:
        return "when resumed"
    if waiting.due_at is None or waiting.due_at <= state.read_at:
        return "now"
    return f"in {duration(waiting.due_at - state.read_at)}"


def starting_for(state: ReactionState) -> str:
    """When a subscriber that is starting begins, as people say it."""
    registered_at = state.subscription.registered_at
    rest = STARTING - (state.read_at - registered_at) if registered_at else STARTING
    if not timedelta(0) < rest <= STARTING:  # it is due, or the clock was set back
        return "with the dispatcher's next turn"
    return f"in {duration(rest)}"


def _finding(state: ReactionState) -> str:
    subscription = state.subscription
    if subscription.state == PAUSED:
        return f"{state.name} is paused: {shown(subscription.reason or 'by a person')}."
    if subscription.is_starting:
        fresh = ", ".join(sorted(subscription.topics - subscription.begun_topics))
        what = "" if subscription.state == STARTING_STATE else f" with {fresh}"
        return f"{state.name} begins{what} {starting_for(state)}: until then workers may not know of it."
    if subscription.failing_since:
        span = duration(max(timedelta(0), state.read_at - subscription.failing_since))
        return f"{state.name} has failed for {span}: {subscription.last_failure}."
    if stale := state.settled.get("stale"):
        return f"{state.name}: {counted(stale, 'change')} came later than its max_age_days permits: not sent."
    return ""
