"""Stories: what happens to a business in three days at the gateway, and the deliveries that tell of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from emulator.calls import call_in, call_out
from emulator.campaigns import SIZE, campaign
from emulator.seeds import Seed, after
from emulator.vendor_event import VendorEvent
from emulator.wire import METHODS, Layout, Method, PlannedDelivery

LENGTH = timedelta(days=3)
CAMPAIGNS_WITHIN_S = 20 * 3600  # EXPIRED comes 48 h after the sending and must not lie in the future
CALLS_WITHIN_S = 70 * 3600
MESSAGES_PER_CALL = 8

MOST_LATE = 20
"""Deliveries that may come between one and its repeat."""


def scenario(seed: int, *, now: datetime, messages: int = 40) -> list[VendorEvent]:
    """The three days before `now`, in the order in which they happened; the same for the same arguments.

    Campaigns of twenty messages, each to one of its ends; replies, links viewed and clicked, and for every eight
    messages a call out and a call in. Every id, short URL and foreign id belongs to this seed alone, and all of it
    lies in the past. Raises ValueError for a seed out of range, a naive `now`, or a negative number of messages.
    """
    if now.tzinfo is None or messages < 0:
        raise ValueError("a story needs an aware time, and no fewer than 0 messages")
    begins_at, decided = now - LENGTH, Seed(seed)
    told: list[VendorEvent] = []
    for number, first in enumerate(range(0, messages, SIZE)):
        sent_at = after(begins_at, decided.chance("campaign", number), 0, CAMPAIGNS_WITHIN_S)
        told += campaign(decided, number, min(SIZE, messages - first), sent_at)
    for n in range(-(-messages // MESSAGES_PER_CALL)):
        told += call_out(decided, n, after(begins_at, decided.chance("call out at", n), 0, CALLS_WITHIN_S))
        told.append(call_in(decided, n, after(begins_at, decided.chance("call in at", n), 0, CALLS_WITHIN_S)))
    return sorted(told, key=lambda occurrence: occurrence.told_at)


def deliveries(
    scenario: Sequence[VendorEvent],
    *,
    seed: int = 0,
    methods: Sequence[Method] = METHODS,
    layouts: Sequence[Layout] = ("nested", "flat"),
    duplicates: float = 0.0,
    shuffle: bool = False,
) -> list[PlannedDelivery]:
    """Everything to be sent for a story, in order, each in one of the methods and layouts.

    `duplicates` is the exact share of occurrences told twice, each time in a method of its own, as two hooks would; a
    repeat says the same to the letter, `webhook_timestamp` included. It comes up to twenty deliveries later, or with
    `shuffle` anywhere, like everything else. Raises ValueError for a share that is none, or an empty choice.
    """
    if not 0 <= duplicates <= 1 or not methods or not layouts:
        raise ValueError("duplicates are a share from 0 to 1, and there must be a method and a layout to choose from")
    chance = Seed(seed).chance("deliveries")
    repeated = chance.sample(range(len(scenario)), round(len(scenario) * duplicates))
    placed = [(float(place), place) for place in range(len(scenario))]
    placed += [(place + chance.uniform(0.5, MOST_LATE), place) for place in repeated]
    if shuffle:
        chance.shuffle(placed)
    else:
        placed.sort()
    return [PlannedDelivery(scenario[place], chance.choice(methods), chance.choice(layouts)) for _, place in placed]
