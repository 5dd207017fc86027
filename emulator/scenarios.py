"""Scenarios: three days of a business's events at the gateway, and the deliveries planned for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from emulator.calls import call_in, call_out
from emulator.campaigns import SIZE, campaign
from emulator.conversations import by_rcs, by_whatsapp
from emulator.seeds import Seed, after
from emulator.vendor_event import VendorEvent
from emulator.wire import METHODS, Layout, Method, PlannedDelivery

LENGTH = timedelta(days=3)
CAMPAIGNS_WITHIN_S = 20 * 3600  # EXPIRED comes 48 h after sending and must not lie in the future
CALLS_WITHIN_S = 70 * 3600
MESSAGES_PER_CALL = 8

MAX_REPEAT_DISTANCE = 20
"""Maximum number of deliveries between one and its repeat."""


def scenario(seed: int, *, now: datetime, messages: int = 40) -> list[VendorEvent]:
    """Events of the three days before `now`, in order of time; the same for the same arguments.

    Campaigns of twenty messages, each up to a final status; replies, views and clicks of links, and for every eight
    messages an outbound and an inbound call, an RCS message with an answer, and a WhatsApp message. Every id, short
    URL and foreign id belongs to this seed alone, and every time is in the past. Raises ValueError for a seed out of
    range, a naive `now`, or a negative number of messages.
    """
    if now.tzinfo is None or messages < 0:
        raise ValueError("a scenario needs an aware time, and no fewer than 0 messages")
    begins_at, seeded = now - LENGTH, Seed(seed)
    events: list[VendorEvent] = []
    for number, first in enumerate(range(0, messages, SIZE)):
        sent_at = after(begins_at, seeded.rng("campaign", number), 0, CAMPAIGNS_WITHIN_S)
        events += campaign(seeded, number, min(SIZE, messages - first), sent_at)
    for n in range(-(-messages // MESSAGES_PER_CALL)):
        events += call_out(seeded, n, after(begins_at, seeded.rng("call out at", n), 0, CALLS_WITHIN_S))
        events += by_rcs(seeded, n, after(begins_at, seeded.rng("rcs at", n), 0, CALLS_WITHIN_S))
        events.append(by_whatsapp(seeded, n, after(begins_at, seeded.rng("whatsapp at", n), 0, CALLS_WITHIN_S)))
        events.append(call_in(seeded, n, after(begins_at, seeded.rng("call in at", n), 0, CALLS_WITHIN_S)))
    return sorted(events, key=lambda event: event.occurred_at)


def plan_deliveries(
    events: Sequence[VendorEvent],
    *,
    seed: int = 0,
    methods: Sequence[Method] = METHODS,
    layouts: Sequence[Layout] = ("nested", "flat"),
    duplicates: float = 0.0,
    shuffle: bool = False,
) -> list[PlannedDelivery]:
    """The deliveries of these events, in order, each in one of the methods and layouts.

    `duplicates` is the exact share of events delivered twice, each time in a method of its own, as two hooks would; a
    repeat has identical fields, `webhook_timestamp` included. It comes up to twenty deliveries later, or with `shuffle`
    anywhere, like all deliveries. Raises ValueError for a share out of range, or without a method or layout.
    """
    if not 0 <= duplicates <= 1 or not methods or not layouts:
        raise ValueError("duplicates are a share from 0 to 1, and there must be a method and a layout to choose from")
    rng = Seed(seed).rng("deliveries")
    repeated = rng.sample(range(len(events)), round(len(events) * duplicates))
    placed = [(float(place), place) for place in range(len(events))]
    placed += [(place + rng.uniform(0.5, MAX_REPEAT_DISTANCE), place) for place in repeated]
    if shuffle:
        rng.shuffle(placed)
    else:
        placed.sort()
    return [PlannedDelivery(events[place], rng.choice(methods), rng.choice(layouts)) for _, place in placed]
