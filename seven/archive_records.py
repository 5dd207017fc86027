"""Archive records: the rows of the deliveries themselves, and what is known of the ledger that accepted them."""

from datetime import datetime
from typing import ClassVar

from seven.joins import earliest, greatest, key, standing
from seven.record import Record, record_class

OUTCOMES = ("parked", "quarantined", "dead", "discarded", "applied")  # from the lowest up in a standing


@record_class
class ArchivedDelivery(Record):
    """One accepted delivery: its payload and its outcome."""

    table: ClassVar[str] = "deliveries"

    id: str = key()
    event_type: str | None = greatest()
    queue: str | None = greatest()
    subject: str | None = greatest()
    received_at: datetime | None = earliest()
    event_at: datetime | None = earliest()
    request_method: str | None = greatest()
    source: str | None = greatest()
    payload: str | None = greatest()
    digest: str | None = greatest()
    outcome: str | None = standing(OUTCOMES)
    reason: str | None = standing()
    remark: str | None = standing()
    applied_at: datetime | None = earliest()
    ledger: str | None = greatest()
    ordinal: int | None = greatest()
    record: str | None = greatest()


@record_class
class DeadLetter(Record):
    """One delivery that could not be applied; its whole envelope, so that it can be replayed."""

    table: ClassVar[str] = "dead_letters"

    id: str = key()
    event_type: str | None = greatest()
    envelope: str | None = greatest()
    failed_at: datetime | None = standing()
    reason: str | None = standing()
    attempts: int | None = greatest()
    replayed_at: datetime | None = greatest()
    discarded_at: datetime | None = greatest()


@record_class
class DeadLetterFailure(Record):
    """One failed attempt at a dead letter: its history, replays included."""

    table: ClassVar[str] = "dead_letter_failures"

    id: str = key()
    attempt: int = key()
    failed_at: datetime | None = earliest()
    reason: str | None = greatest()


@record_class
class LedgerMark(Record):
    """The last ordinal seen of one queue in one life of the ledger: it survives a loss of the Redis data."""

    table: ClassVar[str] = "ledger_marks"

    ledger: str = key()
    queue: str = key()
    last_ordinal: int | None = greatest()
    born_at: datetime | None = earliest()
    seen_at: datetime | None = greatest()
