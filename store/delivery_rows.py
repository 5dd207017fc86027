"""Delivery rows: what one delivery becomes, whether it is applied, parked or buried."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from seven.archive_records import ArchivedDelivery, DeadLetter, DeadLetterFailure
from seven.record import Record
from store.errors import OTHERS_ID


@dataclass(frozen=True, slots=True)
class Projection:
    """One delivery: its own row, the records that it contributes to, and its whole envelope as text."""

    delivery: ArchivedDelivery
    records: tuple[Record, ...]
    envelope: str | None
    """None if it names somebody who was forgotten."""
    masked: bool = False
    """Whether the delivery had something that must not be stored."""

    @property
    def is_blanked(self) -> bool:
        """Whether it named somebody who was forgotten."""
        return self.envelope is None

    def rows(self) -> tuple[Record, ...]:
        """All rows to write for it."""
        return (self.delivery, *self.records)

    def buried(self, reason: str, attempt: int = 1) -> tuple[ArchivedDelivery, DeadLetter, DeadLetterFailure]:
        """The rows to write instead if those are refused: the delivery as dead, and a dead letter for its replay."""
        now = datetime.now(UTC)
        return (
            replace(self.delivery, outcome="dead", reason=reason, remark=None, applied_at=None),
            DeadLetter(
                id=self.delivery.id,
                event_type=self.delivery.event_type,
                envelope=self.envelope,
                reason=reason,
                failed_at=now,
                attempts=attempt,
            ),
            DeadLetterFailure(id=self.delivery.id, attempt=attempt, failed_at=now, reason=reason),
        )

    def refused(self, reason: str, attempt: int = 1) -> "Projection":
        """The same delivery, which cannot be written: buried; parked if its message has the id of another one."""
        if reason != OTHERS_ID:
            return self.dead(reason, attempt)
        parked = replace(
            self.delivery,
            outcome="parked",
            reason=reason,
            record=None,
            subject=None,
            event_at=None,
            remark=None,
            applied_at=None,
        )
        return Projection(parked, (), self.envelope, self.masked)

    def dead(self, reason: str, attempt: int = 1) -> "Projection":
        """The same delivery, buried."""
        delivery, *letter = self.buried(reason, attempt)
        return Projection(delivery, tuple(letter), self.envelope, self.masked)
