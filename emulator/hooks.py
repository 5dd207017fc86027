"""Hook: a subscription at the gateway, what it wants to hear of, and how it is told."""

import re
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from emulator.vendor_event import VendorEvent
from emulator.wire import Method, PlannedDelivery, Request, reachable, write
from seven.timestamps import BERLIN

ALL = "all"
"""The event type of a hook that wants to hear of every event."""

INBOUND_NUMBER = {"sms_mo": "system", "voice_call": "system"}
"""The field that a filter is compared with, by event type."""

_HEADER = re.compile(r"([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\x00-\x1f\x7f]*)", re.ASCII)
_NOT_THEIRS = {"connection", "content-length", "content-type", "expect", "host", "transfer-encoding", "upgrade"}


class Matter(NamedTuple):
    """What an occurrence is about, as far as it decides who is told."""

    event_type: str
    inbound_number: str | None

    @classmethod
    def of(cls, occurrence: VendorEvent) -> "Matter":
        """Only what comes in has an inbound number."""
        told = occurrence.fields.get(INBOUND_NUMBER.get(occurrence.event_type, ""))
        return cls(occurrence.event_type, None if told is None else str(told))


class Registration(BaseModel):
    """What a hook is registered with. Any word is an event type: the vendor's own clients register odd ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)

    target_url: Annotated[str, AfterValidator(reachable)] = Field(repr=False)
    event_type: str = Field(min_length=1)
    event_filter: Annotated[str | None, AfterValidator(lambda told: told or None)] = None
    request_method: Annotated[Method, BeforeValidator(lambda told: str(told or "POST").upper())] = "POST"
    headers: Annotated[str | None, AfterValidator(lambda told: told or None)] = Field(None, repr=False)
    """`Header: value`, several separated by line feeds."""
    enabled: bool = True


class Hook(Registration):
    """A registration that the gateway has taken."""

    id: int
    created_at: datetime

    @property
    def created(self) -> str:
        """As the gateway tells it: Berlin wall time, `2023-08-31 13:07:52`."""
        return self.created_at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S")

    def wants(self, matter: Matter) -> bool:
        """Whether it is to be told.

        How a filter is compared is not known. Here it is the whole inbound number to the letter, and what has no
        inbound number passes no filter ("sends the webhook only if the filter applies").
        """
        return (
            self.enabled
            and self.event_type in (ALL, matter.event_type)
            and self.event_filter in (None, matter.inbound_number)
        )

    def request(self, telling: PlannedDelivery) -> Request:
        """The telling in this hook's own request method, with its headers."""
        written = write(replace(telling, method=self.request_method), self.target_url)
        headers = written.headers + _headers(self.headers) if self.headers else written.headers
        return replace(written, headers=headers, hook_id=self.id)


@lru_cache(maxsize=64)
def _headers(told: str) -> tuple[tuple[str, str], ...]:
    """Each line that is a header, without those that are the request's own."""
    found = (_HEADER.fullmatch(line.strip()) for line in told.split("\n"))
    return tuple((one[1], one[2]) for one in found if one and one[1].lower() not in _NOT_THEIRS)
