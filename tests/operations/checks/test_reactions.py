"""The check of reactions: who is hindered, why, and what to do; nothing where nobody subscribes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from operations.checks.check import Check, Grade, Unread
from operations.checks.reactions import LATE, check
from operations.reaction_states import ReactionState, read_reaction_states
from operations.worker_info import Worker
from store.engine import sqlite_file
from store.notifications import Backlog
from store.outbox import FILE
from store.subscriptions import Subscription
from tests.factories.subscribers import FAILING, PAUSED, put_changes, subscribe

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
DISPATCHERS = [Worker("dispatcher-1@host")]
LONG_AGO = NOW - LATE - timedelta(seconds=1)


def state(waiting: int = 0, oldest_at: datetime | None = None, **values: Any) -> ReactionState:
    topics = frozenset(("message.failed",))
    subscription = Subscription("shop", topics, **{"state": "on", "since": NOW, "begun_topics": topics} | values)
    return ReactionState(subscription, Backlog(waiting, oldest_at), NOW)


def finding(*states: ReactionState, dispatchers: Any = DISPATCHERS) -> Check:
    (only,) = check(states, dispatchers)
    return only


@pytest.mark.parametrize(
    ("subscriber", "grade", "words", "remedy"),
    [
        pytest.param(state(), Grade.GOOD, "1 subscriber, none is behind", "", id="idle"),
        pytest.param(state(9, NOW - LATE), Grade.GOOD, "1 subscriber, none is behind", "", id="busy"),
        pytest.param(state(failing_since=LONG_AGO), Grade.GOOD, "none is behind", "", id="failed, and nothing waits"),
        pytest.param(
            state(1, LONG_AGO), Grade.WARNING, "shop is behind: 1 change waits, for 5 min 1 s", "reactions show shop", id="late"
        ),
        pytest.param(
            state(2, LONG_AGO, failing_since=LONG_AGO, last_failure="status 500"),
            Grade.WRONG, "shop fails (status 500); 2 changes wait, for 5 min 1 s", "mend its target", id="failing",
        ),
        pytest.param(
            state(2, LONG_AGO, state="paused", reason="its target answers 410, gone"),
            Grade.WARNING, "shop is paused (its target answers 410, gone); 2 changes wait", "reactions resume shop", id="paused",
        ),
        pytest.param(state(state="paused"), Grade.WARNING, "shop is paused (by a person); 0 changes wait", "resume", id="by hand"),
        pytest.param(state(state="starting", since=None), Grade.GOOD, "none is behind", "", id="starting"),
    ],
)  # fmt: skip
def test_a_subscriber(subscriber: ReactionState, grade: Grade, words: str, remedy: str):
    only = finding(subscriber)
    assert (only.name, only.grade) == ("reactions", grade)
    assert words in only.finding
    assert remedy in (only.remedy or "")


def test_only_those_who_are_hindered_are_named():
    paused, late = state(state="paused"), state(1, LONG_AGO)
    assert [each.grade for each in check([paused, state(), late], DISPATCHERS)] == [Grade.WARNING, Grade.WARNING]


@pytest.mark.parametrize(
    ("states", "dispatchers", "grade", "words"),
    [
        pytest.param([state(3, LONG_AGO)], [], Grade.WRONG, "nobody dispatches: 3 changes wait, and what comes", id="nobody"),
        pytest.param([state()], Unread("refused"), Grade.UNKNOWN, "through Redis (refused)", id="no Redis"),
        pytest.param(Unread("refused"), DISPATCHERS, Grade.UNKNOWN, "the database knows them (refused)", id="no database"),
    ],
)  # fmt: skip
def test_what_is_missing(states: Any, dispatchers: Any, grade: Grade, words: str):
    first = next(iter(check(states, dispatchers)))
    assert first.grade is grade
    assert words in first.finding


def test_without_redis_a_paused_one_is_known_all_the_same():
    checks = list(check([state(state="paused")], Unread("refused")))
    assert [each.grade for each in checks] == [Grade.UNKNOWN, Grade.WARNING]


def test_nobody_subscribes():
    """An installation without subscribers hears nothing of them."""
    assert list(check([], [])) == []
    assert list(check([], Unread("refused"))) == []


def test_from_a_database(engine: Engine):
    """What is read of real rows, by their own clock; the counts of the last days are not needed for it."""
    subscribe(engine)
    assert all(each.backlog.waiting == 0 for each in read_reaction_states(engine))
    file = sqlite_file(engine.url)
    assert file is None or not file.with_name(FILE).exists()
    put_changes(engine)
    checks = list(check(read_reaction_states(engine, counts_settled=False), DISPATCHERS))
    assert [(each.grade, each.finding.split()[0]) for each in checks] == [
        (Grade.WARNING, PAUSED), (Grade.WRONG, FAILING), (Grade.WARNING, "tickets"),
    ]  # fmt: skip
    by_name = {each.name: each for each in read_reaction_states(engine)}
    assert (by_name[FAILING].settled, by_name[FAILING].backlog.failing) == ({"sent": 1}, 1)
    assert timedelta(hours=3) <= by_name[FAILING].waits_for < timedelta(hours=4)
