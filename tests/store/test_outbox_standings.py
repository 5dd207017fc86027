"""The outbox's promise: whatever happens on the way, the last that a target has got is how the record stands."""

from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from seven.topics import path
from store.notifications import EXPIRES_AFTER, ClaimedNotification, expire, retry, skip
from store.outbox import Outbox
from store.schema import changes, notifications
from store.settlements import Fate, Settlement
from tests.factories.changes import NOON
from tests.store.test_outbox import ALL, claimed, note, outbox, settled

__all__ = ["outbox"]
BEGUN = ["note a", "fan out", "claim", "accept", "note a", "fan out", "claim", "note a", "fan out"]
"""It was out, goes back in, which is under way, and out again."""
FATES = {"accept": Fate.SENT, "fail": Fate.FAILED, "late": Fate.FAILED, "return": Fate.RETURNED}
DROPS = ["skip", "expire", "stale a"]
"""What is not sent, though it is how the record stands; it is then told by the next change."""
STEPS = st.lists(
    st.sampled_from(["note a", "note b", "fan out", "claim", "supersede", "abandon", "retry", *FATES, *DROPS]),
    max_size=25,
)


class Records:
    """Two records as they stand, and what their target has got."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.standing: dict[str, str | None] = {"a": None, "b": None}
        self.reached: dict[str, str | None] = {"a": None, "b": None}
        self.received: dict[str, list[ClaimedNotification]] = {"a": [], "b": []}
        self.claims: list[ClaimedNotification] = []

    def step(self, name: str) -> None:
        """Do one of the steps."""
        match name.split():
            case ["note", key]:
                self.note(key)
            case ["stale", key]:
                self.note(key, age=timedelta(days=4))
                self.outbox.fan_out(lambda: [ALL])
                self.lose()
            case ["fan", "out"]:
                self.outbox.fan_out(lambda: [ALL])
            case ["claim"]:
                self.claims += claimed(self.outbox)
            case ["skip"]:
                self.outbox.transact(lambda connection, now: skip(connection, now, "all", 10))
                self.lose()
            case ["expire"]:
                self.change(noted_at=NOON - 2 * EXPIRES_AFTER)
                self.outbox.transact(lambda connection, now: expire(connection, now, 10))
            case ["retry"]:
                self.outbox.transact(lambda connection, now: retry(connection, now, "all", 10))
            case ["abandon"]:
                self.change(due_at=NOON)
                self.lose()
            case _:
                self.settle(name)

    def note(self, key: str, age: timedelta = timedelta(0)) -> None:
        """Have a record stand otherwise."""
        now = "in" if self.standing[key] == "out" else "out"
        note(self.outbox, key, self.standing[key], now, at=NOON - age)
        self.standing[key] = now

    def settle(self, name: str) -> None:
        """Settle what is claimed; only what no longer stands is superseded."""
        if name in ("accept", "late"):
            self.reached |= {each.key: each.now for each in self.claims}
        for each in self.claims:
            fate = FATES.get(name) or (Fate.RETURNED if self.standing[each.key] == each.now else Fate.SUPERSEDED)
            settled(self.outbox, Settlement(each, fate))
            if fate is Fate.SENT:
                self.received[each.key].append(each)
        self.claims.clear()

    def change(self, **values: object) -> None:
        """Change what waits, or is under way where a lease ends."""
        waiting = notifications.c.claim.is_not(None) if "due_at" in values else notifications.c.due_at.is_not(None)
        self.outbox.transact(
            lambda connection, _: connection.execute(update(notifications).where(waiting).values(values))
        )

    def lose(self) -> None:
        """Whoever holds the claims has sent them, and says nothing."""
        self.reached |= {each.key: each.now for each in self.claims}
        self.claims.clear()


def ends_dropped(steps: list[str], key: str) -> bool:
    """Whether the last change of a record may be one that was dropped."""
    return next((step in DROPS for step in reversed(steps) if step in (f"note {key}", *DROPS)), False)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example([*BEGUN, "accept"])
@example([*BEGUN, "late", "note a", "fan out", "note a", "fan out"])
@example([*BEGUN, "late", "note a", "fan out", "retry", "note a", "fan out"])
@example([*BEGUN, "abandon"])
@example([*BEGUN, "abandon", "claim", "return", "note a", "fan out", "note a", "fan out"])
@example(["note a", "fan out", "claim", "note a", "supersede", "fan out"])
@example([*BEGUN, "supersede"])
@example(["note a", "fan out", "skip", "note a", "fan out"])
@example([*BEGUN, "skip"])
@example([*BEGUN[:7], "skip", "note a", "fan out"])
@example(["note a", "fan out", "expire", "note a", "fan out"])
@example([*BEGUN[:6], "expire"])
@example([*BEGUN[:7], "abandon", "expire", "note a", "fan out"])
@example(["stale a", "note a", "fan out"])
@example([*BEGUN[:7], "stale a", "note a", "fan out", "note a"])
@example([*BEGUN[:7], "note a", "stale a", "note a", "fan out"])
def test_the_last_standing_arrives(outbox: Outbox, steps: list[str]):
    """Whatever happens on the way: each path that is sent begins where the one before ended, and ends as the row.

    Standings go there and back. A target may have got what counts as failed, its answer being late, or what a killed
    dispatcher has sent.
    """
    with outbox.engine.begin() as connection:
        connection.execute(changes.delete())
    outbox.transact(lambda connection, _: connection.execute(notifications.delete()))
    both = Records(outbox)
    last = [f"note {key}" for key in "ab" if ends_dropped(steps, key)]
    for step in [*steps, *last, "fan out", "abandon", "claim", "accept", "claim", "accept"]:
        both.step(step)
    assert both.reached == both.standing
    for claims in both.received.values():
        assert [each.seq for each in claims] == sorted({each.seq for each in claims})
        assert [each.was for each in claims] == [None, *(each.now for each in claims)][: len(claims)]
        assert all(each.path == path(each.topic) for each in claims)
