"""Outbox: where the database was restored from a backup, and the file of notifications was not."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from store.outbox import Outbox
from store.schema import changes
from tests.factories.changes import NOON
from tests.store.test_outbox import ALL, claimed, note


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_numbers_that_come_again(engine: Engine):
    """What is noted after the restore is handed out all the same."""
    outbox = Outbox(engine)
    for number in range(5):
        note(outbox, str(number), None, "SENT", noted_at=NOON + timedelta(minutes=number))
    assert outbox.fan_out(lambda: [ALL]).changes == 5
    with outbox.engine.begin() as connection:
        connection.execute(changes.delete().where(changes.c.seq > 2))
        connection.execute(text("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'changes'"))
    note(outbox, "9", None, "SENT", noted_at=NOON + timedelta(minutes=9))
    note(outbox, "9", "SENT", "DELIVERED", noted_at=NOON + timedelta(minutes=10))
    assert outbox.fan_out(lambda: [ALL]).changes == 2
    assert outbox.fan_out(lambda: [ALL]).changes == 0
    assert ("9", "DELIVERED") in {(each.key, each.now) for each in claimed(outbox)}
    outbox.close()
