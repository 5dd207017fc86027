"""Compression: a batch's envelopes as one gzip stream, an eighth of their size, since they are nearly alike.

Level 1 leaves 45 bytes of each of 64 `dlr` envelopes, in half a microsecond; level 6 takes three times as long for
39. All measurements: `docs/decisions/0016-batches-are-packed.md`.
"""

import zlib
from contextlib import suppress

LEVEL = 1

GZIP = 16 + zlib.MAX_WBITS
"""The format with a CRC-32: the Adler-32 of zlib's own format let 11 of 170,000 flipped bits pass."""

PAYS_FROM = 2048
"""Bytes, some six envelopes: starting a stream takes 5 µs, which fewer envelopes do not repay."""

LARGEST = 4 * 1024 * 1024
"""Most bytes of envelopes that are compressed or decompressed; four times a receiver's largest batch."""


class CorruptCompression(Exception):  # noqa: N818 - describes the data
    """The bytes have been altered, or were never compressed by this module."""


def compress(lines: bytes) -> bytes | None:
    """Compress envelopes; None where it does not pay, or where they are too large to be decompressed."""
    return zlib.compress(lines, LEVEL, GZIP) if PAYS_FROM <= len(lines) <= LARGEST else None


def decompress(compressed: bytes, size: int) -> bytes:
    """Decompress a stream of `size` bytes; of a truncated one, what is left. Raises CorruptCompression.

    An altered byte may have changed any envelope, so an altered stream is rejected whole. It may also hide the end of
    the stream: only its size tells that from a truncated one.
    """
    stream = zlib.decompressobj(GZIP)
    try:
        lines = stream.decompress(compressed, LARGEST + 1)
    except zlib.error:
        raise CorruptCompression("its envelopes cannot be unpacked") from None
    if len(lines) > LARGEST:
        raise CorruptCompression(f"unpacked it is larger than {LARGEST} bytes")
    if stream.unused_data or len(compressed) > size:
        raise CorruptCompression("something lies behind its envelopes")
    if not stream.eof and len(compressed) == size:
        raise CorruptCompression("its envelopes cannot be unpacked")
    return lines


def salvage(compressed: bytes) -> bytes:
    """Decompress any bytes up to the first damage: to be searched, not to be trusted."""
    stream, salvaged = zlib.decompressobj(GZIP), bytearray()
    with suppress(zlib.error):
        for at in range(len(compressed)):  # byte by byte: zlib returns nothing of a chunk that contains an error
            if stream.eof or len(salvaged) >= LARGEST:
                break
            salvaged += stream.decompress(compressed[at : at + 1])
    return bytes(salvaged)
