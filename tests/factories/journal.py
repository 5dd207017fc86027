"""Journal: the rows that the gateway would list of a scenario's events, each with the latest status."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from emulator.vendor_event import VendorEvent
from seven.journal import JournalRow, read_row
from seven.timestamps import BERLIN


def wall(at: datetime, digits: int) -> str:
    """Berlin's wall clock, with so many digits of a second's fraction."""
    text = at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S.%f")
    return text[: 19 if not digits else 20 + digits]


def journal_rows(events: Iterable[VendorEvent]) -> list[JournalRow]:
    """The rows of all lists, of events in order of time."""
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        fields, at = event.fields, event.occurred_at
        match event.event_type:
            case "dlr":
                row = listed.setdefault(("dlr", fields["msg_id"]), {"id": fields["msg_id"], "timestamp": wall(at, 3)})
                row |= {"dlr": fields["status"], "dlr_timestamp": wall(_moment(fields["timestamp"], at), 3)}
                row["foreign_id"] = fields.get("foreign_id")
            case "sms_mo":
                epoch = datetime.fromtimestamp(int(fields["time"]), BERLIN)
                listed["sms_mo", str(fields["id"])] = {
                    "id": str(fields["id"]), "from": fields["sender"], "to": fields["system"], "text": fields["text"],
                    "timestamp": wall(epoch, 0), "price": 0,
                }  # fmt: skip
            case "voice_status":
                id_ = str(fields["id"])
                began = datetime.fromtimestamp(int(fields["timestamp"]), BERLIN)
                row = listed.setdefault(("voice_status", id_), {"id": id_, "timestamp": wall(began, 0)})
                row |= {"from": fields["callerId"], "to": fields["recipient"], "status": fields["status"]}
                row |= {"duration": fields.get("duration"), "price": "0.075"}
            case "voice_call":
                epoch = datetime.fromtimestamp(int(fields["time"]), BERLIN)
                listed["voice_call", str(fields["id"])] = {
                    "id": str(fields["id"]), "caller": fields["caller"], "system": fields["system"],
                    "time": wall(epoch, 0),
                }  # fmt: skip
    return [read_row(event_type, row) for (event_type, _), row in listed.items()]


def _moment(text: str, at: datetime) -> datetime:
    """The time of a status report, Berlin's wall clock with microseconds."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN) if text else at
