"""A campaign of twenty SMS: their statuses, replies, and views and clicks of their links."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from string import ascii_letters, digits
from typing import Any

from emulator.seeds import OUR_NUMBER, Seed, after, phone_number
from emulator.vendor_event import Sent, VendorEvent, epoch, wall_clock

SIZE = 20
EXPIRES_AFTER = timedelta(hours=48)  # the vendor's default ttl of 2880 minutes

STATUS_SEQUENCES = (
    *[("ACCEPTED", "TRANSMITTED", "DELIVERED")] * 14,
    *[("ACCEPTED", "BUFFERED", "TRANSMITTED", "DELIVERED")] * 2,
    ("ACCEPTED", "TRANSMITTED", "NOTDELIVERED"),
    ("ACCEPTED", "BUFFERED", "TRANSMITTED", "EXPIRED"),
    ("ACCEPTED", "TRANSMITTED", "FAILED"),
    ("ACCEPTED", "REJECTED"),
)
"""One for each message of a campaign: a full campaign has every kind of failure once."""

DELAYS_S = {
    "ACCEPTED": (0.5, 3),
    "BUFFERED": (5, 90),
    "TRANSMITTED": (1, 8),
    "DELIVERED": (1, 60),
    "NOTDELIVERED": (5, 900),
    "FAILED": (1, 30),
    "REJECTED": (0.5, 2),
}
"""Range of seconds after the previous status."""

REACTIONS = (
    ("view", "click"),
    ("click",),
    ("view", "view", "click", "click", "click"),
    ("view",),
    ("reply",),
    ("click", "reply"),
    *[()] * 4,
)
"""Recipients' reactions to a delivered message."""

CAMPAIGNS = (
    ("autumn-sale", "https://shop.example/sale?utm_source=sms&utm_campaign=autumn", "Nur heute: 20 % auf alles!"),
    (None, "https://parcel.example/track", "Ihr Paket kommt heute zwischen 10 und 12 Uhr."),
    ("table reservation, Zürich", "https://table.example/confirm/?lang=de", "Ihr Tisch: 19:30, 2 Personen & 1 Hund."),
)
"""Optional label, target of the links, and text, which a link follows."""

NETWORKS = {"44": ("23410", 0.038), "49": ("26201", 0.075)}
"""By country code, a network's MCC with MNC, and the price of an SMS in euros."""

REPLIES = (
    "Ja, passt. Danke!",
    "STOP",
    "Was kostet das für 2 Personen & einen Hund? ~20 € + 7 % MwSt.?",
    "👍🏽",
    'Bitte morgen um 10:30 zurückrufen:\n"Müller/Lüdenscheid"',
    "abmelden",
)

_BASE62 = digits + ascii_letters


def campaign(seed: Seed, number: int, size: int, sent_at: datetime) -> Iterator[VendorEvent]:
    """The events of one campaign of up to twenty messages, message by message."""
    for place in range(size):
        yield from _message(seed, number, number * SIZE + place, after(sent_at, seed.rng("sent", place), 0, 600))


def _message(seed: Seed, campaign_number: int, n: int, sent_at: datetime) -> Iterator[VendorEvent]:
    rng = seed.rng("message", n)
    msg_id, sent = str(seed.id(77_000_000_000, n)), _sent(seed, campaign_number, n, sent_at)
    reference = {"foreign_id": f"order-{seed.number}-{n}"} if rng.random() < 0.3 else {}
    at, status = sent_at, ""
    for status in seed.deal(STATUS_SEQUENCES, n, "life"):
        at = after(sent_at + EXPIRES_AFTER, rng, 1, 60) if status == "EXPIRED" else after(at, rng, *DELAYS_S[status])
        fields = {"msg_id": msg_id, "status": status, "timestamp": wall_clock(at), **reference}
        yield VendorEvent("dlr", fields, at, sent)
    if status == "DELIVERED":
        yield from _reactions(seed, campaign_number, n, at)


def _sent(seed: Seed, campaign_number: int, n: int, at: datetime) -> Sent:
    label, _, text = CAMPAIGNS[campaign_number % len(CAMPAIGNS)]
    recipient = _recipient(seed, n)
    mccmnc, price = NETWORKS[recipient[:2]]
    return Sent(at, OUR_NUMBER, recipient, f"{text} {_tracking_url(seed, n)}", price, mccmnc, label)


def _recipient(seed: Seed, n: int) -> str:
    """The person whom the message is sent to, and who replies."""
    return phone_number(seed.rng("recipient", n))


def _reactions(seed: Seed, campaign_number: int, n: int, delivered_at: datetime) -> Iterator[VendorEvent]:
    rng = seed.rng("acts", n)
    at, totals = delivered_at, {"click": 0, "view": 0}
    for reaction in seed.deal(REACTIONS, n, "acts"):
        at = after(at, rng, 20, 4 * 3600)
        if reaction == "reply":
            yield VendorEvent("sms_mo", _reply(seed, n, at), at + timedelta(seconds=1))
        else:
            totals[reaction] += 1
            yield VendorEvent("tracking", _link(seed, campaign_number, n, reaction, totals), at)


def _reply(seed: Seed, n: int, at: datetime) -> dict[str, Any]:
    rng = seed.rng("reply", n)
    number, second = seed.id(600_000, n), epoch(at)
    strings = rng.random() < 0.75  # the vendor's samples show strings, its older types numbers
    return {
        "id": str(number) if strings else number,
        "sender": _recipient(seed, n),
        "system": OUR_NUMBER,
        "text": rng.choice(REPLIES),
        "time": str(second) if strings else second,
        "message_type": "SMS",
    }


def _link(seed: Seed, campaign_number: int, n: int, reaction: str, totals: dict[str, int]) -> dict[str, Any]:
    """The totals are cumulative; clicks are a number and views a string, as in the vendor's sample."""
    label, final_url, _ = CAMPAIGNS[campaign_number % len(CAMPAIGNS)]
    return {
        "sms_id": str(seed.id(77_000_000_000, n)),
        "sms_label": label,
        "tracking_url": _tracking_url(seed, n),
        "final_url": final_url,
        "type": reaction,
        "total_clicks": totals["click"],
        "total_views": str(totals["view"]),
    }


def _tracking_url(seed: Seed, n: int) -> str:
    return f"https://go.example/{_short(seed.id(10**9, n))}"


def _short(number: int) -> str:
    """A short URL's path, one per recipient: the number in base 62."""
    letters = ""
    while number:
        number, rest = divmod(number, 62)
        letters = _BASE62[rest] + letters
    return letters
