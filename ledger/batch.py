"""Batch: envelopes of one queue, accepted together.

A stored batch is a header line, a newline, and the envelopes: a line each, or compressed together from some 2 KiB on.
The header of a compressed batch names the number of envelopes differently, so that a version that cannot decompress it
rejects the batch, and keeps it whole, instead of taking compressed bytes for lines.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ledger.clock import as_time
from ledger.compression import CorruptCompression, compress, decompress, salvage
from seven.field_types import storable

COUNT, PACKED = "count", "packed"
"""The header's key for the number of envelopes: plain, compressed."""


class UnreadableBatch(Exception):  # noqa: N818 - describes the data
    """The bytes stored under a batch id are no batch of any version."""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be written to the ledger. Its id is unique for ever; resent under the same id, it counts once."""

    id: str
    queue: str
    lines: list[bytes]
    fingerprints: frozenset[str]

    def arguments(self, life: str) -> list[bytes | str | int]:
        """The arguments of `accept.lua`; `life` is for a ledger that has none yet."""
        lines = b"\n".join(self.lines)
        compressed, count = compress(lines), len(self.lines)
        form = f'"{COUNT}":{count}' if compressed is None else f'"{PACKED}":{count},"bytes":{len(compressed)}'
        return [self.id, self.queue, count, life, form, compressed or lines, *sorted(self.fingerprints)]


@dataclass(frozen=True, slots=True)
class Header:
    """A batch's header. Fields of a newer version are ignored."""

    queue: str
    life: str
    first: int
    count: int
    accepted_at: datetime
    compressed_size: int | None = None
    """Bytes of the compressed envelopes; None where they are plain lines."""

    @classmethod
    def parse(cls, line: bytes) -> "Header":
        """Read a header line. Raises UnreadableBatch."""
        try:
            fields = json.loads(line)
            is_compressed = PACKED in fields
            header = cls(
                queue=storable(str(fields["queue"])),
                life=storable(str(fields["life"])),
                first=int(fields["first"]),
                count=int(fields[PACKED if is_compressed else COUNT]),
                accepted_at=as_time(fields["accepted_ms"]),
                compressed_size=int(fields["bytes"]) if is_compressed else None,
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise UnreadableBatch(type(error).__name__) from None
        if not 0 < header.first <= header.first + header.count < 2**63:  # the range of an SQL bigint
            raise UnreadableBatch("ordinals out of range")
        return header


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch read from the ledger."""

    id: str
    header: Header
    lines: list[bytes]

    @classmethod
    def parse(cls, batch_id: str, stored: bytes) -> "Batch":
        """Parse a stored batch; of a truncated one, the envelopes that are left. Raises UnreadableBatch."""
        head, _, body = stored.partition(b"\n")
        header = Header.parse(head)
        try:
            size = header.compressed_size
            lines = (body if size is None else decompress(body, size)).split(b"\n")
        except CorruptCompression as error:
            raise UnreadableBatch(str(error)) from None
        if len(lines) > header.count:
            raise UnreadableBatch(f"{len(lines)} envelopes of {header.count}")
        return cls(batch_id, header, lines)

    @property
    def missing(self) -> int:
        """Number of envelopes cut off the end; 0 unless the stored bytes were tampered with."""
        return self.header.count - len(self.lines)

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """Each envelope's line with its ordinal."""
        return enumerate(self.lines, self.header.first)


def searchable(stored: bytes) -> bytes:
    """Stored bytes, followed by the plain text that can be salvaged from them: for a search in unreadable batches."""
    text = salvage(stored.partition(b"\n")[2])
    return stored + b"\n" + text if text else stored
