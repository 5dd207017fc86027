"""trace: the story of one message, call, inbound SMS or link; without an id the latest deliveries."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.database import reading
from cli.exits import ExitCode
from cli.output.terminal import document, line, program, shown, table
from operations.trace import Row, Story, latest_deliveries, trace_story
from seven.field_types import storable

_RECORDS = (("Message", "messages"), ("Call", "calls"), ("Inbound SMS", "inbound_messages"), ("Link", "links"))
_INTERNAL = ("rank", "history")
_DELIVERY = ("received_at", "event_type", "request_method", "outcome", "repeats", "subject", "reason", "id")
_LATEST = ("received_at", "event_type", "request_method", "outcome", "subject", "reason", "id")


def trace(
    told: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A msg_id, sms_id, call id, inbound id, foreign id, short URL, or a delivery's own id."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Tell the story of one message, call, inbound SMS or link: deliveries, repeats, history, standing.

    Without an id: the latest 20 deliveries. All times are UTC.
    """
    if told is None:
        _latest(as_json)
        return
    with reading() as connection:
        story = trace_story(connection, storable(told.strip()))
    if as_json:
        document(asdict(story))
    elif story:
        _tell(story)
    else:
        line(f"Nothing is known of {shown(told)}.")
        line("What has only just arrived may still be on its way from the ledger into the database.")
        line(f"The latest deliveries: {program()} trace")
    if not story:
        raise typer.Exit(ExitCode.WRONG)


def _latest(as_json: bool) -> None:
    with reading() as connection:
        found = latest_deliveries(connection)
    if as_json:
        document({"deliveries": found})
    elif found:
        _table("The latest deliveries (times in UTC)", _LATEST, found)
    else:
        line(f"No delivery has come yet. A sample: {program()} send")


def _tell(story: Story) -> None:
    for word, name in _RECORDS:
        for record in getattr(story, name):
            _fields(word, record)
            if record.get("history"):
                _table(f"{word}: history", tuple(record["history"][0]), record["history"])
                line()
    if story.deliveries:
        _table("Deliveries", _DELIVERY, story.deliveries)
    if story.cut:
        line("There may be more: of each kind only so many are listed.", "yellow")
    if story.delivery:
        line()
        _fields("This delivery", story.delivery)
        if story.delivery["payload"] is None:
            line("Its payload is not kept any more.")


def _fields(title: str, record: Row) -> None:
    told = [(name, value) for name, value in record.items() if name not in _INTERNAL and value is not None]
    table(f"{title} (times in UTC)", ("", ""), told)
    line()


def _table(title: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    """Without the columns in which nothing is told."""
    told = [name for name in columns if any(row[name] not in (None, 0, "") for row in rows)]
    table(title, told, ([row[name] for name in told] for row in rows))
