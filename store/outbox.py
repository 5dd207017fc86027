"""Outbox: hands what changed to its subscribers, each change once.

PostgreSQL numbers changes before they are committed, so a lower number may become visible after a higher one: what was
handed out is marked. Of one record they come in order, since its row is locked. SQLite's writers take turns, so there
the last number suffices; it is kept in reactions.db with what waits, so that claims do not compete with workers.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import QueuePool

from seven.topics import path
from store.advisory_locks import FAN_OUT
from store.engine import create_store_engine, sqlite_file
from store.errors import is_unmigrated
from store.notification_keys import Key, locked_notifications
from store.replacement import STALE, SUPERSEDED, WAITING, Replacement, replace
from store.row_writer import NotMigrated
from store.schema import changes, fan_out_position, notifications, own_file
from store.timed_transactions import transact
from store.upsert import INSERT

Result = TypeVar("Result")

CHANGES_AT_ONCE = 1000
FILE = "reactions.db"
_VERSION = 1
"""Of that file: 0 is of commits before it had one."""
_ONE_AT_A_TIME = text(f"SELECT pg_try_advisory_xact_lock({FAN_OUT})")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """What is handed to a subscriber."""

    name: str
    topics: frozenset[str]
    """Those that it gets by now."""
    since: datetime
    """What was noted earlier is not for it."""
    max_age: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class FannedOut:
    """What one transaction handed out."""

    changes: int = 0
    notified: Counter[str] = field(default_factory=Counter)
    """Changes that now wait, by subscriber."""
    superseded: Counter[str] = field(default_factory=Counter)
    """Changes that a later one replaced before they were sent."""
    stale: Counter[str] = field(default_factory=Counter)
    """Changes that were noted too long after their event."""

    @property
    def is_full(self) -> bool:
        """Whether more may wait."""
        return self.changes == CHANGES_AT_ONCE


class Outbox:
    """What waits for subscribers. Threads may share it; each method is one transaction, and raises StoreAway."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        file = sqlite_file(engine.url)
        self.queue = engine if file is None else _own_file(engine, file.with_name(FILE).as_posix())
        """The database of notifications."""

    def close(self) -> None:
        """Close what belongs to it alone."""
        if self.queue is not self.engine:
            self.queue.dispose()

    def transact(self, work: Callable[[Connection, datetime], Result], *, reads: bool = False) -> Result:
        """Do work in one transaction on notifications, with the database's time."""
        return transact(self.queue, work, reads=reads)

    def fan_out(self, subscribers: Callable[[], Collection[Subscriber] | None]) -> FannedOut:
        """Hand new changes to those subscribers that want them; nothing while another process does.

        `subscribers` is called only then: one that begins, by `alone`, misses nothing from that moment on. Where it
        returns None, changes stay to be handed out.
        """
        read, mark = (self._read_numbered, _move) if self.queue is not self.engine else (_read_marked, _mark)

        def work(connection: Connection, now: datetime) -> FannedOut:
            new = read(connection)
            known = subscribers() if new else None
            if known is None:
                return FannedOut()
            mark(connection, now, new)
            return _hand_out(connection, now, new, known)

        return self.transact(work)

    def alone(self, work: Callable[[], Result], otherwise: Result) -> Result:
        """Do work while nobody hands out changes; return `otherwise` where somebody does."""
        return self.transact(lambda connection, _: work() if is_alone(connection) else otherwise)

    def _read_numbered(self, connection: Connection) -> Sequence[Row[Any]]:
        """The changes after the last one that was handed out, of SQLite."""
        known = connection.execute(select(fan_out_position)).first()
        with self.engine.connect().execution_options(reads=True) as reader:
            return reader.execute(_new(changes.c.seq > _position(reader, known))).all()


def _move(connection: Connection, _: datetime, new: Sequence[Row[Any]]) -> None:
    """Keep that these are the last that were handed out."""
    known = connection.execute(select(fan_out_position)).first()
    noted_at = max(change.noted_at for change in new)
    values = {"seq": new[-1].seq, "noted_at": max(noted_at, known.noted_at) if known else noted_at}
    move = insert(fan_out_position) if known is None else update(fan_out_position)
    connection.execute(move.values(values))


