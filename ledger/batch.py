"""Batch: some envelopes of one queue, accepted together."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from seven.words import storable


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
        return [self.id, self.queue, len(self.lines), life, b"\n".join(self.lines), *sorted(self.fingerprints)]


@dataclass(frozen=True, slots=True)
class Header:
    """What the ledger says of a batch. A newer version may say more."""

    queue: str
    life: str
    first: int
    count: int
    accepted_at: datetime

    @classmethod
    def parse(cls, line: bytes) -> "Header":
        """Read a header line. Raises UnreadableBatch."""
        try:
            told = json.loads(line)
            header = cls(
                queue=storable(str(told["queue"])),
                life=storable(str(told["life"])),
                first=int(told["first"]),
                count=int(told["count"]),
                accepted_at=datetime.fromtimestamp(told["accepted_ms"] / 1000, UTC),
            )
        except (ValueError, KeyError, TypeError, OverflowError) as error:
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
        header, lines = Header.parse(head), body.split(b"\n")
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
