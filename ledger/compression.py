"""Packing: a batch's envelopes as one gzip stream, an eighth of their size, since one tells nearly what the other does.

Of 64 envelopes of a `dlr` level 1 leaves 45 bytes each for half a microsecond; level 6 takes three times as long for
39. The figures, and what else was measured: `docs/decisions/0016-batches-are-packed.md`.
"""

import zlib
from contextlib import suppress

LEVEL = 1

GZIP = 16 + zlib.MAX_WBITS
"""The form with a CRC-32: the Adler-32 of zlib's own form let 11 of 170,000 flipped bits pass."""

PAYS_FROM = 2048
"""Bytes, some six envelopes: to begin a stream takes 5 µs, for which a few have too little in common."""

LARGEST = 4 * 1024 * 1024
"""Bytes of envelopes that are packed, and so all that a reader ever unpacks; four times what a receiver gathers."""


class NotPacked(Exception):  # noqa: N818 - what it is, not whose fault
    """What was to be unpacked has been altered, or was never packed by us."""


def pack(lines: bytes) -> bytes | None:
    """Envelopes packed; None where it does not pay, or where they are too large to be unpacked."""
    return zlib.compress(lines, LEVEL, GZIP) if PAYS_FROM <= len(lines) <= LARGEST else None


def unpack(packed: bytes, size: int) -> bytes:
    """What was packed into so many bytes; of something that lost its end, what is left of it. Raises NotPacked.

    An altered byte may have changed any envelope, so of those none is believed. It may also hide the end of the
    stream: only its size tells that from one that was cut off.
    """
    stream = zlib.decompressobj(GZIP)
    try:
        lines = stream.decompress(packed, LARGEST + 1)
    except zlib.error:
        raise NotPacked("its envelopes cannot be unpacked") from None
    if len(lines) > LARGEST:
        raise NotPacked(f"unpacked it is larger than {LARGEST} bytes")
    if stream.unused_data or len(packed) > size:
        raise NotPacked("something lies behind its envelopes")
    if not stream.eof and len(packed) == size:
        raise NotPacked("its envelopes cannot be unpacked")
    return lines


def salvage(packed: bytes) -> bytes:
    """What comes out of any bytes before they turn out to be damaged: to be searched, not to be believed."""
    stream, found = zlib.decompressobj(GZIP), bytearray()
    with suppress(zlib.error):
        for at in range(len(packed)):  # one by one: zlib gives nothing of a piece with an error in it
            if stream.eof or len(found) >= LARGEST:
                break
            found += stream.decompress(packed[at : at + 1])
    return bytes(found)
