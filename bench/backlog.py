"""Backlog: what deliveries cost in Redis that wait for a database, in bytes of memory for each byte that came."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from redis import Redis
from uuid_utils import uuid7

from bench.servers import place, redis
from bench.wrk_scripts import KEYS
from emulator.wire import json_encode
from ledger.batch import Header, NewBatch
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from seven.events import EVENT_TYPES

BATCH = 64
STEP = 100 * BATCH
SHARES = {"dlr": 70, "tracking": 15, "sms_mo": 7, "voice_status": 5, "voice_call": 3}
"""Of a hundred deliveries, about as an account that sends sees them."""
WORDS = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyzäöüß", k=2 + n % 9)) for n in range(3000)]


def deliveries(number: int, seed: int = 7) -> Iterator[tuple[str, int, bytes]]:
    """Event type, bytes on the wire and envelope of each; no two share an id, a time or a text."""
    chance = random.Random(seed)
    at = datetime.now(UTC) - timedelta(minutes=1, milliseconds=10 * number)  # the last of them is not of the future
    kinds = chance.choices(list(SHARES), list(SHARES.values()), k=number)
    for n, event_type in enumerate(kinds):
        at += timedelta(microseconds=chance.randrange(20_000))
        told = {**EVENT_TYPES[event_type].example, KEYS[event_type]: f"77{chance.randrange(10**13):013d}"}
        if "text" in told:
            told["text"] = " ".join(chance.choices(WORDS, k=12))
        if "timestamp" in told:
            told["timestamp"] = f"{at:%Y-%m-%d %H:%M:%S.%f}"
        if "foreign_id" in told:
            told["foreign_id"] = f"order-{n}"
        words = {"data": told, "webhook_event": event_type, "webhook_timestamp": at.isoformat(timespec="seconds")}
        line = Envelope(str(uuid7()), event_type, at, "JSON", words, source="203.0.113.7").line()
        yield event_type, len(json_encode(words)), line


async def filled(redis_url: str, number: int, tick: Callable[[], None] = lambda: None) -> int:
    """Put them into the ledger as a receiver does, in batches of 64; returns their bytes on the wire."""
    size = 0
    told = deliveries(number)
    async with LedgerWriter(redis_url, 10) as acceptor:
        while some := [one for _, one in zip(range(STEP), told, strict=False)]:
            size += sum(bytes_ for _, bytes_, _ in some)
            for event_type, group in groupby(sorted(some, key=lambda one: one[0]), key=lambda one: one[0]):
                lines = [line for *_, line in group]
                batches = [
                    NewBatch(str(uuid7()), event_type, lines[start : start + BATCH], frozenset())
                    for start in range(0, len(lines), BATCH)
                ]
                answers = await acceptor.accept(batches)
                if not all(isinstance(answer, Header) for answer in answers):
                    raise RuntimeError(f"not accepted: {answers[0]}")
            tick()
    return size


def backlog(number: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Bytes of Redis' memory, and of its append-only file, for so many."""
    with place() as directory, redis(directory) as url, Redis.from_url(url) as client:
        before = _sizes(client)
        wire = asyncio.run(filled(url, number, tick))
        after = _sizes(client)
    memory, file = (then - now for then, now in zip(after, before, strict=True))
    return {"deliveries": number, "wire": wire, "memory": memory, "append-only file": file}


def _sizes(client: Any) -> tuple[int, int]:
    told = client.info()
    return int(told["used_memory"]), int(told["aof_current_size"])
