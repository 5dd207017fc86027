"""Faults of the hooks API."""

from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from emulator.faults import Fault

Spelling = Literal["host", "port", "event_type", "event_filter"]
Key = Literal["id", "target_url", "event_type", "event_filter", "request_method", "enabled", "created", "headers"]


class HookFault(Fault):
    """A fault of the hooks API."""

    conditions: ClassVar[frozenset[str]] = frozenset({"performed", "actions", "times"})

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

    @model_validator(mode="after")
    def _performs_before_another_answer(self) -> Self:
        if self.performed and self.replacement() is None:
            raise ValueError("performed goes with status, code or garbage")
        return self

    def applies_to(self, subject: str) -> bool:
        """Whether requests with this action are affected."""
        return not self.actions or subject in self.actions

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


def _without_booleans(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in fields.items()}
