"""Erasure keeps every count: rows stay, and so do our own numbers and what a campaign has in common; both databases."""

from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select, text

from ledger.client import Ledger
from operations.erasure import POLL_INTERVAL_S
from seven.data_subject import Number, message_id
from seven.records import Call, InboundMessage, LinkEvent, Message, TrackedLink
from store.record_rows import RowKey
from store.row_writer import Store
from store.schema import fences, hook_changes
from store.schema import tables as all_tables
from store.views import VIEWS
from tests.factories.archive import change_times, put, rows
from tests.factories.envelopes import NOW
from tests.factories.traces import LONG_AGO, NUMBER, OTHERS, THEIRS, consume_all, traces
from tests.operations.erasures import erased
from workers.consumer import Consumer

OURS = "4930123"
TOTALS = {
    "delivery_rates": "status, result, sum(messages) FROM {} GROUP BY status, result",
    "link_totals": "sum(links), sum(clicked_links), sum(clicks), sum(views) FROM {}",
    "link_activity": "hour, sum(clicks), sum(views) FROM {} GROUP BY hour",
    "call_costs": "direction, count(*), sum(billed_minutes), sum(cost_eur) FROM {} GROUP BY direction",
    "missed_by_day": "event_type, sum(late), sum(missed), sum(came) FROM {} GROUP BY event_type",
    "message_details": "status, result, count(*), sum(price) FROM {} GROUP BY status, result",
    "opted_out": "channel, count(*) FROM {} GROUP BY channel",
}


def counts(engine: Engine) -> dict[str, Any]:
    """The rows of each table, and the totals of each view."""
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.connect().execution_options(reads=True) as connection:
        tables = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in all_tables(engine.dialect.name)
            if table is not fences
        }
        views = {
            name: sorted(map(tuple, connection.execute(text("SELECT " + TOTALS[name].format(schema + name)))), key=str)
            for name in VIEWS
        }
    return tables | views


