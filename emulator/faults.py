"""Faults of the gateway, injected on demand."""

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


def _three_digits(code: object) -> object:
    if isinstance(code, bool) or not isinstance(code, int | str) or not re.fullmatch(r"[1-9]\d\d", str(code), re.ASCII):
        raise ValueError('a code has three digits: 900 is sent as a number, "900" as a string')
    return code


Code = Annotated[int | str, BeforeValidator(_three_digits)]


class Fault(BaseModel):
    """A fault of the hooks API: its effects, which all apply at once, and the requests that it affects."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slow: float = Field(0, ge=0, le=LONGEST_S)
    """Seconds before the answer. The request is performed before them: only the answer is slow."""
    status: int | None = Field(None, ge=400, le=599)
    """An HTTP error instead of the answer."""
    code: Code | None = None
    """One of the gateway's errors instead of the answer, as HTTP 200: 900 wrong key, 901 signing failed, 902 missing
    rights, 903 IP refused. A string is sent as a JSON string, a number as a number."""
    garbage: bool = False
    """No JSON instead of the answer, as HTTP 200."""
    performed: bool = False
    """With a status, a code or garbage: whether the request is performed nonetheless."""
    hooks: Literal["empty", "missing"] | None = None
    """A read answers with an empty list, or without a list, whatever is registered."""
    omit: tuple[Key, ...] = ()
    """Keys that a read leaves out of each hook; older versions of the API lacked some of them."""
    swap_ids: bool = False
    """Ids are numbers in a read, and a string in a subscribe."""
    strings: bool = False
    """Booleans are strings: `"true"`."""
    respell: tuple[Spelling, ...] = ()
    """Values that a read spells differently than they were registered: the host in capitals, the default port added,
    the event type in capitals, the filter in another form."""
    page: int | None = Field(None, ge=0)
    """Maximum number of hooks that a read lists, the oldest first."""
    actions: tuple[Literal["read", "subscribe", "unsubscribe"], ...] = ()
    """The affected actions; all without any."""
    times: int | None = Field(None, ge=1)
    """The number of affected requests; unlimited without it."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        instead = [self.status is not None, self.code is not None, self.garbage]
        if sum(instead) > 1:
            raise ValueError("status, code and garbage exclude each other")
        if self.performed and not any(instead):
            raise ValueError("performed goes with status, code or garbage")
        others = (self.slow, self.hooks, self.omit, self.swap_ids, self.strings, self.respell, self.page is not None)
        if not any((*instead, *others)):
            raise ValueError(
                "a fault needs an effect: slow, status, code, garbage, hooks, omit, swap_ids, strings, respell or page"
            )
        return self

    @property
    def replaces_answer(self) -> bool:
        """Whether another answer replaces the regular one."""
        return self.status is not None or self.code is not None or self.garbage

    def distort(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer with this fault's distortions."""
        distorted = dict(answer)
        if "hooks" in distorted:
            listed = distorted["hooks"][: self.page]
            distorted["hooks"] = [self._distort_hook(hook) for hook in listed if self.hooks is None]
        if self.hooks == "missing":
            distorted.pop("hooks", None)
        if self.swap_ids and "id" in distorted:
            distorted["id"] = str(distorted["id"])
        return _without_booleans(distorted) if self.strings else distorted

    def _distort_hook(self, hook: dict[str, Any]) -> dict[str, Any]:
        distorted = {name: self._respell(name, value) for name, value in hook.items() if name not in self.omit}
        if self.swap_ids and "id" in distorted:
            distorted["id"] = int(distorted["id"])
        return _without_booleans(distorted) if self.strings else distorted

    def _respell(self, name: str, value: Any) -> Any:
        if name == "target_url":
            parts = urlsplit(value)
            host = parts.netloc.upper() if "host" in self.respell else parts.netloc
            port = {"http": 80, "https": 443}.get(parts.scheme)
            add_port = "port" in self.respell and parts.port is None
            return parts._replace(netloc=f"{host}:{port}" if add_port else host).geturl()
        if name == "event_type" and name in self.respell:
            return f" {value.upper()}-EVENT"
        return f"0{value}" if name == "event_filter" and name in self.respell and value else value


@dataclass(slots=True)
class _ActiveFault:
    fault: Fault
    left: int | None


class Faults:
    """The active faults; the first that applies to a request takes effect."""

    def __init__(self) -> None:
        self._active: list[_ActiveFault] = []

    def replace(self, faults: Sequence[Fault]) -> None:
        """Replace all active faults by these."""
        self._active = [_ActiveFault(fault, fault.times) for fault in faults]

    def take(self, action: str) -> Fault | None:
        """The fault for a request with this action; uses up one of the fault's times."""
        for active in self._active:
            if active.left != 0 and (not active.fault.actions or action in active.fault.actions):
                active.left = None if active.left is None else active.left - 1
                return active.fault
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """Each active fault with the fields that were set, and the number of times left."""
        return [
            {**active.fault.model_dump(mode="json", exclude_unset=True), "left": active.left} for active in self._active
        ]


def _without_booleans(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in fields.items()}
