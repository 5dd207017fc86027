"""What `dead` tells: lists, one delivery whole, plans and what came of them; for people and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cli.output.terminal import line, shown, table
from operations.replay import Plan, Replayed
from operations.reprocess import Reread, told_line
from seven.envelope import Envelope
from seven.errors import UnreadableEnvelope
from seven.records import ArchivedDelivery, Failure, Record

_LISTED = ("received_at", "outcome", "event_type", "reason", "failed_at", "attempts", "replayed_at", "source", "id")
_GROUPED = ("deliveries", "outcome", "event_type", "reason")
_BECOMES = ("applied", "parked", "dead", "left")
_MOST_TEXT = 4096


def tell_list(groups: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> None:
    """The groups, and below them the deliveries, the newest first."""
    all_ = sum(one["deliveries"] for one in groups)
    if not all_:
        line("No such delivery is dead, parked or quarantined here.")
        return
    tell_groups(f"Deliveries: {all_}", groups)
    line()
    which = f"The newest {len(found)}" if len(found) < all_ else "Each of them"
    _table(f"{which}, the newest first (times in UTC)", _LISTED, found)


def tell_groups(title: str, groups: Sequence[Mapping[str, Any]]) -> None:
    """Deliveries by outcome, event type and reason."""
    table(title, _GROUPED, ([one[name] for name in _GROUPED] for one in groups))


def whole(kept: ArchivedDelivery, today: Reread | None, history: Sequence[Failure]) -> dict[str, Any]:
    """All that is known of one delivery; `today` is None for one that is applied."""
    letter = today.unapplied.letter if today else None
    return {
        "delivery": {name: value for name, value in asdict(kept).items() if name != "payload"},
        "letter": letter and {name: value for name, value in asdict(letter).items() if name != "envelope"},
        "failures": [asdict(one) for one in history],
        "told": _told(kept, today),
        "today": today and _today(today),
    }


def tell_whole(one: Mapping[str, Any]) -> None:
    """The same for people."""
    _fields("This delivery (times in UTC)", one["delivery"])
    if one["letter"]:
        _fields("Its dead letter", one["letter"])
    if one["failures"]:
        _table("What failed", ("attempt", "failed_at", "reason"), one["failures"])
        line()
    if one["told"] is None:
        line("Its payload is not kept any more.")
    _fields("What came", dict(_flat("", one["told"])))
    if (today := one["today"]) is None:
        line("It is applied: there is nothing to replay.")
        return
    line(f"Replayed today it would be: {today['becomes']}", "bold")
    _fields("", {name: today[name] for name in ("reason", "subject")})
    for record in today["records"]:
        _fields(f"With this row of {record['table']}", record["row"])
    if today["inside"]:
        _fields("With these deliveries in it", today["inside"])


def told_plan(plan: Plan) -> dict[str, Any]:
    """A plan as JSON."""
    return {**told_replayed(plan.replayed), "rows": plan.rows}


def told_replayed(replayed: Replayed) -> dict[str, Any]:
    """What became of deliveries, or would, as JSON."""
    return {
        "deliveries": sum(replayed.verdicts.values()),
        **{word: replayed.count(word) for word in _BECOMES},
        "inside": dict(replayed.inside),
        "verdicts": [{**one._asdict(), "deliveries": number} for one, number in replayed.verdicts.most_common()],
    }


def tell_plan(plan: Plan) -> None:
    """What would become of the deliveries, and of the rows."""
    tell_replayed("The plan", plan.replayed)
    if plan.rows:
        rows = ([name, one["new"] or "", one["changed"] or "", one["gone"] or ""] for name, one in plan.rows.items())
        line()
        table("Rows that would differ", ("table", "new", "changed", "gone"), rows)


def tell_replayed(title: str, replayed: Replayed) -> None:
    """What became of deliveries, or would."""
    rows = [
        [number, one.outcome, one.event_type, f"→ {one.becomes}", one.reason]
        for one, number in replayed.verdicts.most_common()
    ]
    table(title, ("deliveries", "now" if title == "The plan" else "was", "event type", "", "because"), rows)
    if replayed.inside:
        line(f"In batches that can be read today: {', '.join(f'{n} {word}' for word, n in replayed.inside.items())}")


def _today(one: Reread) -> dict[str, Any]:
    records = one.understood[0].records if one.outcome == "applied" else ()
    inside: dict[str, int] = {}
    for told in one.understood[1:]:
        word = told.delivery.outcome or ""
        inside[word] = inside.get(word, 0) + 1
    return {
        "becomes": "left as it is" if one.outcome == "left" else one.outcome,
        "reason": one.reason,
        "subject": one.understood[0].delivery.subject if one.understood else None,
        "records": [_record(record) for record in records],
        "inside": inside,
    }


def _record(record: Record) -> dict[str, Any]:
    return {"table": record.table, "row": asdict(record)}


def _told(kept: ArchivedDelivery, today: Reread | None) -> Any:
    """The payload's words, or as much text as is in its bytes; of an envelope that cannot be read all of it."""
    try:
        envelope = None if kept.digest is None else Envelope.archived(kept)
    except UnreadableEnvelope:
        envelope = None
    if envelope is not None:
        return envelope.payload if isinstance(envelope.payload, dict) else _text(envelope.payload)
    found = told_line(today.unapplied) if today else None
    return None if found is None else _text(found)


def _text(told: bytes) -> str:
    text = told.decode("utf-8", "backslashreplace")
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}… and {len(text) - _MOST_TEXT} more"


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    """Nested words as lines of a table."""
    if isinstance(value, dict) and value:
        return [one for key, inner in value.items() for one in _flat(f"{name}.{key}" if name else str(key), inner)]
    return [(name or "as it is", json.dumps(value) if isinstance(value, (list, dict)) else value)]


def _fields(title: str, told: Mapping[str, Any]) -> None:
    rows = [(shown(name), value) for name, value in told.items() if value is not None]
    if rows:
        if title:
            line(title, "bold")  # as a table's own title it would be broken where the table is narrow
        table("", ("", ""), rows)
        line()


def _table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Without the columns in which nothing is told."""
    named = [name for name in columns if any(row[name] is not None for row in rows)]
    table(title, named, ([row[name] for name in named] for row in rows))