def test_counts_stay(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """Every table has as many rows as before, and every view the same totals; nobody hears of a renamed row."""
    before = counts(engine)
    erasure = erased(engine, ledger)
    assert (erasure.left, erasure.removed.total()) == (None, 0)
    assert counts(engine) == before
    renamed = {where: at for where, at in change_times(engine).items() if "forgotten-" in str(where)}
    assert {where[0] for where in renamed} == {"inbound_messages", "calls", "links"}
    assert set(renamed.values()) == {LONG_AGO}
    assert not [where for where in rows(engine) if NUMBER.is_in(str(where))]


def test_a_repeat_during_an_erasure_counts_once(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, two_people: dict[RowKey, Any]
):
    """What a worker writes again under the old key is merged into the renamed row, with its history."""
    before = counts(engine)
    again = {queue: accept(*lines, queue=queue) for queue, lines in traces(THEIRS, "a").items() if queue != "parked"}

    def work(pause_s: float) -> None:
        if pause_s == POLL_INTERVAL_S:  # all rows are renamed, and it waits
            for queue, batch in again.items():
                consumer.consume(queue, [batch])
            again.clear()

    erasure = erased(engine, ledger, wait_s=30, pause=work)
    assert erasure.left is None
    assert {name: rows for name, rows in erasure.removed.items() if rows} == {
        "calls": 1,
        "inbound_messages": 1,
        "links": 1,
    }
    after = counts(engine)
    repeats = {"deliveries": after["deliveries"], "dead_letters": after["dead_letters"]}
    assert {**after, "dead_letter_failures": 0} == {**before, **repeats, "dead_letter_failures": 0}


def test_our_own_number_stays_in_a_call(engine: Engine, ledger: Ledger):
    """A call to a person keeps who called, and a call by them whom they called: costs add up by our number."""
    put(engine, Call("outbound", "1", caller=OURS * 2, recipient=THEIRS, foreign_id="order"))
    put(engine, Call("inbound", "2", caller=THEIRS, recipient=OURS * 2))
    put(engine, InboundMessage("3", THEIRS, OURS * 2, "hello", NOW))
    erased(engine, ledger)
    after = rows(engine)
    assert after["calls", ("outbound", "1")] == Call("outbound", "1", caller=OURS * 2)
    assert after["calls", ("inbound", "2")] == Call("inbound", "2", recipient=OURS * 2)
    assert after["inbound_messages", ("3",)] == InboundMessage("3", None, OURS * 2, None, NOW)


@pytest.mark.parametrize("own_number", [False, True])
def test_a_number_of_our_own(engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, own_number: bool):
    """Forgetting a number that is also ours leaves it wherever it is ours, unless that is asked for."""
    ours = "4915112345000"
    consume_all(consumer, accept, traces(OTHERS, "b"))
    put(engine, Call("outbound", "1", caller=ours, recipient=OTHERS))
    put(engine, Call("inbound", "2", caller=ours, recipient=ours))
    put(engine, InboundMessage("3", OTHERS, ours, "hello", NOW))
    with engine.begin() as connection:
        connection.execute(insert(hook_changes).values(id="4", at=NOW, action="missing", event_filter=ours))
    before = counts(engine)
    erased(engine, ledger, Number.parse(ours, own_number=own_number))
    kept, after = None if own_number else ours, rows(engine)
    assert after["calls", ("outbound", "1")] == Call("outbound", "1", caller=kept, recipient=OTHERS)
    assert after["calls", ("inbound", "2")] == Call("inbound", "2", recipient=kept)
    assert after["inbound_messages", ("3",)] == InboundMessage("3", OTHERS, kept, "hello", NOW)
    with engine.connect().execution_options(reads=True) as connection:
        assert connection.execute(select(hook_changes.c.event_filter)).scalar_one() == kept
    assert counts(engine) == before


def test_our_own_number_in_payloads():
    """A payload is about a person only where the number is not ours."""
    for field in ("system", "callerId"):
        payload = f'{{"data":{{"{field}":"+49 151 2345678","recipient":"{OTHERS}"}}}}'
        assert not NUMBER.is_in_payload(payload)
        assert Number.parse(THEIRS, own_number=True).is_in_payload(payload)


def test_what_a_campaign_shares_stays(engine: Engine, ledger: Ledger):
    """A label or target that other messages' links have stays; what only this message has is blanked."""
    store = Store(engine)
    store.write(Message(msg_id=name, status="DELIVERED") for name in "78")
    store.write(
        [
            TrackedLink("7", "a", label="spring", final_url="https://shop.example", clicks=2, views=1),
            TrackedLink("7", "b", label="spring", final_url="https://shop.example/?customer=7", clicks=1),
            TrackedLink("7", "c", label="spring", final_url="https://shop.example/?customer=7"),
            TrackedLink("8", "d", label="spring", final_url="https://shop.example", clicks=3),
            *(LinkEvent("7", "a", "click", nth, NOW) for nth in (1, 2)),
        ]
    )
    before = counts(engine)
    assert erased(engine, ledger, message_id("7")).left is None
    links = {
        row.tracking_url: (row.label, row.final_url) for row in rows(engine).values() if isinstance(row, TrackedLink)
    }
    assert links == {
        "a": ("spring", "https://shop.example"), "b": ("spring", None), "c": ("spring", None),
        "d": ("spring", "https://shop.example"),
    }  # fmt: skip
    assert counts(engine) == before


def test_a_shared_label_that_names_the_person(engine: Engine, ledger: Ledger):
    """It goes, from every link that has it."""
    Store(engine).write(TrackedLink(name, "a", label=f"for {THEIRS}", final_url="x") for name in "78")
    erased(engine, ledger)
    assert {(row.label, row.final_url) for row in rows(engine).values() if isinstance(row, TrackedLink)} == {
        (None, "x")
    }
