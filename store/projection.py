"""Projection: turns one delivery into its rows, fresh from a batch or again from the archive."""

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ledger.batch import Batch
from ledger.client import Unreadable
from seven.archive_records import ArchivedDelivery
from seven.delivery import Delivery, Payload
from seven.digest import delivery_digest
from seven.envelope import CUT, RAW, Envelope, peek_id
from seven.errors import NotUnderstood, UnreadableEnvelope
from seven.event import fields_too_far_ahead
from seven.journal import JOURNAL
from seven.journal_records import journal_records
from seven.key_presses import masked_keys, may_have_keys
from seven.opt_outs import opt_outs_of
from seven.parsing import Fields
from store.delivery_rows import Projection
from store.forgotten_blanks import without_forgotten
from store.projection_options import NO_OPTIONS, ProjectionOptions

DIED = "workers died with it alone in hand"
"""The reason of a dead letter that workers buried without parsing it, since parsing may have killed them."""


def project_batch(batch: Batch, options: ProjectionOptions = NO_OPTIONS) -> list[Projection]:
    """Parse a batch's envelopes and project their events, each on its own."""
    return [project_line(numbered(batch, ordinal), line, options=options) for ordinal, line in batch.numbered()]


def numbered(batch: Batch, ordinal: int) -> ArchivedDelivery:
    """The row of a delivery from its batch alone; its id is provisional until the envelope provides the real one."""
    return ArchivedDelivery(
        id=f"{batch.id}-{ordinal}",
        queue=batch.header.queue,
        received_at=batch.header.accepted_at,
        ledger=batch.header.life,
        ordinal=ordinal,
    )


def project_line(
    row: ArchivedDelivery,
    line: bytes,
    attempt: int = 1,
    *,
    trusted: bool = False,
    reference_at: datetime | None = None,
    options: ProjectionOptions = NO_OPTIONS,
) -> Projection:
    """Project an envelope as stored in the ledger. Raises nothing: a line that is no envelope becomes a dead letter.

    `trusted`: an operator has checked it, so a doubt no longer counts. `reference_at` as in `project_envelope`.
    """
    try:
        envelope = Envelope.parse(line)
        envelope = replace(envelope, doubt=None) if trusted else envelope
    except UnreadableEnvelope as error:
        unread = unread_envelope(row, line).dead(str(error), attempt)
        return unread if options.forgotten is None else without_forgotten(unread, options.forgotten, None)
    return project_envelope(
        row, envelope, line.decode("ascii", "backslashreplace"), attempt, reference_at=reference_at, options=options
    )


def project_envelope(
    row: ArchivedDelivery,
    envelope: Envelope,
    text: str,
    attempt: int = 1,
    *,
    reference_at: datetime | None = None,
    options: ProjectionOptions = NO_OPTIONS,
) -> Projection:
    """Project an envelope. Raises nothing: a payload that is not understood is parked, a failed projection is dead.

    The receiver has checked the payload already, but this check decides: a worker may be newer, and knows more than one
    clock. A time in the payload is plausible up to a day after the batch was accepted; for a delivery that is processed
    again, up to a day after `reference_at`, unless the remark of `row` says that it was too late before. An implausible
    one is ignored, and named in the remark.
    """
    masked = envelope if options.keep_digits else _without_keys(envelope)
    if masked is envelope:
        projection = _project(row, envelope, text, attempt, reference_at=reference_at, options=options)
    else:
        text = masked.line().decode("ascii")
        projection = replace(
            _project(row, masked, text, attempt, reference_at=reference_at, options=options), masked=True
        )
    if options.forgotten is None:
        return projection
    decoded = masked.payload if isinstance(masked.payload, dict) else None
    return without_forgotten(projection, options.forgotten, decoded)


