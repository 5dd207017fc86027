"""Audit against ids of 2xx answers: each is a row, waiting, removed, or missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from uuid_utils import uuid7

from operations.audit import Auditor
from store.ordinals import tally
from tests.factories.envelopes import envelope
from workers.consumer import Consumer


def test_the_fates_of_ids_are_counted(auditor: Auditor, consumer: Consumer, engine: Engine, accept: Any):
    """Ids of 2xx answers are counted as rows, waiting, or missing."""
    ids = [str(uuid7()) for _ in range(4)]
    consumer.consume("dlr", [accept(envelope(ids[0]))])
    accept(envelope(ids[1]), envelope(ids[2]))
    against = auditor.audit([*ids, ids[0]]).against
    assert against is not None
    assert (against.ids, against.rows, against.waiting, against.missing) == (4, 1, 2, (ids[3],))
    assert auditor.audit(ids).lost
    assert not auditor.audit(ids[:3]).lost


def test_an_id_that_retention_may_have_removed_is_no_loss(auditor: Auditor, engine: Engine):
    """An id older than the latest removed row counts as removed: its fate cannot be determined."""
    with engine.begin() as connection:
        tally(connection, ("life", "dlr"), [(1, 5)], "removed", datetime.now(UTC) + timedelta(hours=1))
    against = auditor.audit([str(uuid7())]).against
    assert against is not None
    assert (against.removed, against.missing) == (1, ())
