"""Fault: something that goes wrong at the gateway, on demand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

GARBAGE = b"<br />\n<b>Fatal error</b>:  Allowed memory size of 134217728 bytes exhausted in <b>/hooks.php</b>\n"
LONGEST_S = 120

Spelling = Literal["host", "port", "event_type", "event_filter"]
Key = Literal["id", "target_url", "event_type", "event_filter", "request_method", "enabled", "created", "headers"]


def _three_digits(told: object) -> object:
    if isinstance(told, bool) or not isinstance(told, int | str) or not re.fullmatch(r"[1-9]\d\d", str(told), re.ASCII):
        raise ValueError('a code has three digits: 900 is sent as a number, "900" as a string')
    return told


Code = Annotated[int | str, BeforeValidator(_three_digits)]


class Fault(BaseModel):
    """What goes wrong, with which requests to the hooks API, and how often. All of what it says goes wrong at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slow: float = Field(0, ge=0, le=LONGEST_S)
    """Seconds before the answer. What was asked is done before, as by a gateway that is slow to say so."""
    status: int | None = Field(None, ge=400, le=599)
    """An HTTP error instead of the answer."""
    code: Code | None = None
    """One of the gateway's errors instead of the answer, as HTTP 200: 900 wrong key, 901 signing failed, 902 missing
    rights, 903 IP refused. A string is sent as a JSON string, a number as a number."""
    garbage: bool = False
    """No JSON instead of the answer, as HTTP 200."""
    performed: bool = False
    """With a status, a code or garbage: whether what was asked is done nonetheless."""
    hooks: Literal["empty", "missing"] | None = None
    """What a read tells, whatever is registered: an empty list, or no list at all."""
    omit: tuple[Key, ...] = ()
    """Keys that a read leaves out of each hook; older versions of the API did not know all of them."""
    swap_ids: bool = False
    """Ids as numbers in a read, and as a string in a subscribe."""
    strings: bool = False
    """Booleans as strings: `"true"`."""
    respell: tuple[Spelling, ...] = ()
    """What a read spells otherwise than it was told: the host in capitals, the default port added, the event type in
    capitals, the filter in another form."""
    page: int | None = Field(None, ge=0)
    """So many hooks are all that a read lists, the oldest first."""
    actions: tuple[Literal["read", "subscribe", "unsubscribe"], ...] = ()
    """Only with these; without any with every request."""
    times: int | None = Field(None, ge=1)
    """With so many requests; without it until the faults are changed."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        instead = [self.status is not None, self.code is not None, self.garbage]
        if sum(instead) > 1:
            raise ValueError("status, code and garbage exclude each other")
        if self.performed and not any(instead):
            raise ValueError("performed goes with status, code or garbage")
        odd = (self.slow, self.hooks, self.omit, self.swap_ids, self.strings, self.respell, self.page is not None)
        if not any((*instead, *odd)):
            raise ValueError(
                "nothing goes wrong: say slow, status, code, garbage, hooks, omit, swap_ids, strings, respell or page"
            )
        return self

    @property
    def replaces_answer(self) -> bool:
        """Whether another answer is given than the one that is due."""
        return self.status is not None or self.code is not None or self.garbage

    def spoil(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer as it is told while this goes wrong."""
        told = dict(answer)
        if "hooks" in told:
            listed = told["hooks"][: self.page]
            told["hooks"] = [self._spoil_hook(hook) for hook in listed if self.hooks is None]
        if self.hooks == "missing":
            told.pop("hooks", None)
        if self.swap_ids and "id" in told:
            told["id"] = str(told["id"])
        return _without_booleans(told) if self.strings else told

    def _spoil_hook(self, hook: dict[str, Any]) -> dict[str, Any]:
        told = {name: self._respelled(name, value) for name, value in hook.items() if name not in self.omit}
        if self.swap_ids and "id" in told:
            told["id"] = int(told["id"])
        return _without_booleans(told) if self.strings else told

    def _respelled(self, name: str, value: Any) -> Any:
        if name == "target_url":
            parts = urlsplit(value)
            host = parts.netloc.upper() if "host" in self.respell else parts.netloc
            port = {"http": 80, "https": 443}.get(parts.scheme)
            adds = "port" in self.respell and parts.port is None
            return parts._replace(netloc=f"{host}:{port}" if adds else host).geturl()
        if name == "event_type" and name in self.respell:
            return f" {value.upper()}-EVENT"
        return f"0{value}" if name == "event_filter" and name in self.respell and value else value


@dataclass(slots=True)
class _Pending:
    fault: Fault
    left: int | None


class Faults:
    """The faults that were asked for; of several that apply to a request, the first."""

    def __init__(self) -> None:
        self._pending: list[_Pending] = []

    def become(self, faults: Sequence[Fault]) -> None:
        """These, and no others."""
        self._pending = [_Pending(fault, fault.times) for fault in faults]

    def meet(self, action: str) -> Fault | None:
        """The fault that this request meets, which counts as one of its times."""
        for pending in self._pending:
            if pending.left != 0 and (not pending.fault.actions or action in pending.fault.actions):
                pending.left = None if pending.left is None else pending.left - 1
                return pending.fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """Each as it was told, and how many times it has left."""
        return [
            {**pending.fault.model_dump(mode="json", exclude_unset=True), "left": pending.left}
            for pending in self._pending
        ]


def _without_booleans(told: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in told.items()}
