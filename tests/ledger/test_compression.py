"""Compressed batches: a backlog takes little memory, every batch reads as it was, and damage is detected."""

import asyncio
import gzip
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils import uuid7

from emulator.wire import json_encode
from ingest.batcher import BATCH_BYTES
from ingest.envelopes import Received, classify
from ledger.batch import Batch, Header, NewBatch, UnreadableBatch, searchable
from ledger.client import Ledger
from ledger.compression import LARGEST, PAYS_FROM, CorruptCompression, compress, decompress, salvage
from ledger.writer import LedgerWriter
from seven.delivery import Delivery
from seven.events import EVENT_TYPES
from tests.servers import PATIENCE_S

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
LIMIT = 64 * 1024
ID_FIELDS = {"dlr": "msg_id", "tracking": "sms_id"}


def bodies(event_type: str, number: int, **fields: Callable[[random.Random], str]) -> list[bytes]:
    """JSON deliveries as in the vendor's examples, each of another message and time."""
    chance = random.Random(event_type)
    return [
        json_encode(
            {
                "data": {
                    **EVENT_TYPES[event_type].example,
                    ID_FIELDS.get(event_type, "id"): str(chance.randrange(10**10, 10**11)),
                    **{name: make(chance) for name, make in fields.items()},
                },
                "webhook_event": event_type,
                "webhook_timestamp": (AT + timedelta(seconds=chance.randrange(86_400))).isoformat(),
            }
        )
        for _ in range(number)
    ]


def enveloped(deliveries: list[bytes]) -> list[bytes]:
    """The envelopes that a receiver makes of deliveries."""
    return [
        classify(
            Received(
                str(uuid7()), Delivery("POST", b"", body), len(body), None, AT + timedelta(microseconds=83 * n),
                "203.0.113.7", None,
            ),
            LIMIT,
        ).envelope.line()
        for n, body in enumerate(deliveries)
    ]  # fmt: skip


def stored(lines: list[bytes]) -> bytes:
    """A batch as `accept.lua` stores it."""
    _, queue, _, life, form, body, *_ = NewBatch("b", "dlr", lines, frozenset()).arguments("l" * 32)
    return f'{{"v":1,"queue":"{queue}","life":"{life}","first":1,{form},"accepted_ms":1793527200000}}\n'.encode() + body


def parsed(content: bytes) -> Batch | None:
    try:
        return Batch.parse("b", content)
    except UnreadableBatch:
        return None


def text(chance: random.Random) -> str:
    return "".join(chance.choice("абвгдежзийклмнопрстуфхцчшщыьэюя ") for _ in range(70))


async def fill(url: str, lines: list[bytes], batch: int) -> None:
    async with LedgerWriter(url, PATIENCE_S) as writer:
        for start in range(0, len(lines), batch):
            new = NewBatch(str(uuid7()), "dlr", lines[start : start + batch], frozenset({"f00d"}))
            assert [type(answer) for answer in await writer.accept([new])] == [Header]


def test_a_backlog_takes_little_memory(redis_url: str, ledger: Ledger):
    """20,000 status reports in batches of 64 take at most 0.7 bytes of Redis per byte received, all keys included."""
    deliveries = bodies("dlr", 20_000)
    lines = enveloped(deliveries)
    asyncio.run(fill(redis_url, lines[:64], 64))  # loads the scripts
    ledger.redis.flushall()
    before = int(ledger.redis.info("memory")["used_memory"])
    asyncio.run(fill(redis_url, lines, 64))
    used = int(ledger.redis.info("memory")["used_memory"]) - before
    assert 0.1 < used / sum(map(len, deliveries)) < 0.7


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_event_type_compresses_well(event_type: str):
    """In batches of 64 each takes at most 0.4 bytes per byte received, and reads as it was."""
    deliveries = bodies(event_type, 64)
    lines = enveloped(deliveries)
    kept = stored(lines)
    assert len(kept) < 0.4 * sum(map(len, deliveries))
    assert Batch.parse("b", kept).lines == lines


@pytest.mark.parametrize("number", [1, 2, 5, 6, 16, 64, 256])
def test_batches_of_any_size_are_fetched_unchanged(redis_url: str, ledger: Ledger, number: int):
    """Plain or compressed, Redis returns the same envelopes with the same ordinals; the header tells which it is."""
    lines = enveloped(bodies("sms_mo", number, text=text))
    asyncio.run(fill(redis_url, lines, 256))
    (batch_id,) = ledger.redis.hkeys("seven:batches")
    (batch,) = ledger.fetch([batch_id.decode()])
    assert isinstance(batch, Batch)
    assert (batch.lines, batch.missing, batch.header.first) == (lines, 0, 1)
    assert (
        (batch.header.compressed_size is not None) == (sum(map(len, lines)) + number - 1 >= PAYS_FROM) == (number > 2)
    )
    assert ledger.redis.hstrlen("seven:batches", batch_id) < 200 + sum(map(len, lines)) + number


@given(lines=st.lists(st.binary(max_size=400).map(lambda line: line.replace(b"\n", b" ")), min_size=1, max_size=40))
def test_any_lines_read_as_they_were(lines: list[bytes]):
    """A batch keeps lines of any content, however little they have in common."""
    assert Batch.parse("b", stored(lines)).lines == lines


