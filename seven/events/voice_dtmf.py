"""voice_dtmf: a key is pressed during a call we placed.

Keys may be a PIN, so most deliveries come here masked (`seven/key_presses.py`): then only that a key was pressed is
known. From the vendor's types alone (api-schemes, js-client); how `*` and `#` are sent is not documented.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from seven.call_reports import CallReport
from seven.field_types import short_text
from seven.key_presses import MASKED
from seven.record import Record
from seven.records import CallDigit

LONGEST_DIGIT = 32
"""Bytes. One key has one character; what else the gateway may send is kept as it is."""

_short = short_text(LONGEST_DIGIT)


def _digit(value: Any) -> str:
    """The key as text, `5` for the number 5; empty where it was masked. A bad one is not quoted."""
    text = _short(value)
    return "" if text == MASKED else text


class KeyPress(CallReport, event_type="voice_dtmf"):
    """One key of the telephone that was pressed."""

    title: ClassVar = "keys pressed in calls"
    example: ClassVar = {
        "callerId": "491771783130",
        "recipient": "4943160049851",
        "system": "491771783130",
        "id": 284195,
        "status": "in-progress",
        "duration": 4,
        "dtmf_digit": 5,
        "pricePerMinute": 0.075,
        "total_price": 0.075,
        "timestamp": 1629786769,
    }

    dtmf_digit: Annotated[str, BeforeValidator(_digit)]

    def summary(self, masked: bool) -> str:  # noqa: ARG002 - of keys there is nothing to show to anyone
        """That a key was pressed; never which, for it may be of a PIN."""
        return "a key was pressed"

    def project(self) -> Iterable[Record]:
        """What it says of the call, and the key. Times are whole seconds: the same key twice in one is one entry."""
        yield from self.call()
        yield CallDigit(direction="outbound", call_id=self.id, at=self.at, digit=self.dtmf_digit, undated=self.undated)
