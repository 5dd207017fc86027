"""Look-up: the story of whatever someone types into the box, and that of one delivery."""

import asyncio
import base64
import json
import re
from dataclasses import dataclass

from redis.exceptions import RedisError
from starlette.responses import Response

from console.handles import PREFIX, TOO_OLD, Use
from console.list_rows import next_command
from console.page import OF, Page, Visit
from ledger.client import Ledger
from operations.masking import masked_digests, masked_row, masked_subject, masked_url
from operations.record_state import TimelineEntry, standing, time_line
from operations.trace import Story, trace_story
from operations.trace_records import Row
from operations.trace_terms import Terms
from operations.trace_unapplied import PendingSearch, pending_about
from runtime.redis_errors import redis_reason
from seven.envelope import RAW
from seven.field_types import storable
from seven.key_presses import without_keys
from seven.phone_numbers import digits
from store.schema import OPEN_OUTCOMES

TERM = "term"
"""The field of the box."""
LONGEST_TERM = 1100
"""A short URL has 1,024 bytes at most, an id 255."""
LEDGER_TIMEOUT_S = 1.0
MOST_PAYLOAD = 64 * 1024
_DELIVERY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_INTERNAL = ("rank", "history", "receipts", "gaps", "undated", "final", "changed_at", "last_total")


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record of a story as the page shows it."""

    kind: str
    standing: str
    fields: Row


KINDS = (
    ("Message", "messages"),
    ("Sent message", "sent_messages"),
    ("Call", "calls"),
    ("Inbound message", "inbound_messages"),
    ("Link", "links"),
    ("Opt-out", "opt_outs"),
)
OURS = {"sent_messages": ""}
"""The column with our own number, where it is another one than `operations.masking` takes; empty for none."""
TITLES = {
    "msg_id": "Message id", "sms_id": "Message id", "call_id": "Call id", "id": "Id", "foreign_id": "Foreign id",
    "status": "Status", "result": "Result", "status_at": "Status since", "first_seen_at": "First status",
    "last_seen_at": "Latest report", "delivered_at": "Delivered", "direction": "Direction", "caller": "From",
    "sender": "From", "recipient": "To", "text": "Text", "message_type": "Kind", "sent_at": "Sent",
    "started_at": "Started", "duration_s": "Seconds", "price_per_minute": "Euros a minute",
    "total_price": "Euros in total", "key_presses": "Keys pressed", "tracking_url": "Short URL",
    "label": "Label", "final_url": "Leads to",
    "read_at": "Read", "channel": "Channel", "content_type": "Content", "agent_id": "To agent", "postback": "Postback",
    "file_uri": "File's address", "mime_type": "File's type", "file_name": "File", "latitude": "Latitude",
    "longitude": "Longitude", "clicks": "Clicks", "views": "Views", "first_at": "First activity",
    "last_at": "Last activity",
    "price": "Euros", "mccmnc": "Network", "connection": "Sent by",
    "number": "Number", "word": "Word or note", "since": "Since", "inbound_id": "Inbound id",
}  # fmt: skip
"""What people call the fields of records."""


async def look_up(visit: Visit) -> Response:
    """Take what was typed by POST, and show its story by GET: Back and a reload look up nothing again."""
    if visit.request.method == "POST":
        return await _take(visit)
    handle = visit.request.query_params.get(OF)
    if handle is None:
        return visit.render("look_up.html")
    term = visit.behind(Use.TERM, handle)
    if term is None:
        return visit.render("look_up.html", 410, problem=f"{TOO_OLD}. Please look it up again.")
    return await _story(visit, term, searches_ledger=True)


async def _take(visit: Visit) -> Response:
    term = storable((await visit.form()).get(TERM, "")).strip()
    if not term or len(term) > LONGEST_TERM:
        return visit.render("look_up.html", 400, problem="Nothing can be looked up without a number, an id or a URL.")
    term = visit.behind(Use.TERM, term) or term
    if term.startswith(PREFIX):
        return visit.render("look_up.html", 410, problem=f"{TOO_OLD}. Open the list again.")
    visit.log_lookup(kind_of(term, visit.services.settings.seven_country_code))
    return visit.see_other(**{OF: visit.handle(Use.TERM, term)})


async def show_delivery(visit: Visit) -> Response:
    """One delivery, with its payload for who may see texts, and the story of what it is about."""
    delivery_id = storable(visit.request.path_params["delivery_id"])
    visit.log_lookup("delivery id")
    return await _story(visit, delivery_id, searches_ledger=False)


def kind_of(term: str, country_code: int) -> str:
    """What was looked up, for the log, which must not hold the thing itself."""
    if _DELIVERY_ID.fullmatch(term):
        return "delivery id"
    if "/" in term and "." in term:
        return "short URL"
    try:
        digits(term, country_code)
    except ValueError:
        return "id or label"
    return "number or id"


async def _story(visit: Visit, term: str, *, searches_ledger: bool) -> Response:
    settings, masked = visit.services.settings, not visit.viewer.sees_texts
    story = await visit.read(
        lambda connection: trace_story(connection, term, settings.seven_country_code, masked=masked)
    )
    unread = None
    if searches_ledger:
        story.pending, unread = await asyncio.to_thread(
            _pending, settings.redis_url.get_secret_value(), story, settings.seven_country_code
        )
    return visit.render(
        "story.html",
        200 if story or searches_ledger else 404,  # an address that leads nowhere; a question may have no answer
        story=story,
        title=masked_digests(story.id) if masked else story.id,
        delivery=story.delivery and _visible(story.delivery, masked),
        payload=None if masked or story.delivery is None else readable_payload(story.delivery),
        records=_records(story, masked),
        moments=[_visible_moment(moment, masked) for moment in time_line(story)],
        deliveries=[_visible(row, masked) for row in story.deliveries],
        unapplied=[_visible(row, masked) for row in story.unapplied],
        unread=unread,
        titles=TITLES,
    )


def _pending(redis_url: str, story: Story, country_code: int) -> tuple[PendingSearch | None, str | None]:
    """What the ledger holds of it; or why that cannot be known."""
    ledger = Ledger(redis_url, timeout_s=LEDGER_TIMEOUT_S)
    try:
        return pending_about(ledger, Terms.of(story.id, country_code), story.subjects), None
    except RedisError as error:
        return None, redis_reason(error)
    finally:
        ledger.close()


def _records(story: Story, masked: bool) -> list[RecordView]:
    views = []
    for kind, name in KINDS:
        for record in getattr(story, name):
            shown = masked_row(record, OURS.get(name)) if masked else record
            fields = {key: value for key, value in shown.items() if key not in _INTERNAL and value not in (None, "")}
            views.append(RecordView(kind, standing(name, shown), fields))
    return views


def _visible(row: Row, masked: bool) -> Row:
    """A delivery, with the command for what to do about it if it is not applied."""
    command = next_command(row) if row["outcome"] in OPEN_OUTCOMES else None
    return (masked_row(row) if masked else row) | {"command": command}


def _visible_moment(moment: TimelineEntry, masked: bool) -> TimelineEntry:
    if not masked:
        return moment
    shown = masked_row({"status": moment.what, "tracking_url": moment.url})
    return TimelineEntry(moment.at, shown["status"], moment.kind, masked_subject(moment.record), masked_url(moment.url))


def readable_payload(delivery: Row) -> str | None:
    """The payload as indented JSON, or the text of its bytes if it was not decoded; None if it is no longer kept.

    Never with the keys that were pressed in a call, kept or not: they may be a PIN.
    """
    payload, event_type = delivery["payload"], delivery["event_type"]
    if payload is None:
        return None
    try:
        if payload.startswith(RAW):
            text = base64.b64decode(payload.removeprefix(RAW), validate=True).decode("utf-8", "backslashreplace")
            text = without_keys(text, event_type)
        else:
            text = json.dumps(without_keys(json.loads(payload), event_type), indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):  # TypeError: JSON, but no fields
        text = without_keys(payload, event_type)
    return (
        text if len(text) <= MOST_PAYLOAD else f"{text[:MOST_PAYLOAD]}… and {len(text) - MOST_PAYLOAD} more characters"
    )


PAGES = (
    Page("/look-up", "Look up", look_up, ("GET", "POST"), in_navigation=False),
    Page("/deliveries/{delivery_id}", "One delivery", show_delivery, in_navigation=False),
)
