"""Person export: everything that an erasure would take away, and nothing of other people, in both databases."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.client import Ledger
from operations.erasure import Eraser
from operations.person_export import SECTIONS, PersonExport
from runtime.settings.retention import RetentionSettings
from seven.data_subject import DataSubject, foreign_id, message_id
from seven.records import InboundMessage, SentMessage
from store.personal_columns import FAILURES, FILTERS, LABELS, LETTERS, PAYLOADS, RECORDS
from store.record_rows import RowKey
from store.schema import SCHEMA, metadata
from tests.factories.archive import put, rows
from tests.factories.envelopes import NOW, Accept
from tests.factories.traces import NUMBER, OTHERS, SPELLINGS, THEIRS, consume_all, event_envelope, traces
from tests.operations.erasures import erased
from workers.consumer import Consumer

PAGE = Path(__file__).parents[2] / "docs/personal-data.md"
PEOPLE = [
    pytest.param(NUMBER, id="number"),
    pytest.param(foreign_id(THEIRS), id="foreign id"),
    pytest.param(message_id("7a"), id="msg id"),
]


def exported(engine: Engine, ledger: Ledger, person: DataSubject = NUMBER) -> dict[RowKey, dict[str, Any]]:
    """The entries by table and key."""
    entries = {}
    for section, entry in PersonExport(engine, ledger, person).entries(lambda _: None):
        key = tuple(entry[column.name] for column in metadata.tables[f"{SCHEMA}.{section}"].primary_key)
        entries[section, key] = entry
    return entries


@pytest.mark.parametrize("person", PEOPLE)
def test_what_forget_would_change_is_exported(
    engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any], person: DataSubject
):
    """Every row that an erasure would blank or rename, with each column that it would blank."""
    matches = Eraser(engine, ledger, person).find()
    entries = exported(engine, ledger, person)
    assert matches.records
    for blanking in (*matches.records, *matches.deliveries):
        entry = entries[blanking.personal.table.name, blanking.key]
        assert {*blanking.columns} <= entry.keys()


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_nothing_of_them_is_left_after_both(
    engine: Engine, ledger: Ledger, consumer: Consumer, accept: Accept, two_people: dict[RowKey, Any], spelled: str
):
    """Whatever the spelling: after the erasure an export by the number is empty."""
    consume_all(consumer, accept, traces(THEIRS, "c", spelled))
    put(engine, SentMessage("7c", NOW, spelled))
    counts = Counter(section for section, _ in exported(engine, ledger))
    assert {*counts} == {*SECTIONS} - {"opt_outs"}  # none of these texts is a stop word
    erased(engine, ledger)
    assert exported(engine, ledger) == {}


def test_records_come_whole_and_with_their_history(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """All columns of a record, its history, and payloads as JSON."""
    entries = exported(engine, ledger)
    message = entries["messages", ("7a",)]
    assert (message["matched_by"], message["foreign_id"], message["status"]) == ("record", THEIRS, "DELIVERED")
    assert {status["status"] for status in message["message_statuses"]} == {"DELIVERED", "BUFFERED"}
    assert [event["type"] for event in entries["links", ("7a", "https://ul.gl/a")]["link_events"]] == ["click"]
    assert {status["status"] for status in entries["calls", ("outbound", "4a")]["call_statuses"]} == {
        "ringing",
        "completed",
    }
    assert entries["inbound_messages", ("1a",)]["text"] == "hello"
    assert entries["deliveries", ("d2a",)]["payload"]["data"] == {"msg_id": "7a", "status": "BUFFERED"}
    assert entries["dead_letters", ("odda",)]["envelope"]


def test_other_people_stay_out(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """No record of another is there; of one that names the person, only what names them. So is nobody's, if asked by id."""
    put(engine, InboundMessage("2", OTHERS, "4930123", f"ask {THEIRS}", NOW))
    entries = exported(engine, ledger)
    assert entries["inbound_messages", ("2",)] == {"matched_by": "content", "id": "2", "text": f"ask {THEIRS}"}
    of_others = [key for key, entry in entries.items() if OTHERS in json.dumps(entry, default=str)]
    assert of_others == []
    assert exported(engine, ledger, message_id("no such message")) == {}


def test_blanked_rows_of_the_person_are_still_theirs(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """A message without a foreign id, and its delivery, are exported by its id, though an erasure has nothing to blank."""
    entries = exported(engine, ledger, message_id("8a"))
    assert ("links", ("8a", f"https://ul.gl/{THEIRS}")) in entries
    erased(engine, ledger, message_id("7a"))
    again = exported(engine, ledger, message_id("7a"))
    assert again["messages", ("7a",)]["foreign_id"] is None
    assert again["deliveries", ("d1a",)]["payload"] is None


def test_what_waits_in_the_ledger_is_counted(engine: Engine, ledger: Ledger, accept: Accept):
    """Deliveries that no worker has consumed yet are not among the entries, and their number says so."""
    accept(
        event_envelope("sms_mo", "w1", id="1", sender=THEIRS, text="a"),
        event_envelope("sms_mo", "w2", id="2", sender=OTHERS, text="b"),
        queue="sms_mo",
    )
    export = PersonExport(engine, ledger, NUMBER)
    assert list(export.entries(lambda _: None)) == []
    assert export.waiting == 1


def test_entries_come_in_the_order_of_sections(engine: Engine, ledger: Ledger, two_people: dict[RowKey, Any]):
    """So that a document can be written while they are read; and nothing is changed."""
    sections = [section for section, _ in PersonExport(engine, ledger, NUMBER).entries(lambda _: None)]
    assert sections == sorted(sections, key=SECTIONS.index)
    assert rows(engine) == two_people


def test_the_page_names_every_personal_column():
    """docs/personal-data.md names each column that is personal, beside its table, and the setting that bounds it."""
    places = {}
    for line in PAGE.read_text().splitlines():
        where, *rest = [cell.strip() for cell in line.strip("|").split("|")]
        places |= {name: "".join(rest) for name in re.findall(r"`(\w+)`", where)}
    for kind in (*RECORDS, PAYLOADS, LETTERS, FAILURES, FILTERS):
        for column in filter(None, (*kind.columns, kind.key, kind.derived)):
            assert f"`{column}`" in places[kind.table.name], (kind.table.name, column)
    assert all(f"`{name}`" in places["deliveries"] for name in LABELS)
    settings = {name.upper() for name in RetentionSettings.model_fields if name.startswith("seven_keep_")}
    assert settings == set(re.findall(r"SEVEN_KEEP_\w+_DAYS", PAGE.read_text()))
