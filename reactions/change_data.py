"""Change data: what a change says of its record, a model for each kind of topic.

Fields are added within version 1, never removed, and none changes its meaning. Numbers and texts that are no longer
kept are null.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

Euros = Annotated[Decimal, PlainSerializer(lambda euros: format(euros, "f"), return_type=str, when_used="json")]
"""Exact: in JSON a text, for a number there is a binary fraction to most readers."""


class ChangeData(BaseModel):
    """What the data of all changes have in common."""

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class MessageData(ChangeData):
    """A message that we sent, as it stands now. Its sender knows its recipient and text."""

    msg_id: str
    """The gateway's id, from its answer when the message was sent."""
    foreign_id: str | None = None
    """Your own id, given when sending."""
    status: str | None = None
    """The latest status, in the gateway's words."""
    result: str | None = None
    """What the status means: pending, delivered, failed, or unknown for a new word."""
    final: bool | None = None
    """Whether no further status is expected."""
    status_at: datetime | None = None
    """When the message reached this status."""
    first_seen_at: datetime | None = None
    """The time of its earliest report."""
    last_seen_at: datetime | None = None
    """The time of its latest report."""
    delivered_at: datetime | None = None
    """The earliest reported time of a status that means delivered, whatever came later."""
    read_at: datetime | None = None
    """When its recipient read it first, where the channel reports that."""


class InboundData(ChangeData):
    """A message that somebody sent to one of our numbers or agents."""

    id: str
    """The gateway's id; a digest where it gave none."""
    sender: str | None = None
    """The number that wrote."""
    recipient: str | None = None
    """Our number, as the gateway writes it."""
    text: str | None = None
    """What they wrote."""
    sent_at: datetime | None = None
    """When it was sent."""
    channel: str | None = None
    """sms, rcs or whatsapp."""
    message_type: str | None = None
    """As reported, usually SMS."""
    content_type: str | None = None
    """Of an RCS message: text, suggestion_response, user_file or location."""
    agent_id: str | None = None
    """Our RCS agent that it was sent to."""
    postback: str | None = None
    """What the suggestion that they chose stands for."""
    file_uri: str | None = None
    """Where the file that they sent is. They chose the address, so fetch it with care."""
    mime_type: str | None = None
    """The type of that file."""
    file_name: str | None = None
    """The name of that file."""
    latitude: float | None = None
    """The place that they sent, in degrees."""
    longitude: float | None = None
    """The place that they sent, in degrees."""


class CallData(ChangeData):
    """A call, as it stands now."""

    direction: str
    """inbound: somebody called us; outbound: we called."""
    call_id: str
    """The gateway's id; a digest where it gave none."""
    caller: str | None = None
    """The number that called: of an outbound call, ours."""
    recipient: str | None = None
    """The number that was called: of an inbound call, ours."""
    status: str | None = None
    """The latest status, in the gateway's words."""
    final: bool | None = None
    """Whether no further status is expected."""
    status_at: datetime | None = None
    """When the call reached this status."""
    duration_s: int | None = None
    """Seconds that it lasted."""
    price_per_minute: Euros | None = None
    """Euros for each started minute, as reported."""
    total_price: Euros | None = None
    """Euros in all, where the gateway reported it."""
    foreign_id: str | None = None
    """Your own id, given when placing the call."""
    started_at: datetime | None = None
    """The time of its earliest report."""


class LinkData(ChangeData):
    """One click on, or view of, a tracked link."""

    sms_id: str
    """The id of the message that the link was in."""
    tracking_url: str
    """The short URL, which only one recipient has."""
    type: str
    """click or view."""
    nth: int
    """Its number among those of its type, by the gateway's own count."""
    at: datetime | None = None
    """When it was reported."""
    label: str | None = None
    """The label of the message, given when sending."""
    final_url: str | None = None
    """Where the link leads."""


class OptOutData(ChangeData):
    """Whether somebody wants to be written to."""

    number: str | None = None
    """The number that wrote, in digits; null once it is forgotten."""
    recipient: str
    """Our number or agent that it wrote to; empty for all of them."""
    channel: str
    """sms, rcs or whatsapp."""
    state: str
    """out: do not write; in: they asked for it again."""
    word: str | None = None
    """The word that they sent."""
    since: datetime | None = None
    """When they sent it."""
    inbound_id: str
    """The id of their message; of several that say the same, the latest."""


class MissedWebhookData(ChangeData):
    """A webhook that should have come, by the gateway's journal, and did not."""

    event_type: str
    """dlr, sms_mo, voice_status or voice_call."""
    id: str
    """The gateway's id of the message or call."""
    status: str
    """The status in the journal; empty for what has none."""
    journal_at: datetime | None = None
    """When it happened, by the journal."""
    found_at: datetime | None = None
    """When its absence was first noticed."""


class HealthData(ChangeData):
    """A check of `seven-ingest status` that failed, or is good again."""

    check: str
    """Its name."""
    grade: str
    """good, warning, unknown or wrong."""
    finding: str
    """What was seen, in a sentence."""
    remedy: str = ""
    """What to do or to type; empty where nothing needs doing."""


class HeartbeatData(ChangeData):
    """That we are alive."""

    at: datetime
    """When this was sent."""


AnyData = (
    MessageData
    | InboundData
    | CallData
    | LinkData
    | OptOutData
    | MissedWebhookData
    | HealthData
    | HeartbeatData
)  # fmt: skip

DATA: Mapping[str, type[AnyData]] = {
    "message": MessageData,
    "inbound": InboundData,
    "call": CallData,
    "link": LinkData,
    "opt_out": OptOutData,
    "webhook": MissedWebhookData,
    "health": HealthData,
    "heartbeat": HeartbeatData,
}
"""The model of each kind: of topics by what stands before the dot."""


def kind_of(topic: str) -> str:
    """What stands before the dot: message, inbound, and so on."""
    return topic.partition(".")[0]


def fields_of(topics: Iterable[str]) -> frozenset[str]:
    """The fields that the data of each of these topics have: `where` may name those."""
    names = [frozenset(DATA[kind].model_fields) for kind in {kind_of(topic) for topic in topics}]
    return frozenset.intersection(*names) if names else frozenset()
