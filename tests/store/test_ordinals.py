"""Ordinals: the audit's and the rebuild's queries about removed rows, in both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.audit import Auditor
from store.ordinals import TallyKind, removed_until, tally
from tests.factories.archive import NOON, delivery_id

DAY = timedelta(days=1)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tallied", "until"),
    [
        pytest.param([], None, id="nothing is gone"),
        pytest.param([("removed", NOON), ("removed", NOON - DAY)], NOON, id="the latest"),
        pytest.param([("removed", NOON), ("removed", None)], END_OF_TIME, id="one unknown time"),
        pytest.param([("lost", NOON), ("lost", None)], None, id="lost, not removed"),
        pytest.param([("removed", NOON - DAY), ("lost", NOON), ("lost", None)], NOON - DAY, id="both"),
    ],
)
def test_removed_until(
    ledger: Ledger, engine: Engine, tallied: list[tuple[TallyKind, datetime | None]], until: datetime | None
):
    """Only retention counts; an id without a row counts as removed if it is that old, as missing otherwise."""
    with engine.begin() as connection:
        for ordinal, (fate, received_at) in enumerate(tallied, 1):
            tally(connection, ("life", "dlr"), [(ordinal, ordinal)], fate, received_at)
        assert removed_until(connection) == until
    ids = [delivery_id(NOON + days * DAY, 0) for days in (-2, -1, 0, 1)]
    against = Auditor(ledger, engine).audit(ids).against
    assert against is not None
    young = tuple(id_ for id_, days in zip(ids, (-2, -1, 0, 1), strict=True) if not _old(days, until))
    assert against.missing == young
    assert against.removed == len(ids) - len(young)


def _old(days: int, until: datetime | None) -> bool:
    return until is not None and (until == END_OF_TIME or NOON + days * DAY <= until)
