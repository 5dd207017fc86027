"""Packed batches: a backlog takes little memory, what was packed comes back, and damage is told from envelopes."""

import asyncio
import gzip
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils import uuid7

from emulator.wire import json_encode
from ingest.batcher import BATCH_BYTES
from ingest.envelopes import Received, classify
from ledger.batch import Batch, Header, NewBatch, UnreadableBatch, legible
from ledger.client import Ledger
from ledger.compression import LARGEST, PAYS_FROM, NotPacked, pack, salvage, unpack
from ledger.writer import LedgerWriter
from seven.delivery import Delivery
from seven.events import EVENT_TYPES
from tests.servers import PATIENCE_S

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
LIMIT = 64 * 1024
NAMED_BY = {"dlr": "msg_id", "sms_mo": "id", "tracking": "sms_id", "voice_call": "id", "voice_status": "id"}


def bodies(event_type: str, number: int, **told: Callable[[random.Random], str]) -> list[bytes]:
    """Deliveries on the wire as the vendor shows them, each of another message and moment; JSON."""
    chance = random.Random(event_type)
    return [
        json_encode(
            {
                "data": {
                    **EVENT_TYPES[event_type].example,
                    NAMED_BY[event_type]: str(chance.randrange(10**10, 10**11)),
                    **{name: make(chance) for name, make in told.items()},
                },
                "webhook_event": event_type,
                "webhook_timestamp": (AT + timedelta(seconds=chance.randrange(86_400))).isoformat(),
            }
        )
        for _ in range(number)
    ]


def enveloped(told: list[bytes]) -> list[bytes]:
    """What a receiver makes of them."""
    return [
        classify(
            Received(
                str(uuid7()), Delivery("POST", b"", body), len(body), None, AT + timedelta(microseconds=83 * n),
                "203.0.113.7", None,
            ),
            LIMIT,
        ).envelope.line()
        for n, body in enumerate(told)
    ]  # fmt: skip


def stored(lines: list[bytes]) -> bytes:
    """As `accept.lua` stores them."""
    _, queue, _, life, told, body, *_ = NewBatch("b", "dlr", lines, frozenset()).arguments("l" * 32)
    return f'{{"v":1,"queue":"{queue}","life":"{life}","first":1,{told},"accepted_ms":1793527200000}}\n'.encode() + body


def parsed(told: bytes) -> Batch | None:
    try:
        return Batch.parse("b", told)
    except UnreadableBatch:
        return None


def text(chance: random.Random) -> str:
    return "".join(chance.choice("абвгдежзийклмнопрстуфхцчшщыьэюя ") for _ in range(70))


async def fill(url: str, lines: list[bytes], batch: int) -> None:
    async with LedgerWriter(url, PATIENCE_S) as acceptor:
        for start in range(0, len(lines), batch):
            new = NewBatch(str(uuid7()), "dlr", lines[start : start + batch], frozenset({"f00d"}))
            assert [type(answer) for answer in await acceptor.accept([new])] == [Header]


def test_a_backlog_takes_little_memory(redis_url: str, ledger: Ledger):
    """Of 20,000 status reports in batches of 64, at most 0.7 bytes of Redis for each byte that came, all keys counted."""
    told = bodies("dlr", 20_000)
    lines = enveloped(told)
    asyncio.run(fill(redis_url, lines[:64], 64))  # its scripts
    ledger.redis.flushall()
    before = int(ledger.redis.info("memory")["used_memory"])
    asyncio.run(fill(redis_url, lines, 64))
    used = int(ledger.redis.info("memory")["used_memory"]) - before
    assert 0.1 < used / sum(map(len, told)) < 0.7


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_event_type_is_packed(event_type: str):
    """In batches of 64 each takes at most 0.4 bytes for each that came, and reads as it was."""
    told = bodies(event_type, 64)
    lines = enveloped(told)
    kept = stored(lines)
    assert len(kept) < 0.4 * sum(map(len, told))
    assert Batch.parse("b", kept).lines == lines


@pytest.mark.parametrize("number", [1, 2, 5, 6, 16, 64, 256])
def test_batches_of_any_size_come_back(redis_url: str, ledger: Ledger, number: int):
    """Through Redis, plain or packed: the same envelopes under the same ordinals; the header tells which it is."""
    lines = enveloped(bodies("sms_mo", number, text=text))
    asyncio.run(fill(redis_url, lines, 256))
    (batch_id,) = ledger.redis.hkeys("seven:batches")
    (found,) = ledger.fetch([batch_id.decode()])
    assert isinstance(found, Batch)
    assert (found.lines, found.lacking, found.header.first) == (lines, 0, 1)
    assert (found.header.packed is not None) == (sum(map(len, lines)) + number - 1 >= PAYS_FROM) == (number > 2)
    assert ledger.redis.hstrlen("seven:batches", batch_id) < 200 + sum(map(len, lines)) + number


