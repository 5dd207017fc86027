"""Subscribers as a database has them: one that fails, one that works, one that is starting and one that is paused."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert

from store.notifications import claim
from store.outbox import Outbox, Subscriber
from store.schema import changes, reactions
from store.settlements import Fate, Settlement, settle

URL = "https://go.example/Hx7PqKzT4w"
FAILING, WORKING, STARTING, PAUSED = "shop", "tickets", "audit", "campaigns"
FAILED, CLICKED = "message.failed", "link.clicked"
LEASE = timedelta(seconds=30)


def subscribe(engine: Engine) -> None:
    """Write them, without a change."""
    now = datetime.now(UTC)
    begun = {"state": "on", "since": now - timedelta(hours=5)}
    _put(engine, FAILING, "message.failed", **begun, failing_since=now - timedelta(hours=2), last_failure="status 500")
    _put(engine, WORKING, "inbound.received link.clicked", **begun, succeeded_at=now)
    _put(engine, STARTING, "call.received", state="starting", registered_at=now - timedelta(seconds=10))
    _put(engine, PAUSED, "link.clicked", **begun | {"state": "paused"}, reason="its target failed for 3 days")


def put_changes(engine: Engine, number: int = 6) -> None:
    """Let changes of messages and clicks wait; the first message was sent, and the second failed, and is due later."""
    now = datetime.now(UTC)
    noted = {"was": None, "at": now, "noted_at": now - timedelta(hours=3)}
    rows: list[dict[str, Any]] = []
    for n in range(number):
        rows.append(noted | {"topic": FAILED, "key": f"77229135982{n:03}", "now": "NOTDELIVERED"})
        rows.append(noted | {"topic": CLICKED, "key": f"77229135982{n:03} {URL} click 1", "now": "click"})
    with engine.begin() as connection:
        connection.execute(insert(changes), rows)
    outbox, since = Outbox(engine), now - timedelta(hours=5)
    topics = {FAILING: FAILED, WORKING: CLICKED, PAUSED: CLICKED}
    outbox.fan_out(lambda: [Subscriber(name, frozenset((topic,)), since) for name, topic in topics.items()])
    first, second = outbox.transact(lambda connection, now: claim(connection, now, FAILING, 2, LEASE))
    later = timedelta(hours=6, seconds=50)  # which is 6 h to a reader for most of a minute
    fates = Settlement(first, Fate.SENT), Settlement(second, Fate.FAILED, "status 500", later)
    outbox.transact(lambda connection, now: settle(connection, now, fates))
    outbox.close()


def _put(engine: Engine, name: str, topics: str, **values: Any) -> None:
    begun = topics if values.get("since") else ""
    with engine.begin() as connection:
        connection.execute(insert(reactions).values(name=name, topics=topics, begun_topics=begun, **values))
