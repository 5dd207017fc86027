"""Forgotten blanks: takes out of a delivery, on its way in, what an erasure would take out of its rows.

The same identification as that of an erasure: `DataSubject` and `find_blanks`. A delivery is dated by its event's own
time. One without is taken for old: nothing says that it is new, for a repeat may renew its `webhook_timestamp`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from seven.archive_records import ArchivedDelivery, DeadLetter
from seven.data_subject import DataSubject
from seven.delivery import Payload
from seven.errors import NotUnderstood
from seven.event import is_blank
from seven.forgotten_numbers import ErasureKey, ForgottenNumbers
from seven.record import Record
from seven.records import Call, CallDigit, OptOut, OptOutEvent
from seven.timestamps import plausible, read_moment
from store.delivery_rows import Projection
from store.personal_columns import LABELS, RECORDS, PersonalColumns
from store.personal_data import Row, find_blanks

Kind = TypeVar("Kind", bound=Record)

_TIMES = ("time", "timestamp")
"""The fields of a payload that say when it happened."""
_BLANK_PAYLOAD: dict[str, None] = {"payload": None, "digest": None}


def without_forgotten(
    projection: Projection, forgotten: ForgottenNumbers, decoded: Mapping[str, Any] | None
) -> Projection:
    """The projection without what names people forgotten since its date; usually the same.

    `decoded`: the fields of its payload; None for a payload of bytes.
    """
    if any(isinstance(record, OptOut | OptOutEvent) for record in projection.records):
        projection = replace(projection, records=tuple(with_hash(record, forgotten) for record in projection.records))
    labels = [label for name in LABELS if (label := getattr(projection.delivery, name))]
    if decoded is not None and not any(map(forgotten.may_be_in, (projection.delivery.payload or "", *labels))):
        return projection  # the usual case
    if not _names(projection, forgotten.before(None), decoded):
        return projection
    people = forgotten.before(_date(projection.delivery, decoded))
    return _blanked(projection, people, forgotten.key) if _names(projection, people, decoded) else projection


def without_forgotten_text(projection: Projection, forgotten: ForgottenNumbers, line: bytes) -> Projection:
    """The projection of a line that may not be parsed, without the line if that contains the number of anyone."""
    if not forgotten.before(None).is_in(line.decode("utf-8", "replace")):
        return projection
    return _blanked(projection, forgotten.before(None), forgotten.key)


def record_without_forgotten(record: Kind, dated: datetime | None, forgotten: ForgottenNumbers | None) -> Kind:
    """A record that no delivery brought, without what names people forgotten since its date; usually the same."""
    if forgotten is None:
        return record
    return cast("Kind", _blanked_record(record, forgotten.before(dated), forgotten.key, {}))


def _names(projection: Projection, people: DataSubject, decoded: Mapping[str, Any] | None) -> bool:
    delivery = projection.delivery
    if people.is_in_payload(delivery.payload) if decoded is None else people.is_in_fields(decoded):
        return True
    return any(_is_named(people, name, getattr(delivery, name)) for name in LABELS)


def _is_named(people: DataSubject, name: str, value: str | None) -> bool:
    return value is not None and people.matches((name, value))


def _date(delivery: ArchivedDelivery, decoded: Mapping[str, Any] | None) -> datetime | None:
    """When the delivery says that it happened, at the earliest; None if it does not say."""
    if decoded is None:
        return None
    try:
        payload = Payload.of(decoded, None)  # type: ignore[arg-type] # decoded JSON
    except NotUnderstood:
        return None
    own = min(_moments(payload.fields.get(name) for name in _TIMES), default=None)
    return delivery.event_at if own and delivery.outcome == "applied" else own


def _moments(values: Iterable[object]) -> Iterator[datetime]:
    for value in values:
        if not is_blank(value):
            try:
                yield plausible(read_moment(value), None)
            except ValueError:
                continue


def with_hash(record: Record, forgotten: ForgottenNumbers | None) -> Record:
    """The opt-out of a forgotten number stands under its hash, also one of today."""
    if forgotten is not None and isinstance(record, OptOut | OptOutEvent):
        return replace(record, number=forgotten.opt_out_number(record.number))
    return record


def _blanked(projection: Projection, people: DataSubject, key: ErasureKey) -> Projection:
    """Blank the payload, and of each record what an erasure would."""
    renamed: dict[str, str] = {}
    records = [_blanked_record(record, people, key, renamed) for record in projection.records]
    if any(
        record != before for record, before in zip(records, projection.records, strict=True) if isinstance(record, Call)
    ):
        records = [replace(record, digit="") if isinstance(record, CallDigit) else record for record in records]
    delivery = _without_names(projection.delivery, people, _BLANK_PAYLOAD | ({"subject": None} if renamed else {}))
    return replace(
        projection, delivery=delivery, records=tuple(_renamed(record, renamed) for record in records), envelope=None
    )


def _blanked_record(record: Record, people: DataSubject, key: ErasureKey, renamed: dict[str, str]) -> Record:
    """Notes in `renamed` the key that the record loses, and what becomes of it."""
    if isinstance(record, DeadLetter):
        return _without_names(record, people, {"envelope": None})
    personal = _personal_columns(record)
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    if personal is None:
        return _without_names(record, people, {})
    _, blanking = find_blanks(personal, cast("Row", row), people, theirs=False)
    if blanking is None:
        return record
    if blanking.renamed:
        renamed[row[blanking.renamed]] = key.pseudonym(row[blanking.renamed])
    return replace(record, **dict.fromkeys(blanking.columns))


def _personal_columns(record: Record) -> PersonalColumns | None:
    """Inbound and outbound calls differ in whose number stands where."""
    of_table = [personal for personal in RECORDS if personal.table.name == record.table]
    if len(of_table) > 1:
        is_outbound = getattr(record, "direction", None) == "outbound"
        return next(personal for personal in of_table if ("recipient" in personal.identifying) is is_outbound)
    return of_table[0] if of_table else None


def _without_names(record: Kind, people: DataSubject, blank: dict[str, None]) -> Kind:
    """Without its labels that name them."""
    names = (name for name in LABELS if _is_named(people, name, getattr(record, name, None)))
    return replace(record, **(dict.fromkeys(names) | blank))


def _renamed(record: Record, renamed: Mapping[str, str]) -> Record:
    """A key that was made of personal data, and wherever else the records of this delivery have it."""
    names = {
        field.name: renamed[value] for field in fields(record) if (value := getattr(record, field.name)) in renamed
    }
    return replace(record, **names) if names else record