@given(lines=st.lists(st.binary(max_size=400).map(lambda line: line.replace(b"\n", b" ")), min_size=1, max_size=40))
def test_any_lines_come_back(lines: list[bytes]):
    """Whatever is in them, and however little they have in common."""
    assert Batch.parse("b", stored(lines)).lines == lines


def test_what_is_small_or_very_large_stays_plain():
    """A delivery by itself costs no time, and nothing is packed that nobody would unpack."""
    assert [pack(b"x" * size) is None for size in (PAYS_FROM - 1, PAYS_FROM, LARGEST, LARGEST + 1)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert parsed(stored([b"x" * (LARGEST + 1)])) is not None
    assert LARGEST >= BATCH_BYTES + 12 * LIMIT  # of a body, each byte a NUL, and of its form


def test_an_older_version_finds_no_batch_in_a_packed_one():
    """It asks for `count`, buries the whole for want of it, and a replay reads it: it never takes bytes for lines."""
    head, _, body = stored(enveloped(bodies("dlr", 64))).partition(b"\n")
    assert body.count(b"\n") < 64
    assert "count" not in json.loads(head)


def test_a_packed_batch_is_read_as_far_as_it_goes():
    """Cut off anywhere: the envelopes before are there, one may be a part, and it says how many are lacking."""
    lines = enveloped(bodies("dlr", 64))
    kept = stored(lines)
    whole = b"\n".join(lines)
    begin = kept.index(b"\n") + 1
    read = []
    for end in range(len(kept)):
        found = parsed(kept[:end])
        assert (found is None) == (end < begin - 1)
        if found is not None:
            assert whole.startswith(b"\n".join(found.lines))
            assert found.lacking == 64 - len(found.lines)
            read.append(len(found.lines))
    assert read == sorted(read)
    assert set(read) > {2, 30, 63, 64}


@pytest.mark.parametrize("number", [6, 64])
def test_a_packed_batch_with_a_flipped_bit_is_not_believed(number: int):
    """Nothing is thrown, and no envelope is another than it was, also where the flip hides the end of the stream."""
    lines = enveloped(bodies("dlr", number))
    kept = stored(lines)
    for at in range(kept.index(b"\n") + 1, len(kept)):
        found = parsed(kept[:at] + bytes([kept[at] ^ 1 << at % 8]) + kept[at + 1 :])
        assert found is None or found.lines == lines


@given(at=st.integers(0, 150), bits=st.integers(1, 255), number=st.sampled_from([1, 64]))
def test_a_header_with_flipped_bits_throws_nothing(at: int, bits: int, number: int):
    """Plain or packed: it is a batch, or it is none."""
    told = bytearray(stored([b'{"id":"x"}' * 4] * number))
    told[at % len(told)] ^= bits
    parsed(bytes(told))


@pytest.mark.parametrize(
    ("body", "size", "reason"),
    [
        pytest.param(b"\x00garbage", 8, "its envelopes cannot be unpacked", id="garbage"),
        pytest.param(b'{"id":"x"}', 10, "its envelopes cannot be unpacked", id="plain"),
        pytest.param(gzip.compress(b"{}") + b"\n{}", 25, "something lies behind its envelopes", id="more behind it"),
        pytest.param(gzip.compress(b"{}\n{}"), 24, "something lies behind its envelopes", id="larger than told"),
        pytest.param(gzip.compress(b"{}\n{}")[:-1], 24, "its envelopes cannot be unpacked", id="without an end"),
        pytest.param(gzip.compress(b"{}\n{}\n{}"), 99, "3 envelopes of 2", id="too many"),
        pytest.param(gzip.compress(bytes(2**28)), 2**28, f"unpacked it is larger than {LARGEST} bytes", id="a bomb"),
    ],
)
def test_what_was_never_packed_by_us_is_no_batch(body: bytes, size: int, reason: str):
    """It says why, whatever its size would be."""
    head = b'{"queue":"dlr","life":"l","first":1,"packed":2,"bytes":%d,"accepted_ms":1}\n' % size
    with pytest.raises(UnreadableBatch, match=reason):
        Batch.parse("b", head + body)


def test_damaged_batches_can_be_searched():
    """What comes out before the damage is legible, bounded; of anything else, only what it is."""
    lines = enveloped(bodies("dlr", 64))
    kept = stored(lines)
    begin = kept.index(b"\n") + 1
    half = begin + (len(kept) - begin) // 2
    damaged = kept[:half] + bytes(9) + kept[half + 9 :]
    assert parsed(damaged) is None
    assert all(line in legible(damaged) for line in lines[:25])
    assert legible(kept[begin:]) == kept[begin:]
    assert legible(stored(lines[:2])) == stored(lines[:2])
    assert LARGEST <= len(salvage(gzip.compress(bytes(2**26)))) < LARGEST + 4096


@given(packed=st.binary(max_size=200) | st.binary(max_size=200).map(gzip.compress))
def test_any_bytes_are_unpacked_or_are_not(packed: bytes):
    """Nothing else is thrown."""
    found: Any = None
    try:
        found = unpack(packed, len(packed))
    except NotPacked:
        salvage(packed)
    assert found is None or found == salvage(packed)
