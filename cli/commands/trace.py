"""trace: shows everything about one message, call, inbound SMS or link; without an id the latest deliveries."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.database import read_connection
from cli.exits import ExitCode
from cli.output.terminal import document, line, program, shown, table
from operations.trace import Row, Story, latest_deliveries, trace_story
from seven.field_types import storable

_RECORDS = (("Message", "messages"), ("Call", "calls"), ("Inbound SMS", "inbound_messages"), ("Link", "links"))
_INTERNAL = ("rank", "history")
_DELIVERY = ("received_at", "event_type", "request_method", "outcome", "repeats", "subject", "reason", "remark", "id")
_LATEST = ("received_at", "event_type", "request_method", "outcome", "subject", "reason", "remark", "id")


def trace(
    identifier: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A msg_id, sms_id, call id, inbound id, foreign id, short URL, or a delivery's own id."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Show one message, call, inbound SMS or link: its standing and history, its deliveries and their repeats.

    Without an id: the latest 20 deliveries. All times are UTC.
    """
    if identifier is None:
        _print_latest(as_json)
        return
    with read_connection() as connection:
        story = trace_story(connection, storable(identifier.strip()))
    if as_json:
        document(asdict(story))
    elif story:
        _print_story(story)
    else:
        line(f"The database holds nothing about {shown(identifier)}.")
        line("A delivery that has just arrived may still be pending in the ledger.")
        line(f"The latest deliveries: {program()} trace")
    if not story:
        raise typer.Exit(ExitCode.WRONG)


def _print_latest(as_json: bool) -> None:
    with read_connection() as connection:
        deliveries = latest_deliveries(connection)
    if as_json:
        document({"deliveries": deliveries})
    elif deliveries:
        _table("The latest deliveries (times in UTC)", _LATEST, deliveries)
    else:
        line(f"No delivery has arrived yet. Send a sample: {program()} send")


def _print_story(story: Story) -> None:
    for title, name in _RECORDS:
        for record in getattr(story, name):
            _fields(title, record)
            if record.get("history"):
                _table(f"{title}: history", tuple(record["history"][0]), record["history"])
                line()
    if story.deliveries:
        _table("Deliveries", _DELIVERY, story.deliveries)
    if story.cut:
        line("There may be more: the number listed of each kind is limited.", "yellow")
    if story.delivery:
        line()
        _fields("This delivery", story.delivery)
        if story.delivery["payload"] is None:
            line("Its payload is not kept any more.")


def _fields(title: str, record: Row) -> None:
    rows = [(name, value) for name, value in record.items() if name not in _INTERNAL and value is not None]
    table(f"{title} (times in UTC)", ("", ""), rows)
    line()


def _table(title: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    """Leaves out empty columns."""
    names = [name for name in columns if any(row[name] not in (None, 0, "") for row in rows)]
    table(title, names, ([row[name] for name in names] for row in rows))
