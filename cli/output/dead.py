"""Output of `dead`: lists, one delivery in detail, plans and their results, as tables and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cli.output.terminal import Column, fields, line, shown, suggestion, table
from cli.output.values import flat, short_times
from operations.dead_letters import Content
from operations.replay import ReplayPlan, ReplaySummary
from operations.reprocess import Reprocessed, stored_line
from seven.archive_records import ArchivedDelivery, DeadLetterFailure
from seven.envelope import Envelope
from seven.errors import UnreadableEnvelope

_LISTED = (
    ("outcome", "outcome", 0), ("event_type", "type", 0), ("subject", "about", 0), ("summary", "what it said", 0),
    ("reason", "because", 1), ("id", "delivery", 2), ("source", "from", 3), ("failed_at", "failed (UTC)", 4),
    ("attempts", "attempts", 5), ("replayed_at", "replayed (UTC)", 6),
)  # fmt: skip
"""Columns beside the time: key, name, and how early each leaves where there is no room."""
_OF_THE_LEDGER = ("queue", "digest", "ledger", "ordinal")
"""Of a delivery, what `--json` has alone."""
_GROUPED = ("deliveries", "outcome", "event_type", "reason")
_GROUP_NAMES = ("how many", "outcome", "type", "because")
_BECOMES = ("applied", "parked", "dead", "left")
_DIFFERENCES = ("new", "changed", "gone")
_MOST_TEXT = 4096


def print_list(
    groups: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], contents: Mapping[str, Content]
) -> None:
    """Print the groups, and below them the deliveries, the newest first; `contents` by their ids."""
    total = sum(group["deliveries"] for group in groups)
    if not total:
        line("No matching delivery is dead, parked or quarantined here.")
        return
    print_groups(f"Deliveries: {total}", groups)
    line()
    which = f"The newest {len(rows)}" if len(rows) < total else "All of them"
    day, times = short_times(row["received_at"] for row in rows)
    known = [{**row, **contents[row["id"]]._asdict()} for row in rows]
    kept = [(name, Column(title, room)) for name, title, room in _LISTED if any(row[name] is not None for row in known)]
    table(
        f"{which}, the newest first ({f'{day}, ' * bool(day)}UTC)",
        [Column("time"), *(column for _, column in kept)],
        [[at, *(row[name] for name, _ in kept)] for at, row in zip(times, known, strict=True)],
    )
    if rows:
        line()
        suggestion("Everything about one, and what it would be today:", f"dead show {shown(rows[0]['id'])}")
        suggestion("What would become of them if they were processed again:", "dead replay --dry-run")


def print_groups(title: str, groups: Sequence[Mapping[str, Any]]) -> None:
    """Print the counts by outcome, event type and reason."""
    table(title, _GROUP_NAMES, ([group[name] for name in _GROUPED] for group in groups))


def delivery_as_dict(
    delivery: ArchivedDelivery, today: Reprocessed | None, failures: Sequence[DeadLetterFailure]
) -> dict[str, Any]:
    """Everything about one delivery; `today` is None if it is applied."""
    letter = today.unapplied.letter if today else None
    return {
        "delivery": {name: value for name, value in asdict(delivery).items() if name != "payload"},
        "letter": letter and {name: value for name, value in asdict(letter).items() if name != "envelope"},
        "failures": [asdict(failure) for failure in failures],
        "told": _payload(delivery, today),
        "today": today and _today(today),
    }


def print_delivery(details: Mapping[str, Any]) -> None:
    """Print what `delivery_as_dict` returns."""
    known = {name.replace("_", " "): value for name, value in details["delivery"].items() if name not in _OF_THE_LEDGER}
    _fields("This delivery (times in UTC)", known)
    if details["letter"]:
        _fields("Its dead letter", details["letter"])
    if details["failures"]:
        _table("Failures", ("attempt", "failed_at", "reason"), details["failures"])
        line()
    if details["told"] is None:
        line("Its payload is not kept any more.")
    else:
        fields("Its payload", flat(details["told"]))
        line()
    if (today := details["today"]) is None:
        line("It is applied: there is nothing to replay.")
        return
    line(f"Replayed today it would be: {today['becomes']}", "bold")
    _fields("", {name: today[name] for name in ("reason", "subject")})
    for record in today["records"]:
        _fields(f"With this row of {record['table']}", record["row"])
    if today["inside"]:
        _fields("With these deliveries in it", today["inside"])


def plan_as_dict(plan: ReplayPlan) -> dict[str, Any]:
    """A plan for `--json`."""
    return {**replay_as_dict(plan.replayed), "rows": plan.rows}


def replay_as_dict(replayed: ReplaySummary) -> dict[str, Any]:
    """The results of a replay, or of its plan, for `--json`."""
    return {
        "deliveries": sum(replayed.results.values()),
        **{outcome: replayed.count(outcome) for outcome in _BECOMES},
        "inside": dict(replayed.inside),
        "verdicts": [{**result._asdict(), "deliveries": count} for result, count in replayed.results.most_common()],
    }


def print_plan(plan: ReplayPlan) -> None:
    """Print what would become of the deliveries, and which rows would differ."""
    print_replay("The plan", plan.replayed)
    if plan.rows:
        rows = ([name, *(counts[kind] or "" for kind in _DIFFERENCES)] for name, counts in plan.rows.items())
        line()
        table("Rows that would differ", ("table", *_DIFFERENCES), rows)


def print_replay(title: str, replayed: ReplaySummary) -> None:
    """Print what became of the deliveries, or would become of them."""
    rows = [
        [count, result.outcome, result.event_type, f"→ {result.becomes}", result.reason]
        for result, count in replayed.results.most_common()
    ]
    table(title, ("deliveries", "now" if title == "The plan" else "was", "event type", "", "because"), rows)
    if replayed.inside:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in replayed.inside.items())
        line(f"In batches that can be read today: {counts}")


def _today(today: Reprocessed) -> dict[str, Any]:
    records = today.projections[0].records if today.outcome == "applied" else ()
    return {
        "becomes": "left as it is" if today.outcome == "left" else today.outcome,
        "reason": today.reason,
        "subject": today.projections[0].delivery.subject if today.projections else None,
        "records": [{"table": record.table, "row": asdict(record)} for record in records],
        "inside": dict(Counter(projection.delivery.outcome or "" for projection in today.projections[1:])),
    }


def _payload(delivery: ArchivedDelivery, today: Reprocessed | None) -> Any:
    """The payload's fields, or its bytes as text; for an unreadable envelope the whole stored line as text."""
    try:
        envelope = None if delivery.digest is None else Envelope.archived(delivery)
    except UnreadableEnvelope:
        envelope = None
    if envelope is not None:
        return envelope.payload if isinstance(envelope.payload, dict) else _text(envelope.payload)
    stored = stored_line(today.unapplied) if today else None
    return None if stored is None else _text(stored)


def _text(content: bytes) -> str:
    text = content.decode("utf-8", "backslashreplace")
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}… and {len(text) - _MOST_TEXT} more"


def _fields(title: str, values: Mapping[str, Any]) -> None:
    rows = [(shown(name), value) for name, value in values.items() if value is not None]
    if rows:
        if title:
            line(title, "bold")  # as the title of a narrow table it would wrap
        fields("", rows)
        line()


def _table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Leaves out empty columns."""
    names = [name for name in columns if any(row[name] is not None for row in rows)]
    table(title, names, ([row[name] for name in names] for row in rows))
