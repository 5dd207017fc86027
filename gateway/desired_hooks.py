"""Desired hooks as configured: TOML with a `[[hook]]` table for each."""

import re
import tomllib
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from seven.events import canonical_name
from seven.hooks import ALL, SECRET_HEADER, Addresses, Hook


class DesiredHook(BaseModel):
    """A hook that should exist. Its address is built from SEVEN_PUBLIC_URL and SEVEN_HOOK_TOKEN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_type: str = ALL
    request_method: Literal["JSON", "POST", "GET"] = "JSON"
    event_filter: str | None = Field(None, min_length=1)
    """Restricts the hook to matching events, such as those of one inbound number."""
    headers: str | None = Field(None, repr=False)
    """Extra headers of each delivery, one `Name: value` a line."""

    @field_validator("request_method", mode="before")
    @classmethod
    def _upper(cls, method: object) -> object:
        return method.upper() if isinstance(method, str) else method

    @field_validator("event_filter", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("event_type")
    @classmethod
    def _well_formed(cls, event_type: str) -> str:
        event_type = canonical_name(event_type)
        # not only the types this version understands: parked deliveries may be understood by a later one
        if not re.fullmatch("[a-z][a-z0-9_]*", event_type):
            raise ValueError("lower-case letters, digits and _ are expected, such as dlr or sms_mo")
        return event_type

    @field_validator("headers")
    @classmethod
    def _header_lines(cls, headers: str | None) -> str | None:
        if headers and not all(re.fullmatch(r"[\w-]+:.*\S.*", line) for line in headers.splitlines()):
            raise ValueError("each line must be `Name: value`")
        return headers


DEFAULT = (DesiredHook(),)
"""One hook for every event type, as JSON."""


def read_desired(text: str) -> tuple[DesiredHook, ...]:
    """Parse TOML. Raises ValueError that names the invalid hook and field."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"invalid TOML: {error}") from None
    tables = document.pop("hook", None)
    if document or not isinstance(tables, list) or not tables:
        raise ValueError("one or more [[hook]] tables are expected, and nothing else")
    hooks: list[DesiredHook] = []
    names: list[object] = []
    for number, table in enumerate(tables, 1):
        try:
            hook = DesiredHook.model_validate(table)
        except ValidationError as error:
            reasons = "; ".join(
                f"{'.'.join(map(str, details['loc'])) or 'it'}: {details['msg'].removeprefix('Value error, ')}"
                for details in error.errors(include_input=False)
            )
            raise ValueError(f"hook {number}: {reasons}") from None
        name = (table.get("event_type", ALL), hook.event_filter)
        if name in names:
            raise ValueError("two hooks with the same event_type and event_filter: every event would arrive twice")
        names.append(name)
        if (hook.event_type, hook.event_filter) not in [(each.event_type, each.event_filter) for each in hooks]:
            hooks.append(hook)  # rcs_mo and rcs_dlr are one
    return tuple(hooks)


def addressed(desired: Sequence[DesiredHook], addresses: Addresses, secret: str | None = None) -> list[Hook]:
    """The desired hooks with their addresses, and with the secret header that the receiver verifies."""
    secret_header = None if secret is None else f"{SECRET_HEADER}: {secret}"
    return [
        Hook(
            target_url=addresses.current(hook.event_type),
            event_type=hook.event_type,
            request_method=hook.request_method,
            event_filter=hook.event_filter,
            headers="\n".join(filter(None, (hook.headers, secret_header))) or None,
        )
        for hook in desired
    ]