def _position(reader: Connection, known: Row[Any] | None) -> int:
    """The number of the last change that was handed out; of a database that was restored since, where it goes on."""
    if known is None:
        return 0
    c = changes.c
    came_again = select(c.seq).where(c.noted_at > known.noted_at, c.seq <= known.seq).limit(1)
    if reader.execute(came_again).first() is None:
        return int(known.seq)
    return reader.execute(select(func.max(c.seq)).where(c.noted_at <= known.noted_at)).scalar() or 0


def _own_file(engine: Engine, file: str) -> Engine:
    """SQLite's file of what waits, made where it is missing."""
    own = create_store_engine(f"sqlite:///{file}", engine.pool.size() if isinstance(engine.pool, QueuePool) else 5)
    event.listen(own, "handle_error", _name_own_file)
    transact(own, _bring_to_version)
    return own


def _bring_to_version(connection: Connection, now: datetime) -> None:
    """Make what the file lacks. It has no Alembic: its version is SQLite's `user_version`, and steps only add.

    A file of a newer version stays as it is, as does a database.
    """
    if connection.exec_driver_sql("PRAGMA user_version").scalar_one() > _VERSION:
        return
    own_file.create_all(connection)
    columns = {column["name"] for column in inspect(connection).get_columns(fan_out_position.name)}
    if fan_out_position.c.noted_at.name not in columns:  # what was handed out by then was noted before now
        connection.exec_driver_sql("ALTER TABLE fan_out_position ADD COLUMN noted_at TEXT")
        connection.execute(update(fan_out_position).values(noted_at=now))
    connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")


def _name_own_file(context: ExceptionContext) -> None:
    """Say of a file that lacks something what makes it: `migrate` does not know it."""
    if context.sqlalchemy_exception is not None and is_unmigrated(context.sqlalchemy_exception):
        raise NotMigrated(f"{FILE} lacks a table or column: restart the dispatcher, which makes it")


def _new(condition: ColumnElement[bool]) -> Select[Any]:
    return select(changes).where(condition).order_by(changes.c.seq).limit(CHANGES_AT_ONCE)


def is_alone(connection: Connection) -> bool:
    """Whether no other dispatcher is at it, until this transaction ends; SQLite's writers take turns anyway."""
    return connection.dialect.name == "sqlite" or bool(connection.execute(_ONE_AT_A_TIME).scalar())


def _read_marked(connection: Connection) -> Sequence[Row[Any]]:
    """The changes that were handed to nobody, in PostgreSQL; none while another process hands out."""
    return connection.execute(_new(changes.c.fanned_out_at.is_(None))).all() if is_alone(connection) else ()


def _mark(connection: Connection, now: datetime, new: Sequence[Row[Any]]) -> None:
    seqs = [change.seq for change in new]
    connection.execute(update(changes).where(changes.c.seq.in_(seqs)).values(fanned_out_at=now))


def _hand_out(
    connection: Connection, now: datetime, new: Sequence[Row[Any]], subscribers: Collection[Subscriber]
) -> FannedOut:
    result = FannedOut(len(new))
    wanted: list[tuple[Key, Row[Any], bool]] = []
    for change in new:
        for each in subscribers:
            if change.topic in each.topics and _is_for(each, change):
                is_stale = not change.any_age and change.at and change.noted_at - change.at > each.max_age
                wanted.append(((each.name, path(change.topic), change.key), change, bool(is_stale)))
    rows = locked_notifications(connection, {key for key, *_ in wanted})
    changed: dict[Key, dict[str, Any]] = {}
    for key, change, is_stale in wanted:
        replacement = replace(key, rows.get(key), change, now, is_stale=is_stale)
        _count(result, key[0], replacement)
        rows[key] = changed[key] = replacement.values
    if changed:
        statement = INSERT[connection.dialect.name](notifications)
        names = [column.name for column in notifications.c if not column.primary_key]
        statement = statement.on_conflict_do_update(
            index_elements=list(notifications.primary_key),
            set_={name: statement.excluded[name] for name in names},
        )
        connection.execute(statement, list(changed.values()))
    return result


def _count(result: FannedOut, name: str, replacement: Replacement) -> None:
    counters = {WAITING: result.notified, STALE: result.stale, SUPERSEDED: result.superseded}
    counters[replacement.values["state"]][name] += 1
    if replacement.is_of_waiting:
        result.superseded[name] += 1


def _is_for(subscriber: Subscriber, change: Row[Any]) -> bool:
    """Whether it is for all, and noted since the subscriber began, or for this one alone."""
    is_own: bool = change.reaction == subscriber.name
    return is_own or (change.reaction is None and change.noted_at >= subscriber.since)
