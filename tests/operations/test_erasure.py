"""Erasure: no table names the person any more, and everything else is unchanged, in both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Text, insert, select

from ledger.client import Ledger
from operations.audit import Auditor
from seven.archive_records import ArchivedDelivery
from seven.data_subject import DataSubject, foreign_id, message_id
from seven.digest import is_short_digest, short_digest
from seven.records import Call, InboundMessage, TrackedLink
from seven.topics import OF_RECORDS
from store.personal_columns import FAILURES, FILTERS, LABELS, LETTERS, PAYLOADS, RECORDS
from store.record_rows import RowKey
from store.row_writer import Store
from store.schema import changes, metadata, missed_webhooks
from store.types import CodePointText
from tests.factories.archive import change_times, put, rows
from tests.factories.changes import noted, subscribe
from tests.factories.envelopes import NOW
from tests.factories.traces import LONG_AGO, NUMBER, OTHERS, SPELLINGS, THEIRS, all_text, consume_all, traces
from tests.operations.erasures import erased
from workers.consumer import Consumer
from workers.demand import DemandCache


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_number_is_gone_from_every_table(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Any, two_people: dict[RowKey, Any], spelled: str
):
    """In every spelling: no column holds the number, and no digest of it is left."""
    subscribe(engine, "everyone", " ".join(OF_RECORDS))
    consumer._demand = DemandCache(Store(engine))
    consume_all(consumer, accept, traces(THEIRS, "c", spelled))
    assert noted(engine)
    before = rows(engine).values()
    payloads = [row for row in before if isinstance(row, ArchivedDelivery) and NUMBER.is_in_payload(row.payload)]
    records = [row for row in before if isinstance(row, (InboundMessage, Call)) and NUMBER.is_in(str(row))]
    digests = {row.digest for row in payloads if row.digest} | {
        name for row in records for name in row.key if is_short_digest(name)
    }
    assert {len(digest) for digest in digests} == {32, 64}
    assert erased(engine, ledger).left is None
    left = all_text(engine)
    assert not NUMBER.is_in(left)
    assert spelled not in left
    assert not [digest for digest in digests if digest in left]


def test_other_peoples_rows_stay(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """Rows of other people stay identical; the person's rows keep what is counted, with a new `changed_at`."""
    erased(engine, ledger)
    after, changed = rows(engine), change_times(engine)
    theirs = {where for where in two_people if after.get(where) != two_people[where]}
    before = "\n".join(str(two_people[where]) for where in theirs)
    assert NUMBER.is_in(before)
    assert all(OTHERS not in str(two_people[where]) for where in theirs)
    assert {where for where, at in changed.items() if at != LONG_AGO} == {key for key in theirs if key in changed}
    assert {where: row for where, row in two_people.items() if where not in theirs} == {
        where: after[where] for where in two_people if where not in theirs
    }
    call = after["calls", ("outbound", "4a")]
    assert call == replace(two_people["calls", ("outbound", "4a")], recipient=None)
    assert after["messages", ("7a",)] == replace(two_people["messages", ("7a",)], foreign_id=None)
    renamed = {where[0] for where in two_people if where not in after}
    assert renamed == {"inbound_messages", "calls", "links", "link_events"}
    assert len(after) == len(two_people)


def test_the_audit_is_unchanged(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """No delivery's row is removed, and none changes its outcome."""
    before = Auditor(ledger, engine).audit()
    erased(engine, ledger)
    after = Auditor(ledger, engine).audit()
    assert [(series.queue, series.rows, series.missing) for series in after.series] == [
        (series.queue, series.rows, series.missing) for series in before.series
    ]
    assert (after.lost, after.unnumbered) == (before.lost, before.unnumbered)
    waiting = [row for row in rows(engine).values() if row.table == "dead_letters" and row.envelope is None]
    assert {letter.id for letter in waiting} == {"odda", "batch-odd"}


UNREAD = {("deliveries", (name,)) for name in ("rawa", "odda", "batch-odd")} | {
    ("dead_letters", (name,)) for name in ("odda", "batch-odd")
}


@pytest.mark.parametrize(
    ("person", "also"),
    [
        pytest.param(foreign_id(THEIRS), UNREAD, id="foreign id, also in unreadable bytes"),
        pytest.param(message_id("7a"), set(), id="msg id"),
    ],
)
def test_a_message_is_erased_by_its_id(
    engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any], person: DataSubject, also: set[RowKey]
):
    """Blanks its foreign id, the target of its link and all payloads about it; keeps standing and campaign."""
    erasure = erased(engine, ledger, person)
    assert erasure.left is None
    after = rows(engine)
    changed = {where for where in two_people if after.get(where) != two_people[where]}
    assert changed - also == {
        ("messages", ("7a",)), ("links", ("7a", "https://ul.gl/a")),
        *(("deliveries", (name,)) for name in ("d1a", "d2a", "t1a")),
    }  # fmt: skip
    assert after["messages", ("7a",)] == replace(two_people["messages", ("7a",)], foreign_id=None)
    link = two_people["links", ("7a", "https://ul.gl/a")]
    assert isinstance(link, TrackedLink)
    assert after["links", ("7a", "https://ul.gl/a")] == replace(link, final_url=None)
    assert {after["deliveries", (name,)].payload for name in ("d1a", "d2a", "t1a")} == {None}


