"""forget and dead replay with subscribers: who was notified of a person, and what is sent although it is old."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from store.notifications import claim
from store.outbox import Outbox, Subscriber
from store.projection import project_batch
from store.row_writer import Store
from store.schema import changes, notifications, reactions
from store.settlements import Fate, Settlement, settle
from tests.cli.installation import CommandLine
from tests.factories.changes import EVERYTHING
from tests.factories.dead_letters import batch_of
from tests.factories.envelopes import envelope

NUMBER = "+491512345678"
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
SHOP = Subscriber("shop", EVERYTHING, EARLY)
LINK = "https://go.example/491512345678"


@pytest.fixture
def kept(installation: CommandLine, redis_url: str, database_url: str, engine: Engine) -> CommandLine:
    """A database in which one subscriber was sent two of three changes that are about one person."""
    installation.environment |= {"REDIS_URL": redis_url, "DATABASE_URL": database_url}
    subscribe(engine)
    lines = [
        envelope("sms", "sms_mo", id="1", sender=NUMBER, text="hello").line(),
        envelope("other", "sms_mo", id="2", sender="4917000000", text="hello").line(),
        envelope("call", "voice_call", id="3", caller=NUMBER[1:]).line(),
    ]
    Store(engine).noting(EVERYTHING).write(row for each in project_batch(batch_of(*lines)) for row in each.rows())
    outbox = Outbox(engine)
    assert (
        sum(outbox.fan_out(lambda: [Subscriber("shop", EVERYTHING, EARLY, timedelta(days=9999))]).notified.values())
        == 3
    )
    claims = outbox.transact(lambda connection, now: claim(connection, now, "shop", 9, timedelta(minutes=1)))
    sent = [Settlement(each, Fate.SENT if each.key in ("1", "2") else Fate.RETURNED) for each in claims]
    outbox.transact(lambda connection, now: settle(connection, now, sent))
    outbox.close()
    return installation


def subscribe(engine: Engine) -> None:
    topics = " ".join(sorted(EVERYTHING))
    with engine.begin() as connection:
        connection.execute(
            insert(reactions).values(name="shop", topics=topics, begun_topics=topics, state="on", since=EARLY)
        )


def keys(engine: Engine) -> set[str]:
    outbox = Outbox(engine)
    rows = outbox.transact(lambda connection, _: connection.execute(select(notifications.c.key)).scalars().all())
    outbox.close()
    return set(rows)


def test_forget_lists_who_was_notified(kept: CommandLine):
    """Of this person, and of what was sent; in text and JSON, also before anything is done."""
    assert kept.answer("forget", NUMBER, "--dry-run")["notified"] == {"shop": 1}
    printed = kept.run("forget", NUMBER, "--dry-run")
    assert "shop (1 change)" in printed.stdout
    assert NUMBER[1:] not in printed.stdout
    assert kept.answer("forget", "--msg-id", "nobody", "--dry-run")["notified"] == {}


def test_forget_removes_what_names_the_person(kept: CommandLine, engine: Engine):
    """A record whose key is made of the number gets another: its changes and notifications go, the others stay."""
    lines = [
        envelope(f"click {n}", "tracking", sms_id=str(n), tracking_url=LINK, type="click", total_clicks=1) for n in "89"
    ]
    report = envelope("dlr", "dlr", msg_id="named", foreign_id=NUMBER)
    batch = batch_of(*(each.line() for each in (*lines, report)))
    Store(engine).noting(EVERYTHING).write(row for each in project_batch(batch) for row in each.rows())
    outbox = Outbox(engine)
    outbox.fan_out(lambda: [Subscriber("shop", EVERYTHING, EARLY, timedelta(days=9999))])
    outbox.close()
    before = keys(engine)
    assert any(NUMBER[1:] in key for key in before)
    assert kept.run("forget", NUMBER, "--yes").returncode == 0
    after = keys(engine)
    with engine.connect().execution_options(reads=True) as connection:
        noted = set(connection.execute(select(changes.c.key)).scalars())
    assert not any(NUMBER[1:] in key for key in after | noted)
    assert {"2", "named"} <= after


@pytest.mark.parametrize("notify", [True, False], ids=["--notify", "without"])
def test_replay_of_what_is_old(kept: CommandLine, engine: Engine, notify: bool):
    """It is sent only where someone asks for it: otherwise it is stale."""
    old = envelope("old", "dlr", msg_id="88", status="DELIVERED").line()
    (projection,) = project_batch(batch_of(old))
    Store(engine).write(projection.dead("could not be projected: KeyError").rows())
    result = kept.run("dead", "replay", "old", "--yes", *(["--notify"] if notify else []))
    assert result.returncode == 0, result.stderr
    outbox = Outbox(engine)
    handed_out = outbox.fan_out(lambda: [SHOP])
    outbox.close()
    assert (handed_out.notified, handed_out.stale) == (({"shop": 1}, {}) if notify else ({}, {"shop": 1}))
