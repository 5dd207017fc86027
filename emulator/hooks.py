"""Hooks: subscriptions at the gateway, which events they match, and the requests that deliver them."""

import re
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from emulator.vendor_event import VendorEvent
from emulator.wire import Method, PlannedDelivery, Request, validate_url, write_request
from seven.events import canonical_name
from seven.timestamps import BERLIN

ALL = "all"
"""The event type of a hook that matches every event."""

INBOUND_NUMBER = {"sms_mo": "system", "voice_call": "system", "wa_mo": "system", "rcs": "agent_id"}
"""By event type, the field that a filter is compared with."""

_HEADER = re.compile(r"([!#$%&'*+.^_`|~\w-]+):[ \t]*+([^\x00-\x1f\x7f]*)", re.ASCII)
_RESERVED = {"connection", "content-length", "content-type", "expect", "host", "transfer-encoding", "upgrade"}


class RoutingKey(NamedTuple):
    """The properties of an event that decide which hooks match it."""

    event_type: str
    inbound_number: str | None

    @classmethod
    def of(cls, event: VendorEvent) -> "RoutingKey":
        """The event's key. Only inbound SMS and calls have an inbound number."""
        number = event.fields.get(INBOUND_NUMBER.get(event.event_type, ""))
        return cls(event.event_type, None if number is None else str(number))


def _optional_text(text: str | None) -> str | None:
    """The same text, None for an empty one. Raises ValueError for a surrogate, which pydantic lets pass in a union."""
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise ValueError("half a character is in it, which neither a file nor a header can have") from None
    return text or None


OptionalText = Annotated[str | None, AfterValidator(_optional_text)]


class Registration(BaseModel):
    """The fields of a registration. Any event type is valid: the vendor's own clients register unknown ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)

    target_url: Annotated[str, AfterValidator(validate_url)] = Field(repr=False)
    event_type: str = Field(min_length=1)
    event_filter: OptionalText = None
    request_method: Annotated[Method, BeforeValidator(lambda method: str(method or "POST").upper())] = "POST"
    headers: OptionalText = Field(None, repr=False)
    """`Header: value` lines, separated by line feeds."""
    enabled: bool = True


class Hook(Registration):
    """A registered hook."""

    id: int
    created_at: datetime

    @property
    def created(self) -> str:
        """The gateway's notation: Berlin wall time, `2023-08-31 13:07:52`."""
        return self.created_at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")

    def matches(self, key: RoutingKey) -> bool:
        """Whether the gateway delivers events with this key to this hook.

        How the gateway compares a filter is unknown. Here it is compared with the whole inbound number, and events
        without an inbound number pass no filter ("sends the webhook only if the filter applies").
        """
        return (
            self.enabled
            and canonical_name(self.event_type) in (ALL, key.event_type)
            and self.event_filter in (None, key.inbound_number)
        )

    def request(self, delivery: PlannedDelivery) -> Request:
        """The delivery's request in this hook's own method, with its headers."""
        request = write_request(replace(delivery, method=self.request_method), self.target_url)
        headers = request.headers + _headers(self.headers) if self.headers else request.headers
        return replace(request, headers=headers, hook_id=self.id)


@lru_cache(maxsize=64)
def _headers(lines: str) -> tuple[tuple[str, str], ...]:
    """The lines that are valid headers, without those that the request sets itself."""
    matches = (_HEADER.fullmatch(line.strip()) for line in lines.split("\n"))
    return tuple((match[1], match[2]) for match in matches if match and match[1].lower() not in _RESERVED)
