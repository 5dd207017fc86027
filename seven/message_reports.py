"""Message reports: what a report on a message of ours, by SMS or another channel, says of the message."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from seven.event import Event
from seven.field_types import Reference, ShortText
from seven.record import Record
from seven.records import Message, MessageReceipt, MessageStatus
from seven.statuses import Statuses
from seven.timestamps import Moment

# Words from the vendor's status-reports page. It does not say which are final: five independent receivers agree on
# these. Of two final statuses reported for one instant, the later in this order stands. SENT is a word of WhatsApp's.
STATUSES = Statuses(
    passing=("ACCEPTED", "BUFFERED", "TRANSMITTED"),
    final=("REJECTED", "FAILED", "NOTDELIVERED", "EXPIRED", "DELIVERED"),
    results=(
        ("pending", frozenset({"ACCEPTED", "BUFFERED", "TRANSMITTED", "SENT"})),
        ("failed", frozenset({"REJECTED", "FAILED", "NOTDELIVERED", "EXPIRED"})),
        ("delivered", frozenset({"DELIVERED"})),
    ),
    unranked=("SENT",),
)

_READ = "read"


class MessageReport(Event):
    """A report on one message: a status, or the receipt that it was read. Subclasses are event types, or shapes."""

    about: ClassVar = Message

    msg_id: ShortText
    status: ShortText  # not an enum: a status coined tomorrow must not become a dead letter
    timestamp: Moment | None = None  # Berlin wall time without offset
    foreign_id: Reference | None = None  # not in the documented sample, read by receivers in production

    @property
    def at(self) -> datetime:
        """When it happened: the report's own time, else that of its sending."""
        return self.timestamp or self.reported_at

    @property
    def subject(self) -> str:
        """The message's id, as the answer to its sending gave it."""
        return self.msg_id

    def summary(self, masked: bool) -> str:
        """The status."""
        is_known = self._is_read or STATUSES.is_known(self.status)
        return self.status if not masked or is_known else "an unknown status"

    def records(self, *, receipts: bool = False) -> Iterator[Record]:
        """The message's standing, with an entry of its history or a receipt; `receipts`: also one of its delivery."""
        if self._is_read:
            yield from self._read()
            return
        result, at = STATUSES.result(self.status), self.at
        yield Message(
            msg_id=self.msg_id,
            final=STATUSES.is_final(self.status),
            status_at=at,
            rank=STATUSES.rank(self.status),
            status=self.status,
            result=result,
            undated=self.undated,
            foreign_id=self.foreign_id,
            first_seen_at=at,
            last_seen_at=self.timestamp,
            delivered_at=at if result == "delivered" else None,
        )
        yield MessageStatus(msg_id=self.msg_id, status=self.status, at=at, undated=self.undated)
        if receipts and result == "delivered":
            yield self._receipt("delivered")

    @property
    def _is_read(self) -> bool:
        return self.status.casefold() == _READ

    def _read(self) -> Iterator[Record]:
        """A message that was read has arrived. When was not reported: any reported final status stands above."""
        yield Message(
            msg_id=self.msg_id,
            final=True,
            status="DELIVERED",
            result="delivered",
            foreign_id=self.foreign_id,
            first_seen_at=self.at,
            last_seen_at=self.timestamp,
            read_at=self.at,
        )
        yield self._receipt(_READ)

    def _receipt(self, kind: str) -> Record:
        return MessageReceipt(msg_id=self.msg_id, kind=kind, at=self.at, undated=self.undated)
