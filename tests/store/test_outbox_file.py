"""Outbox: SQLite's own file of what waits, as earlier commits made it, and as a newer version may."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from store.outbox import FILE, Outbox
from store.row_writer import NotMigrated
from tests.store.test_outbox import ALL, note

FORMER = "CREATE TABLE fan_out_position (seq INTEGER NOT NULL PRIMARY KEY)"


@pytest.fixture
def dialect() -> str:
    """PostgreSQL has all in one database."""
    return "sqlite"


def own_file(engine: Engine) -> Path:
    return Path(str(engine.url.database)).with_name(FILE)


def version(engine: Engine) -> int:
    with sqlite3.connect(own_file(engine)) as connection:
        number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return number


def test_a_file_of_an_earlier_commit_gets_what_it_lacks(engine: Engine):
    """What was handed out stays handed out, and changes since are handed out once."""
    first = Outbox(engine)
    note(first, "1", None, "SENT")
    assert first.fan_out(lambda: [ALL]).changes == 1
    with first.queue.begin() as connection:
        for statement in ("DROP TABLE fan_out_position", FORMER, "INSERT INTO fan_out_position VALUES (1)"):
            connection.execute(text(statement))
        connection.execute(text("PRAGMA user_version = 0"))
    first.close()

    outbox = Outbox(engine)
    assert outbox.fan_out(lambda: [ALL]).changes == 0
    note(outbox, "2", None, "SENT")
    assert [outbox.fan_out(lambda: [ALL]).changes for _ in range(2)] == [1, 0]
    outbox.close()
    assert version(engine) == 1


def test_a_newer_file_stays_as_it_is(engine: Engine):
    """After a rollback: versions only add."""
    Outbox(engine).close()
    with sqlite3.connect(own_file(engine)) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    outbox = Outbox(engine)
    note(outbox, "1", None, "SENT")
    assert outbox.fan_out(lambda: [ALL]).changes == 1
    outbox.close()
    assert version(engine) == 9


def test_what_the_file_lacks_is_not_what_migrate_makes(engine: Engine):
    """A file that was replaced under a dispatcher: the reason names it, and says what helps."""
    outbox = Outbox(engine)
    note(outbox, "1", None, "SENT")
    with outbox.queue.begin() as connection:
        connection.execute(text("DROP TABLE fan_out_position"))
    with pytest.raises(NotMigrated, match=f"{FILE} lacks a table or column: restart the dispatcher"):
        outbox.fan_out(lambda: [ALL])
    outbox.close()
    again = Outbox(engine)
    assert again.fan_out(lambda: [ALL]).changes == 1
    again.close()