def test_every_text_column_is_classified():
    """Every text column is listed as personal or not; a new column fails here until it is."""
    impersonal = {
        "deliveries": {"id", "queue", "subject", "request_method", "source", "outcome", "ledger", "record"},
        "messages": {"msg_id", "status", "result"},
        "message_statuses": {"msg_id", "status"},
        "sent_messages": {"msg_id", "mccmnc", "channel", "connection"},
        "inbound_messages": {"id", "message_type", "channel", "content_type", "mime_type"},
        "calls": {"direction", "call_id", "status"},
        "call_statuses": {"direction", "call_id", "status"},
        "call_digits": {"direction", "call_id", "digit"},
        "message_receipts": {"msg_id", "kind"},
        "forgotten": {"hash", "fingerprint"},
        "opt_outs": {"number", "recipient", "channel", "state", "word", "inbound_id"},  # stand under a hash
        "opt_out_events": {"number", "recipient", "channel", "state", "word", "inbound_id"},
        "links": {"sms_id"},
        "link_events": {"sms_id", "tracking_url", "type"},
        "dead_letters": {"id"},
        "dead_letter_failures": {"id"},
        "fences": {"name"},
        "ledger_marks": {"ledger", "queue"},
        "tallies": {"ledger", "queue", "fate"},
        "changes": {"topic", "key", "was", "now", "delivery_id", "reaction"},
        "notifications": {
            *("reaction", "path", "key", "topic", "was", "now", "delivery_id", "state", "claim", "last_failure")
        },
        "reactions": {"name", "topics", "begun_topics", "state", "reason", "last_failure"},
        "missed_webhooks": {"event_type", "id", "status", "state"},
        "hook_spans": {"hook_id", "account", "event_type", "filter_digest"},
        "hook_changes": {"id", "action", "hook_id", "event_type", "request_method", "reason"},
    }
    personal = {
        table.name: set[str | None](LABELS if table.name == "deliveries" else ()) for table in metadata.tables.values()
    }
    for kind in (*RECORDS, PAYLOADS, LETTERS, FAILURES, FILTERS):
        personal[kind.table.name] |= {*kind.columns, *kind.own, kind.key}
    for table in metadata.tables.values():
        texts = {column.name for column in table.c if isinstance(column.type, (Text, type(CodePointText)))}
        assert texts == impersonal[table.name] | (personal[table.name] - {None, "latitude", "longitude"}), table.name


def test_a_missed_webhook_without_an_id(engine: Engine, ledger: Ledger):
    """Its id is the digest of the number, as its call's is; another person's stays, and so does one with an id."""
    theirs, others = (short_digest(number, "4930123", NOW) for number in (THEIRS, OTHERS))
    subscribe(engine, "everyone", " ".join(OF_RECORDS))
    with engine.begin() as connection:
        for id_ in (theirs, others, "2043"):
            connection.execute(
                insert(missed_webhooks).values(event_type="voice_call", id=id_, status="", state="missed")
            )
            connection.execute(insert(changes).values(topic="webhook.missed", key=f"voice_call {id_}"))
            connection.execute(insert(changes).values(topic="webhook.missed", key=f"voice_call {id_} x"))
    Store(engine).write([Call("inbound", id_, caller) for id_, caller in ((theirs, THEIRS), (others, OTHERS))])
    assert erased(engine, ledger).left is None
    with engine.connect() as connection:
        missed = connection.execute(select(missed_webhooks.c.id)).scalars().all()
        keys = " ".join(connection.execute(select(changes.c.key)).scalars())
    assert sorted(missed) == sorted([others, "2043"])
    assert theirs not in keys
    assert keys.count(others) == keys.count("2043") == 2


def test_a_text_of_another_person(engine: Engine, ledger: Ledger):
    """An SMS by another person that mentions the number loses its text and keeps its sender; other SMS stay."""
    put(engine, InboundMessage("1", OTHERS, "4930123", f"ask {THEIRS}", NOW), NOW - timedelta(days=1))
    put(engine, InboundMessage("2", OTHERS, "4930123", "ask them", NOW), NOW - timedelta(days=1))
    erased(engine, ledger)
    after = rows(engine)
    assert after["inbound_messages", ("1",)] == InboundMessage("1", OTHERS, "4930123", None, NOW)
    assert after["inbound_messages", ("2",)] == InboundMessage("2", OTHERS, "4930123", "ask them", NOW)
