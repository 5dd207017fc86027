"""Trace ids: made of the ids of deliveries, so that each process names the same trace, and nothing carries it along.

A delivery's id itself would not do: it begins with the time, and the half of it that samplers look at with two bits
that are always the same, so that of one in a hundred none would be sampled.
"""

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace of one delivery or batch."""

    id: int
    """128 bits."""
    root: int
    """The id of its first span, 64 bits: the parent of what other processes add."""
    subject: str
    """The delivery's or batch's own id."""

    @property
    def hex(self) -> str:
        """The trace id as it is written: 32 digits."""
        return f"{self.id:032x}"


def trace_of(subject: str) -> Trace:
    """The trace of the delivery or batch with this id."""
    return _trace(subject, sha256(subject.encode()).digest())


def sampled_trace_of(subject: str, bound: int) -> Trace | None:
    """The same, if the lower half of the trace id is below a bound, as the sampler of a share compares it."""
    digest = sha256(subject.encode()).digest()
    return _trace(subject, digest) if int.from_bytes(digest[8:16]) < bound else None


def _trace(subject: str, digest: bytes) -> Trace:
    return Trace(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]), subject)


def trace_id(delivery_id: str) -> str:
    """The id of a delivery's trace, sampled or not: 32 hex digits, the first half of its id's SHA-256."""
    return trace_of(delivery_id).hex
