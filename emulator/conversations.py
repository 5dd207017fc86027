"""Conversations of a scenario by RCS and WhatsApp: messages with their receipts, and what people answer."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from emulator.seeds import OUR_NUMBER, Seed, after, phone_number
from emulator.vendor_event import Sent, VendorEvent, epoch, wall_clock

AGENT = "example_agent"
ENDS = (("DELIVERED", "READ"), ("DELIVERED", "READ"), ("DELIVERED",))
"""The statuses of an RCS message; not everyone reads it."""

TEXT = "Ihre Bestellung ist unterwegs. Passt morgen?"
PRICE = 0.079  # euros

CONTENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("text", {"text": "Passt, danke! 👍"}),
    ("suggestion_response", {"suggestion_response": {"postbackData": "yes", "text": "Ja, gern", "type": "REPLY"}}),
    (
        "user_file",
        {
            "user_file": {
                "payload": {
                    "fileName": "Foto.jpg",
                    "fileSizeBytes": 48213,
                    "fileUri": "https://files.example/foto",
                    "mimeType": "image/jpeg",
                }
            }
        },
    ),
    ("location", {"location": {"latitude": 52.5, "longitude": 13.4}}),
    ("text", {"text": "STOP"}),
)


def by_rcs(seed: Seed, n: int, sent_at: datetime) -> Iterator[VendorEvent]:
    """The receipts of one RCS message, and an answer to it."""
    rng = seed.rng("rcs", n)
    number, msg_id, at = phone_number(rng), str(seed.id(77_000_500_000, n)), sent_at
    sent = Sent(sent_at, AGENT, number, TEXT, PRICE, channel="rcs")
    about = {"agent_id": AGENT, "sender": number, "foreign_id": None, "msg_id": msg_id}
    for status in (*seed.deal(ENDS, n, "rcs"), "IS_TYPING"):
        at = after(at, rng, 1, 600)
        yield VendorEvent("rcs", {**about, "status": status, "timestamp": wall_clock(at)}, at, sent)
    at = after(at, rng, 1, 60)
    kind, content = seed.deal(CONTENTS, n, "rcs answer")
    message = {
        "id": seed.id(900_000, n),
        "sender": number,
        "time": epoch(at),
        "message_type": "RCS",
        "content_type": kind,
        "agent_id": AGENT,
        **content,
    }
    yield VendorEvent("rcs", message, at + timedelta(seconds=1))


def by_whatsapp(seed: Seed, n: int, at: datetime) -> VendorEvent:
    """One inbound WhatsApp message."""
    rng = seed.rng("whatsapp", n)
    fields = {"sender": phone_number(rng), "system": OUR_NUMBER, "time": epoch(at), "text": f"Wann kommt Paket {n}?"}
    return VendorEvent("wa_mo", fields, at + timedelta(seconds=1))
