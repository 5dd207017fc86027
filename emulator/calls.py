"""Calls of a scenario: outbound calls with their statuses, and inbound calls."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from emulator.seeds import OUR_NUMBER, Seed, after, phone_number
from emulator.vendor_event import Sent, VendorEvent, epoch

STATUS_SEQUENCES = (
    *[("ringing", "in-progress", "completed")] * 3,
    ("ringing", "no-answer"),
    ("busy",),
    ("failed",),
)
"""The statuses after `initiated`."""

DELAYS_S = {
    "initiated": (0, 1),
    "ringing": (1, 5),
    "in-progress": (2, 25),
    "completed": (3, 400),
    "no-answer": (25, 45),
    "busy": (1, 4),
    "failed": (1, 4),
}
"""Range of seconds after the previous status."""

PRICES = (0.075, 0.12, 0.029)  # euros per minute

TEXT = "Ihr Termin ist morgen um 10:30 Uhr. Zum Verschieben drücken Sie die 1."

KEYS = "0123456789*#"

INBOUND_IDS = (0, 1, 1)  # factors: a capture of a real inbound call has the id 0


def call_out(seed: Seed, n: int, placed_at: datetime) -> Iterator[VendorEvent]:
    """The statuses of one outbound call."""
    rng = seed.rng("call out", n)
    number, recipient, price = seed.id(200_000, n), phone_number(rng), rng.choice(PRICES)
    newer = n % 4 == 3  # the vendor's newer types write numbers, and a total
    reference = {"foreign_id": f"call-{seed.number}-{n}"} if rng.random() < 0.3 else {}
    sent = Sent(placed_at, OUR_NUMBER, recipient, TEXT, price)
    at = answered_at = placed_at
    ends = STATUS_SEQUENCES[0] if n == 0 else seed.deal(STATUS_SEQUENCES, n, "call's end")  # keys in every scenario
    for status in ("initiated", *ends):
        at = after(at, rng, *DELAYS_S[status])
        if status == "in-progress":
            answered_at = at
        seconds = epoch(at) - epoch(answered_at) if status == "completed" else None
        if seconds is not None:
            yield from _keys(seed, n, answered_at, seconds, {"id": number, "recipient": recipient, "price": price})
        fields: dict[str, Any] = {
            "callerId": OUR_NUMBER,
            "duration": seconds if newer or seconds is None else str(seconds),
            "id": number if newer else str(number),
            "pricePerMinute": price,
            "recipient": recipient,
            "status": status,
            "timestamp": epoch(at),
            **reference,
        }
        if newer and seconds is not None:
            fields["total_price"] = total_price(price, seconds)
        yield VendorEvent("voice_status", fields, at, sent)


def total_price(per_minute: float, seconds: int) -> float:
    """The price of a whole call in euros: each started minute costs."""
    return round(per_minute * -(-seconds // 60), 3)


def _keys(seed: Seed, n: int, answered_at: datetime, seconds: int, call: Mapping[str, Any]) -> Iterator[VendorEvent]:
    """The keys that the called person pressed: some in each call that was answered, no two in one second."""
    rng = seed.rng("keys", n)
    for second in range(1, min(seconds, 1 + rng.randint(1, 4))):
        at = answered_at + timedelta(seconds=second)
        key = rng.choice(KEYS)
        yield VendorEvent(
            "voice_dtmf",
            {
                "callerId": OUR_NUMBER,
                "recipient": call["recipient"],
                "system": OUR_NUMBER,
                "id": call["id"],
                "status": "in-progress",
                "duration": second,
                "dtmf_digit": int(key) if key.isdigit() else key,
                "pricePerMinute": call["price"],
                "total_price": call["price"],
                "timestamp": epoch(at),
            },
            at,
        )


def call_in(seed: Seed, n: int, at: datetime) -> VendorEvent:
    """One inbound call; every third has no id of its own."""
    fields = {
        "id": seed.id(1_000, n) * seed.deal(INBOUND_IDS, n, "call in"),
        "caller": phone_number(seed.rng("call in", n)),
        "system": OUR_NUMBER,
        "time": epoch(at),
    }
    return VendorEvent("voice_call", fields, at)
