"""Memory of pending deliveries in Redis, in bytes for each byte on the wire."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from redis import Redis
from uuid_utils import uuid7

from bench.servers import redis, temporary_directory
from bench.wrk_scripts import KEYS
from emulator.wire import json_encode
from ledger.batch import Header, NewBatch
from ledger.writer import LedgerWriter
from seven.envelope import Envelope
from seven.events import EVENT_TYPES

BATCH = 64
STEP = 100 * BATCH
SHARES = {"dlr": 70, "tracking": 15, "sms_mo": 7, "voice_status": 5, "voice_call": 3}
"""Of a hundred deliveries, roughly as a sending account receives them."""
VOCABULARY = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyzäöüß", k=2 + n % 9)) for n in range(3000)]


def deliveries(number: int) -> Iterator[tuple[str, int, bytes]]:
    """Event type, bytes on the wire and envelope line of each delivery; no two share an id, a time or a text."""
    chance = random.Random(7)  # equal texts in every run
    at = datetime.now(UTC) - timedelta(minutes=1, milliseconds=10 * number)  # so that none is in the future
    event_types = chance.choices(list(SHARES), list(SHARES.values()), k=number)
    for n, event_type in enumerate(event_types):
        at += timedelta(microseconds=chance.randrange(20_000))
        fields = {**EVENT_TYPES[event_type].example, KEYS[event_type]: f"77{chance.randrange(10**13):013d}"}
        if "text" in fields:
            fields["text"] = " ".join(chance.choices(VOCABULARY, k=12))
        if "timestamp" in fields:
            fields["timestamp"] = f"{at:%Y-%m-%d %H:%M:%S.%f}"
        if "foreign_id" in fields:
            fields["foreign_id"] = f"order-{n}"
        payload = {"data": fields, "webhook_event": event_type, "webhook_timestamp": at.isoformat(timespec="seconds")}
        line = Envelope(str(uuid7()), event_type, at, "JSON", payload, source="203.0.113.7").line()
        yield event_type, len(json_encode(payload)), line


async def fill_ledger(redis_url: str, number: int, tick: Callable[[], None] = lambda: None) -> int:
    """Write deliveries into the ledger as a receiver does, in batches of 64; returns their bytes on the wire."""
    size = 0
    stream = deliveries(number)
    async with LedgerWriter(redis_url, 10) as writer:
        while chunk := [delivery for _, delivery in zip(range(STEP), stream, strict=False)]:
            size += sum(bytes_ for _, bytes_, _ in chunk)
            for event_type, group in groupby(
                sorted(chunk, key=lambda delivery: delivery[0]), key=lambda delivery: delivery[0]
            ):
                lines = [line for *_, line in group]
                batches = [
                    NewBatch(str(uuid7()), event_type, lines[start : start + BATCH], frozenset())
                    for start in range(0, len(lines), BATCH)
                ]
                results = await writer.accept(batches)
                if not all(isinstance(result, Header) for result in results):
                    raise RuntimeError(f"the ledger did not accept a batch: {results[0]}")
            tick()
    return size


def backlog(number: int, tick: Callable[[], None]) -> dict[str, Any]:
    """Bytes that a number of pending deliveries takes in Redis' memory and in its append-only file."""
    with temporary_directory() as directory, redis(directory) as url, Redis.from_url(url) as client:
        before = _sizes(client)
        wire = asyncio.run(fill_ledger(url, number, tick))
        after = _sizes(client)
    memory, file = (size_after - size_before for size_after, size_before in zip(after, before, strict=True))
    return {"deliveries": number, "wire": wire, "memory": memory, "append-only file": file}


def _sizes(client: Any) -> tuple[int, int]:
    info = client.info()
    return int(info["used_memory"]), int(info["aof_current_size"])
