"""Output of `trace`: one story, from how its records stand to what is not applied; or a list of deliveries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cli.output.terminal import Column, fields, line, shown, suggestion, table
from cli.output.values import flat, short_times
from operations.record_state import standing, time_line
from operations.trace import MOST_DELIVERIES, Story
from operations.trace_records import MOST_RECORDS
from seven.archive_records import ArchivedDelivery
from seven.envelope import Envelope
from seven.errors import NotUnderstood, UnreadableEnvelope
from seven.plurals import counted

Row = Mapping[str, Any]

IN_FULL = 3
"""Records of one kind that are shown in full; more become a table."""
MOST_MOMENTS = 200

_KINDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "messages": ("Message", "msg_id", {"foreign_id": "foreign id", "first_seen_at": "first report"}),
    "sent_messages": (
        "Sent message",
        "msg_id",
        {
            "recipient": "to", "sender": "from", "label": "label", "foreign_id": "foreign id", "mccmnc": "network",
            "channel": "channel", "connection": "sent by", "text": "text",
        },
    ),
    "calls": (
        "Call",
        "call_id",
        {
            "direction": "direction", "caller": "from", "recipient": "to", "foreign_id": "foreign id",
            "started_at": "first report", "price_per_minute": "euros a minute", "total_price": "euros in all",
        },
    ),
    "inbound_messages": (
        "Inbound message",
        "id",
        {
            "sender": "from", "recipient": "to", "agent_id": "to agent", "channel": "channel", "text": "text",
            "message_type": "type", "content_type": "content", "postback": "postback", "file_name": "file",
            "file_uri": "file's address", "mime_type": "file's type", "latitude": "latitude", "longitude": "longitude",
        },
    ),
    "links": (
        "Link of message",
        "sms_id",
        {"tracking_url": "short URL", "label": "label", "final_url": "leads to", "first_at": "first report"},
    ),
    "opt_outs": (
        "Opt-out",
        "number",
        {"recipient": "of", "channel": "channel", "word": "word", "inbound_id": "message"},
    ),
}  # fmt: skip
"""By key of a story: the title, its id, and the names of other columns."""


def print_latest(deliveries: Sequence[Row]) -> None:
    """Print the latest deliveries, and how to see one story."""
    if not deliveries:
        suggestion("No delivery has arrived yet. Send a sample:", "send")
        return
    _deliveries("The latest deliveries", deliveries)
    subjects = [about(row) for row in deliveries if row["subject"]]
    subject = next((subject for subject in subjects if " " not in subject), next(iter(subjects), "ID"))
    line()
    suggestion("All about one of them:", f"trace {shown(_word(subject))}")
    line("It finds a number, a foreign id, a short URL or a label as well.")


def print_around(at: datetime, deliveries: Sequence[Row]) -> None:
    """Print the deliveries around a moment."""
    if deliveries:
        _deliveries(f"Deliveries around {shown(at)} UTC", deliveries)
    else:
        line("No delivery is kept.")


def print_story(story: Story) -> None:
    """Print everything that is known."""
    for name in _KINDS:
        rows = getattr(story, name)
        _records(name, rows) if len(rows) > IN_FULL else _in_full(name, rows)
    _moments(story)
    _missed(story)
    if story.deliveries:
        repeats = sum(row["repeats"] for row in story.deliveries)
        and_repeats = f", and {counted(repeats, 'repeat')}" if repeats else ""
        _deliveries(f"Deliveries: {len(story.deliveries)}{and_repeats}", story.deliveries)
        line()
    if story.unapplied:
        _deliveries("Not applied, and about it", story.unapplied)
        suggestion("Why, and what to do:", f"dead show {shown(story.unapplied[0]['id'])}")
        line()
    _pending(story)
    if story.cut:
        line(
            f"There may be more: at most {MOST_RECORDS} records of each kind and {MOST_DELIVERIES} deliveries are "
            "read, and of those not applied the newest.",
            "yellow",
        )
    if story.delivery:
        _delivery(story.delivery)


def _missed(story: Story) -> None:
    for row in story.missed_webhooks:
        what = f"{row['status']} of {row['id']}" if row["status"] else row["id"]
        webhook = "its webhook never came" if row["state"] == "missed" else "its webhook has not come yet"
        line(f"In the gateway's journal since {shown(row['journal_at'])}: {shown(what)}; {webhook}.", "yellow")
    if story.missed_webhooks:
        suggestion("Fetch it:", "backfill --since 8d")
        line()


def print_nothing(story: Story) -> None:
    """Print that nothing is known, where that was looked up, and what else may help."""
    if story.pending and story.pending.complete:
        line(f"Nothing is known about {shown(story.id)}, neither in the database nor in the ledger.")
    else:
        line(f"The database holds nothing about {shown(story.id)}.")
    if story.cut:
        line("Only the newest of the deliveries that were not applied were searched.", "yellow")
    suggestion("Deliveries around a moment:", 'trace --around "yesterday 11:00"')
    suggestion("The latest deliveries:", "trace")


def about(row: Row) -> str:
    """The id that a delivery is about; which link it was, what it said says."""
    subject = row["subject"] or ""
    first, _, rest = subject.partition(" ")
    return first if "/" in rest else subject


def _in_full(name: str, rows: Sequence[Row]) -> None:
    title, key, names = _KINDS[name]
    for row in rows:
        values = [(label, row[column]) for column, label in names.items() if row[column] not in (None, "")]
        line(f"{title} {shown(row[key])}", "bold")
        line(standing(name, row))
        if values:
            fields("", values)
        line()


def _records(name: str, rows: Sequence[Row]) -> None:
    """One line a record."""
    title, key, names = _KINDS[name]
    columns = [column for column in names if any(row[column] for row in rows) and not column.endswith("_at")]
    table(
        f"{title}s: {len(rows)}",
        [key.replace("_", " "), *(Column(names[column], n) for n, column in enumerate(columns)), "standing"],
        [[row[key], *(row[column] for column in columns), standing(name, row)] for row in rows],
    )
    line()


def _moments(story: Story) -> None:
    moments = time_line(story)
    if not moments:
        return
    listed = moments[:MOST_MOMENTS]
    day, times = short_times(moment.at for moment in listed)
    columns = {"time": times, "what": [moment.what for moment in listed]}
    records = [f"{moment.kind} {moment.url.removeprefix('https://') or moment.record}" for moment in listed]
    if len(set(records)) > 1:
        columns["record"] = records
    table(f"What happened ({_utc(day)})", list(columns), list(zip(*columns.values(), strict=True)))
    if len(moments) > MOST_MOMENTS:
        line(f"… and {len(moments) - MOST_MOMENTS} more; all with --json.")
    line()


def _deliveries(title: str, rows: Sequence[Row]) -> None:
    """One line each: when, about what, what it said, and what became of it."""
    day, times = short_times(row["received_at"] for row in rows)
    columns: dict[Column, Sequence[object]] = {
        Column("time"): times,
        Column("type"): [row["event_type"] for row in rows],
        Column("about"): [about(row) for row in rows],
        Column("what it said"): [row["summary"] for row in rows],
        Column("outcome"): [row["outcome"] for row in rows],
        Column("repeats"): [row.get("repeats") or None for row in rows],
        Column("because", 1): [row["reason"] or row["remark"] for row in rows],
        Column("delivery", 2): [row["id"] for row in rows],
        Column("method", 3): [row["request_method"] for row in rows],
    }
    kept = [column for column, cells in columns.items() if any(cells)]
    title = f"{title} ({_utc(day)})"
    table(title, kept, list(zip(*(columns[column] for column in kept), strict=True)))


def _pending(story: Story) -> None:
    if story.pending is None or not story.pending.deliveries:
        return
    rows = story.pending.deliveries
    day, times = short_times(row["received_at"] for row in rows)
    table(
        f"Accepted, and waiting for a worker ({_utc(day)})",
        ["time", "type", "what it said", Column("delivery", 1)],
        [[at, row["event_type"], row["summary"], row["id"]] for at, row in zip(times, rows, strict=True)],
    )
    line()


def _delivery(row: Row) -> None:
    """The delivery that was asked for by its own id."""
    fields(
        "This delivery (UTC)",
        [(name.replace("_", " "), row[name]) for name in row if row[name] is not None and name != "payload"],
    )
    line()
    if row["payload"] is None:
        line("Its payload is not kept any more.")
    else:
        fields("Its payload", payload_fields(row))


def payload_fields(row: Row) -> list[tuple[str, object]]:
    """The fields of a stored payload with dotted names, or its bytes as text."""
    archived = ArchivedDelivery(**{name: row[name] for name in ("id", "event_type", "received_at", "payload")})
    try:
        return flat(Envelope.archived(archived).fields)
    except (NotUnderstood, UnreadableEnvelope):
        return [("as it is", row["payload"])]


def _utc(day: str) -> str:
    return f"{day}, UTC" if day else "UTC"


def _word(text: str) -> str:
    return f'"{text}"' if " " in text else text