def _project(
    row: ArchivedDelivery,
    envelope: Envelope,
    text: str,
    attempt: int,
    *,
    reference_at: datetime | None,
    options: ProjectionOptions,
) -> Projection:
    event_type, digest, now = envelope.event_type, None, datetime.now(UTC)

    def archived(**result: Any) -> ArchivedDelivery:
        """The delivery's row, built only once: a record costs as much as parsing a delivery."""
        return ArchivedDelivery(
            id=envelope.id,
            event_type=event_type,
            queue=row.queue,
            ledger=row.ledger,
            ordinal=row.ordinal,
            received_at=envelope.received_at,
            request_method=envelope.request_method,
            source=envelope.source,
            payload=envelope.payload_text,
            digest=digest or delivery_digest(envelope.event_type, envelope.payload),
            **result,
        )

    try:
        payload = Payload.of(_fields(envelope), envelope.event_type)
        event_type, digest = payload.event_type, payload.digest()
        if envelope.doubt is not None:
            return _quarantined(archived, envelope, text)
        until = reference_at or _accepted_at(envelope, row, now)
        event = payload.event(envelope.received_at, until, fields_too_far_ahead(row.remark))
        records = tuple(event.project())
        if envelope.request_method == JOURNAL:
            records = tuple(journal_records(records))
        records += tuple(opt_outs_of(event, records, options.opt_out_words, options.country_code))
        applied = archived(
            record=event.about.table,
            subject=event.subject,
            event_at=event.at,
            outcome="applied",
            remark=event.remark,
            applied_at=now,
        )
    except NotUnderstood as parked:
        if envelope.doubt is not None:
            return _quarantined(archived, envelope, text)
        return Projection(archived(outcome="parked", reason=parked.reason), (), text)
    except Exception as error:  # noqa: BLE001 - a fault in one projection must not block its whole batch
        return Projection(archived(), (), text).dead(f"could not be projected: {type(error).__name__}", attempt)
    return Projection(applied, records, text)


def _without_keys(envelope: Envelope) -> Envelope:
    """The envelope without keys that were pressed in a call; itself if it has none. Older receivers masked nothing."""
    payload, event_type = envelope.payload, envelope.event_type
    if not may_have_keys(payload, event_type):  # the usual case
        return envelope
    with suppress(NotUnderstood):
        payload = _fields(envelope)
        event_type = Payload.of(payload, event_type).event_type
    masked = masked_keys(payload, event_type)
    return envelope if masked is payload else replace(envelope, payload=masked)


def _accepted_at(envelope: Envelope, row: ArchivedDelivery, now: datetime) -> datetime:
    """When the ledger accepted a delivery: by Redis' clock, or by its receiver's if that is later, until `now` at most.

    Redis' clock may have been ahead at the receipt, which goes by it then, and behind at the acceptance.
    """
    return max(row.received_at or envelope.received_at, min(envelope.received_at, now))


def _quarantined(archived: Callable[..., ArchivedDelivery], envelope: Envelope, text: str) -> Projection:
    """Archive without records, until an operator confirms that the gateway sent it. The reason mentions a cut."""
    cut = f"{envelope.reason}; " if (envelope.reason or "").startswith(CUT) else ""
    return Projection(archived(outcome="quarantined", reason=f"{cut}{envelope.doubt}"), (), text)


def unread_envelope(row: ArchivedDelivery, line: bytes) -> Projection:
    """An envelope to bury without parsing it: the row has only what the batch provides, and the envelope's own id."""
    text = RAW + base64.b64encode(line).decode("ascii")
    return Projection(replace(row, id=peek_id(line) or row.id, payload=text), (), text)


def unreadable(batch: Unreadable) -> Projection:
    """The dead letter for an entry of the ledger that is no batch; it holds the whole entry."""
    text = RAW + base64.b64encode(batch.stored).decode("ascii")
    return Projection(ArchivedDelivery(id=batch.id, payload=text), (), text).dead(f"not a batch: {batch.reason}")


def _fields(envelope: Envelope) -> Fields:
    """The fields of an envelope; bytes that a receiver could not decode are decoded again by today's code."""
    if isinstance(envelope.payload, dict) or (envelope.reason or "").startswith(CUT):
        return envelope.fields
    raw = envelope.payload
    delivery = Delivery("GET", raw, b"") if envelope.request_method == "GET" else Delivery("POST", b"", raw)
    return delivery.decode()
