"""Heartbeat changes: each subscriber gets its own in their time, whichever process notes them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, event, insert, select, update

from seven.topics import HEARTBEAT
from store.schema import changes, reactions
from workers.heartbeat_changes import HeartbeatChanges


class Times:
    """Seconds of a process."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def heartbeats(engine: Engine) -> list[str]:
    """The subscribers that each is for."""
    with engine.connect().execution_options(reads=True) as connection:
        return sorted(connection.scalars(select(changes.c.key).where(changes.c.topic == HEARTBEAT)))


def begun(engine: Engine, *names: str) -> None:
    """Let subscribers get heartbeats."""
    values = {"topics": HEARTBEAT, "begun_topics": HEARTBEAT, "state": "on", "since": datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(insert(reactions), [{"name": name} | values for name in names])


def written_ago(engine: Engine, ago: timedelta) -> None:
    with engine.begin() as connection:
        connection.execute(update(changes).values(noted_at=datetime.now(UTC) - ago))


def test_heartbeats(engine: Engine):
    """Each subscriber has its own, on the database's clock, whichever process noted the last."""
    both = {"often": 60.0, "seldom": 600.0}
    begun(engine, *both)
    for _ in range(2):
        HeartbeatChanges(engine, both).note()
    assert heartbeats(engine) == ["often", "seldom"]
    written_ago(engine, timedelta(seconds=90))
    HeartbeatChanges(engine, both).note()
    assert heartbeats(engine) == ["often", "often", "seldom"]
    written_ago(engine, timedelta(days=-365))  # a clock that has been set back by a year
    HeartbeatChanges(engine, both).note()
    assert len(heartbeats(engine)) == 5


def test_a_process_knows_its_heartbeats(engine: Engine):
    """It reads the table when one is due, and not each second; what another noted puts its next one off."""
    times = Times()
    begun(engine, "shop")
    beats = HeartbeatChanges(engine, {"shop": 60.0}, times)
    beats.note()
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    times.now_s = 59
    beats.note()
    assert statements == []
    written_ago(engine, timedelta(seconds=30))  # by another process, say
    times.now_s = 61
    beats.note()
    assert heartbeats(engine) == ["shop"]
    written_ago(engine, timedelta(seconds=61))
    statements.clear()
    times.now_s = 80
    beats.note()
    assert statements == []
    times.now_s = 95
    beats.note()
    assert heartbeats(engine) == ["shop", "shop"]
