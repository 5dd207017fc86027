"""Receipts: that a message was read never undoes what was reported of it, in any order and for any repeats."""

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from seven.events.dlr import StatusReport
from seven.message_reports import STATUSES, MessageReport
from seven.record import Record, fold
from seven.records import Message
from store.row_writer import Store
from tests.extent import examples
from tests.factories.rows import NOON, empty, merged_rows, redelivered, stored_rows

WORDS = (*STATUSES.passing, *STATUSES.final, *STATUSES.unranked, "UNKNOWN", "TOMORROW", "read", "READ")


def _reports() -> st.SearchStrategy[list[MessageReport]]:
    moments = st.integers(0, 3).map(lambda n: NOON + timedelta(seconds=n))
    report = st.builds(
        StatusReport.model_construct,
        msg_id=st.just("7"),
        status=st.sampled_from(WORDS),
        timestamp=st.none() | moments,
        reported_at=moments,
        foreign_id=st.none() | st.just("a"),
    )
    return st.lists(report, min_size=1, max_size=8)


def _message(records: list[Record]) -> Message | None:
    return next((record for record in fold(records) if isinstance(record, Message)), None)


@examples(15, 40)
@given(reports=_reports(), chance=st.randoms(use_true_random=False))
def test_a_receipt_never_undoes_a_status(engine: Engine, reports: list[MessageReport], chance: random.Random):
    """The database has the fold, whatever the order; a final status stands as it would without the receipts."""
    scenario = [record for report in reports for record in report.records(receipts=True)]
    empty(engine)
    for batch in redelivered(scenario, chance):
        Store(engine).write(batch)
    assert stored_rows(engine) == merged_rows(scenario)

    statuses = [report for report in reports if report.status.casefold() != "read"]
    message, without = _message(scenario), _message([record for each in statuses for record in each.records()])
    assert message is not None
    if without is not None and without.final:
        names = ("final", "status", "status_at", "rank", "result", "undated", "delivered_at")
        assert [getattr(message, name) for name in names] == [getattr(without, name) for name in names]
    read = [report.at for report in reports if report not in statuses]
    assert message.read_at == min(read, default=None)
    if read and not (without and without.final):
        assert (message.status, message.result, message.final) == ("DELIVERED", "delivered", True)
        assert (message.status_at, message.rank, message.delivered_at) == (None, None, None)
