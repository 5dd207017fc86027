"""Traces: the deliveries of two persons, for the tests, and the whole content of a database as text."""

import base64
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from seven.data_subject import Number
from seven.envelope import Envelope
from store.schema import tables
from tests.factories.envelopes import NOW
from workers.consumer import Consumer

THEIRS, OTHERS = "491512345678", "491512345679"
SPELLINGS = [THEIRS, f"+{THEIRS}", f"00{THEIRS}", "+49 151 2345678"]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = Number.parse(THEIRS)


def event_envelope(event_type: str, name: str, **data: Any) -> Envelope:
    return Envelope(name, event_type, NOW, "JSON", {"webhook_event": event_type, "data": data})


def traces(number: str, tag: str, spelled: str | None = None) -> dict[str, list[Envelope | bytes]]:
    """The deliveries of a person by queue, each with another form of their data; `tag` keeps two persons' ids apart."""
    spelled = spelled or number
    raw = Envelope(f"raw{tag}", "sms_mo", NOW, "POST", f"\xffsender=%2B{number}".encode("latin-1"), "not UTF-8")
    return {
        "dlr": [
            event_envelope("dlr", f"d1{tag}", msg_id=f"7{tag}", status="DELIVERED", foreign_id=number),
            event_envelope("dlr", f"d2{tag}", msg_id=f"7{tag}", status="BUFFERED"),
            f'{{"id":"odd{tag}","v":1,"payload":{{"sender":"{number}"'.encode(),
        ],
        "sms_mo": [
            event_envelope("sms_mo", f"s1{tag}", id=f"1{tag}", sender=spelled, system="4930123", text="hello", time=1777600000),
            event_envelope("sms_mo", f"s2{tag}", sender=spelled, system="4930123", text="no id", time=1777600000),
            event_envelope("sms_mo", f"s3{tag}", id=f"2{tag}", sender="Shop", text=f"call {spelled} now", time=1777600000),
            raw,
        ],
        "tracking": [
            event_envelope("tracking", f"t1{tag}", sms_id=f"7{tag}", tracking_url=f"https://ul.gl/{tag}", sms_label="spring",
                 final_url=f"https://shop.example/{tag}", type="click", total_clicks=1),
            event_envelope("tracking", f"t2{tag}", sms_id=f"8{tag}", tracking_url=f"https://ul.gl/{number}", type="view",
                 total_views=1),
        ],
        "voice_call": [
            event_envelope("voice_call", f"c1{tag}", id=f"3{tag}", caller=spelled, system="4930123", time=1777600000),
            event_envelope("voice_call", f"c2{tag}", id=0, caller=spelled, system="4930123", time=1777600000),
        ],
        "voice_status": [
            event_envelope("voice_status", f"v1{tag}", id=f"4{tag}", status="ringing", recipient=spelled, timestamp=1777600000),
            event_envelope("voice_status", f"v2{tag}", id=f"4{tag}", status="completed", duration=4, timestamp=1777600009),
        ],
        "parked": [
            Envelope(f"p1{tag}", "mms", NOW, "JSON", {"webhook_event": "mms", "data": {"from": [spelled]}}),
            Envelope(f"p2{tag}", number, NOW, "JSON", {"webhook_event": number, "data": {}}),
        ],
    }  # fmt: skip


def consume_all(consumer: Consumer, accept: Any, deliveries: dict[str, list[Envelope | bytes]]) -> None:
    for queue, lines in deliveries.items():
        consumer.consume(queue, [accept(*lines, queue=queue)])


def all_text(engine: Engine) -> str:
    """Every value of every table, also decoded from base64."""
    values: list[str] = []
    with engine.connect() as connection:
        for table in tables(engine.dialect.name):
            values += [str(value) for row in connection.execute(select(table)) for value in row if value is not None]
    encoded = [value.removeprefix("base64:") for value in values if value.startswith("base64:")]
    return "\n".join([*values, *(base64.b64decode(value).decode("latin-1") for value in encoded)])
