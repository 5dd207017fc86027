"""The outbox's promise: whatever happens on the way, the last that a target has got is how the record stands."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from seven.topics import path
from store.notifications import ClaimedNotification, retry
from store.outbox import Outbox
from store.schema import changes, notifications
from store.settlements import Fate, Settlement
from tests.store.test_outbox import ALL, claimed, note, outbox, settled

__all__ = ["outbox"]
BEGUN = ["note a", "fan out", "claim", "accept", "note a", "fan out", "claim", "note a", "fan out"]
"""It was out, goes back in, which is under way, and out again."""
FATES = {"accept": Fate.SENT, "fail": Fate.FAILED, "late": Fate.FAILED, "return": Fate.RETURNED}
STEPS = st.lists(st.sampled_from(["note a", "note b", "fan out", "claim", "abandon", "retry", *FATES]), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example([*BEGUN, "accept"])
@example([*BEGUN, "late", "note a", "fan out", "note a", "fan out"])
@example([*BEGUN, "late", "note a", "fan out", "retry", "note a", "fan out"])
@example([*BEGUN, "abandon"])
@example([*BEGUN, "abandon", "claim", "return", "note a", "fan out", "note a", "fan out"])
def test_the_last_standing_arrives(outbox: Outbox, steps: list[str]):
    """Whatever happens on the way: each path that is sent begins where the one before ended, and ends as the row.

    Standings go there and back. A target may have got what counts as failed, its answer being late, or what a killed
    dispatcher has sent.
    """
    with outbox.engine.begin() as connection:
        connection.execute(changes.delete())
    outbox.transact(lambda connection, _: connection.execute(notifications.delete()))
    standing: dict[str, str | None] = {"a": None, "b": None}
    reached: dict[str, str | None] = {"a": None, "b": None}
    received: dict[str, list[ClaimedNotification]] = {"a": [], "b": []}
    open_claims: list[ClaimedNotification] = []
    ends: list[str] = ["fan out", "abandon", "claim", "accept", "claim", "accept"]
    for step in [*steps, *ends]:
        if step in ("accept", "late", "abandon"):
            reached |= {each.key: each.now for each in open_claims}
        if step.startswith("note"):
            key = step[-1]
            now = "in" if standing[key] == "out" else "out"
            note(outbox, key, standing[key], now)
            standing[key] = now
        elif step == "fan out":
            outbox.fan_out(lambda: [ALL])
        elif step == "claim":
            open_claims += claimed(outbox)
        elif step == "abandon":
            outbox.transact(
                lambda connection, now: connection.execute(
                    update(notifications).where(notifications.c.claim.is_not(None)).values(due_at=now)
                )
            )
            open_claims.clear()
        elif step == "retry":
            outbox.transact(lambda connection, now: retry(connection, now, "all", 10))
        else:
            for each in open_claims if step == "accept" else []:
                received[each.key].append(each)
            settled(outbox, *(Settlement(each, FATES[step]) for each in open_claims))
            open_claims.clear()
    for key, claims in received.items():
        assert reached[key] == standing[key]
        assert [each.seq for each in claims] == sorted({each.seq for each in claims})
        assert [each.was for each in claims] == [None, *(each.now for each in claims)][: len(claims)]
        assert all(each.path == path(each.topic) for each in claims)