def test_small_and_very_large_batches_stay_plain():
    """A single delivery costs no compression, and no batch is compressed that readers refuse to decompress."""
    assert [compress(b"x" * size) is None for size in (PAYS_FROM - 1, PAYS_FROM, LARGEST, LARGEST + 1)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert parsed(stored([b"x" * (LARGEST + 1)])) is not None
    assert LARGEST >= BATCH_BYTES + 12 * LIMIT  # a body of NUL bytes, escaped, and its envelope


def test_an_older_version_rejects_a_compressed_batch():
    """Without `count` it keeps the whole as a dead letter for a replay, and takes no compressed bytes for lines."""
    head, _, body = stored(enveloped(bodies("dlr", 64))).partition(b"\n")
    assert body.count(b"\n") < 64
    assert "count" not in json.loads(head)


def test_a_truncated_compressed_batch_keeps_its_first_envelopes():
    """Cut anywhere, it has the envelopes before the cut, the last maybe in part, and the number of missing ones."""
    lines = enveloped(bodies("dlr", 64))
    kept = stored(lines)
    whole = b"\n".join(lines)
    begin = kept.index(b"\n") + 1
    read = []
    for end in range(len(kept)):
        batch = parsed(kept[:end])
        assert (batch is None) == (end < begin - 1)
        if batch is not None:
            assert whole.startswith(b"\n".join(batch.lines))
            assert batch.missing == 64 - len(batch.lines)
            read.append(len(batch.lines))
    assert read == sorted(read)
    assert set(read) > {2, 30, 63, 64}


@pytest.mark.parametrize("number", [6, 64])
def test_a_compressed_batch_with_a_flipped_bit_is_rejected(number: int):
    """Parsing raises nothing else and changes no envelope, also where the flip hides the end of the stream."""
    lines = enveloped(bodies("dlr", number))
    kept = stored(lines)
    for at in range(kept.index(b"\n") + 1, len(kept)):
        batch = parsed(kept[:at] + bytes([kept[at] ^ 1 << at % 8]) + kept[at + 1 :])
        assert batch is None or batch.lines == lines


@given(at=st.integers(0, 150), bits=st.integers(1, 255), number=st.sampled_from([1, 64]))
def test_a_header_with_flipped_bits_raises_nothing_else(at: int, bits: int, number: int):
    """Plain or compressed, it parses, or raises UnreadableBatch."""
    content = bytearray(stored([b'{"id":"x"}' * 4] * number))
    content[at % len(content)] ^= bits
    parsed(bytes(content))


@pytest.mark.parametrize(
    ("body", "size", "reason"),
    [
        pytest.param(b"\x00garbage", 8, "its envelopes cannot be unpacked", id="garbage"),
        pytest.param(b'{"id":"x"}', 10, "its envelopes cannot be unpacked", id="plain"),
        pytest.param(gzip.compress(b"{}") + b"\n{}", 25, "something lies behind its envelopes", id="more behind it"),
        pytest.param(gzip.compress(b"{}\n{}"), 24, "something lies behind its envelopes", id="larger than declared"),
        pytest.param(gzip.compress(b"{}\n{}")[:-1], 24, "its envelopes cannot be unpacked", id="without an end"),
        pytest.param(gzip.compress(b"{}\n{}\n{}"), 99, "3 envelopes of 2", id="too many"),
    ],
)
def test_foreign_bytes_are_no_batch(body: bytes, size: int, reason: str):
    """UnreadableBatch gives the reason."""
    head = b'{"queue":"dlr","life":"l","first":1,"packed":2,"bytes":%d,"accepted_ms":1}\n' % size
    with pytest.raises(UnreadableBatch, match=reason):
        Batch.parse("b", head + body)


def test_a_bomb_is_no_batch():
    """However large the decompressed bytes would be."""
    test_foreign_bytes_are_no_batch(
        gzip.compress(bytes(2**28), 1), 2**28, f"unpacked it is larger than {LARGEST} bytes"
    )


def test_damaged_batches_can_be_searched():
    """The bytes decompressed before the damage are searchable, up to a limit; any other bytes stay as they are."""
    lines = enveloped(bodies("dlr", 64))
    kept = stored(lines)
    begin = kept.index(b"\n") + 1
    half = begin + (len(kept) - begin) // 2
    damaged = kept[:half] + bytes(9) + kept[half + 9 :]
    assert parsed(damaged) is None
    assert all(line in searchable(damaged) for line in lines[:25])
    assert searchable(kept[begin:]) == kept[begin:]
    assert searchable(stored(lines[:2])) == stored(lines[:2])
    assert LARGEST <= len(salvage(gzip.compress(bytes(2**26)))) < LARGEST + 4096


@given(compressed=st.binary(max_size=200) | st.binary(max_size=200).map(gzip.compress))
def test_any_bytes_are_decompressed_or_rejected(compressed: bytes):
    """Decompression raises CorruptCompression only."""
    lines: bytes | None = None
    try:
        lines = decompress(compressed, len(compressed))
    except CorruptCompression:
        salvage(compressed)
    assert lines is None or lines == salvage(compressed)
