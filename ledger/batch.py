"""Batch: some envelopes of one queue, accepted together.

Stored it is a header line, a newline, and the envelopes: a line each, or from some 2 KiB on all of them packed. Of
packed ones the header tells the number by another name, so that a version that cannot unpack them finds no batch, and
keeps it whole, instead of reading lines that are none.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.compression import NotPacked, pack, salvage, unpack
from seven.field_types import storable

COUNT, PACKED = "count", "packed"
"""What the header calls the number of envelopes."""


class UnreadableBatch(Exception):  # noqa: N818 - what it is, not whose fault
    """What lies under a batch id is no batch of any version."""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch on its way into the ledger. Its id is unique for ever; it may be resent, and then counts once."""

    id: str
    queue: str
    lines: list[bytes]
    fingerprints: frozenset[str]

    def arguments(self, life: str) -> list[bytes | str | int]:
        """What `accept.lua` takes after its keys; `life` is for a ledger that has none yet."""
        lines = b"\n".join(self.lines)
        packed, count = pack(lines), len(self.lines)
        told = f'"{COUNT}":{count}' if packed is None else f'"{PACKED}":{count},"bytes":{len(packed)}'
        return [self.id, self.queue, count, life, told, packed or lines, *sorted(self.fingerprints)]


@dataclass(frozen=True, slots=True)
class Header:
    """What the ledger says of a batch. A newer version may say more."""

    queue: str
    life: str
    first: int
    count: int
    accepted_at: datetime
    packed: int | None = None
    """How many bytes its envelopes are packed into; None where they are lines."""

    @classmethod
    def parse(cls, line: bytes) -> "Header":
        """Read a header line. Raises UnreadableBatch."""
        try:
            told = json.loads(line)
            packed = PACKED in told
            header = cls(
                queue=storable(str(told["queue"])),
                life=storable(str(told["life"])),
                first=int(told["first"]),
                count=int(told[PACKED if packed else COUNT]),
                accepted_at=datetime.fromtimestamp(told["accepted_ms"] / 1000, UTC),
                packed=int(told["bytes"]) if packed else None,
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise UnreadableBatch(type(error).__name__) from None
        if not 0 < header.first <= header.first + header.count < 2**63:  # what a column can hold
            raise UnreadableBatch("ordinals out of range")
        return header


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it was fetched."""

    id: str
    header: Header
    lines: list[bytes]

    @classmethod
    def parse(cls, batch_id: str, stored: bytes) -> "Batch":
        """Read what lies under a batch id. Raises UnreadableBatch; one that lost its end is read as far as it goes."""
        head, _, body = stored.partition(b"\n")
        header = Header.parse(head)
        try:
            lines = (body if header.packed is None else unpack(body, header.packed)).split(b"\n")
        except NotPacked as error:
            raise UnreadableBatch(str(error)) from None
        if len(lines) > header.count:
            raise UnreadableBatch(f"{len(lines)} envelopes of {header.count}")
        return cls(batch_id, header, lines)

    @property
    def lacking(self) -> int:
        """How many envelopes have been cut off its end; 0 for every batch that nobody meddled with."""
        return self.header.count - len(self.lines)

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """Each envelope's line with its ordinal."""
        return enumerate(self.lines, self.header.first)


def legible(stored: bytes) -> bytes:
    """Whatever lay under a batch id, and what can be unpacked of it: for who looks for words in what is no batch."""
    found = salvage(stored.partition(b"\n")[2])
    return stored + b"\n" + found if found else stored
