"""What two persons leave behind, for the tests, and all that a database holds."""

import base64
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from seven.data_subject import Number
from seven.envelope import Envelope
from store.schema import metadata
from tests.factories.envelopes import NOW
from workers.consumer import Consumer

THEIRS, OTHERS = "491512345678", "491512345679"
SPELLINGS = [THEIRS, f"+{THEIRS}", f"00{THEIRS}", "+49 151 2345678"]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = Number.read(THEIRS)


def told(event_type: str, name: str, **data: Any) -> Envelope:
    return Envelope(name, event_type, NOW, "JSON", {"webhook_event": event_type, "data": data})


def traces(number: str, tag: str, spelled: str | None = None) -> dict[str, list[Envelope | bytes]]:
    """What a person leaves behind, by queue, each in its own way; `tag` keeps two persons' ids apart."""
    spelled = spelled or number
    raw = Envelope(f"raw{tag}", "sms_mo", NOW, "POST", f"\xffsender=%2B{number}".encode("latin-1"), "not UTF-8")
    return {
        "dlr": [
            told("dlr", f"d1{tag}", msg_id=f"7{tag}", status="DELIVERED", foreign_id=number),
            told("dlr", f"d2{tag}", msg_id=f"7{tag}", status="BUFFERED"),
            f'{{"id":"odd{tag}","v":1,"payload":{{"sender":"{number}"'.encode(),
        ],
        "sms_mo": [
            told("sms_mo", f"s1{tag}", id=f"1{tag}", sender=spelled, system="4930123", text="hello", time=1777600000),
            told("sms_mo", f"s2{tag}", sender=spelled, system="4930123", text="no id", time=1777600000),
            told("sms_mo", f"s3{tag}", id=f"2{tag}", sender="Shop", text=f"call {spelled} now", time=1777600000),
            raw,
        ],
        "tracking": [
            told("tracking", f"t1{tag}", sms_id=f"7{tag}", tracking_url=f"https://ul.gl/{tag}", sms_label="spring",
                 final_url=f"https://shop.example/{tag}", type="click", total_clicks=1),
            told("tracking", f"t2{tag}", sms_id=f"8{tag}", tracking_url=f"https://ul.gl/{number}", type="view",
                 total_views=1),
        ],
        "voice_call": [
            told("voice_call", f"c1{tag}", id=f"3{tag}", caller=spelled, system="4930123", time=1777600000),
            told("voice_call", f"c2{tag}", id=0, caller=spelled, system="4930123", time=1777600000),
        ],
        "voice_status": [
            told("voice_status", f"v1{tag}", id=f"4{tag}", status="ringing", recipient=spelled, timestamp=1777600000),
            told("voice_status", f"v2{tag}", id=f"4{tag}", status="completed", duration=4, timestamp=1777600009),
        ],
        "parked": [
            Envelope(f"p1{tag}", "rcs", NOW, "JSON", {"webhook_event": "rcs", "data": {"from": [spelled]}}),
            Envelope(f"p2{tag}", number, NOW, "JSON", {"webhook_event": number, "data": {}}),
        ],
    }  # fmt: skip


def arrive(consumer: Consumer, accept: Any, some: dict[str, list[Envelope | bytes]]) -> None:
    for queue, lines in some.items():
        consumer.consume(queue, [accept(*lines, queue=queue)])


def all_text(engine: Engine) -> str:
    """Every value of every table, and what base64 hides in them."""
    values: list[str] = []
    with engine.connect() as connection:
        for table in metadata.tables.values():
            values += [str(value) for row in connection.execute(select(table)) for value in row if value is not None]
    hidden = [base64.b64decode(one.removeprefix("base64:")).decode("latin-1") for one in values if one[:7] == "base64:"]
    return "\n".join([*values, *hidden])
