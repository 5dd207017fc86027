"""Counting: what the audit and a rebuild ask about rows that are gone, in both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.audit import Auditor
from store.ordinals import Fate, removed_until, tally
from tests.factories.archive import NOON, delivery_id

DAY = timedelta(days=1)
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tallied", "until"),
    [
        pytest.param([], None, id="nothing is gone"),
        pytest.param([("removed", NOON), ("removed", NOON - DAY)], NOON, id="the latest"),
        pytest.param([("removed", NOON), ("removed", None)], FOR_EVER, id="of one nobody knows"),
        pytest.param([("lost", NOON), ("lost", None)], None, id="lost, not removed"),
        pytest.param([("removed", NOON - DAY), ("lost", NOON), ("lost", None)], NOON - DAY, id="both"),
    ],
)
def test_until_when_rows_were_removed(
    ledger: Ledger, engine: Engine, tallied: list[tuple[Fate, datetime | None]], until: datetime | None
):
    """Retention alone counts; an id of no row that is older is one of which nobody can tell, any other is missing."""
    with engine.begin() as connection:
        for ordinal, (fate, received_at) in enumerate(tallied, 1):
            tally(connection, ("life", "dlr"), [(ordinal, ordinal)], fate, received_at)
        assert removed_until(connection) == until
    ids = [delivery_id(NOON + days * DAY, 0) for days in (-2, -1, 0, 1)]
    told = Auditor(ledger, engine).audit(ids).against
    assert told is not None
    assert told.missing == tuple(one for one, days in zip(ids, (-2, -1, 0, 1), strict=True) if not _old(days, until))
    assert told.removed == len(ids) - len(told.missing)


def _old(days: int, until: datetime | None) -> bool:
    return until is not None and (until == FOR_EVER or NOON + days * DAY <= until)
