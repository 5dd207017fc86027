"""The desired hooks, as configuration says them: TOML with one `[[hook]]` table for each."""

import re
import tomllib
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from seven.hooks import ALL, SECRET_HEADER, Addresses, Hook


class DesiredHook(BaseModel):
    """One hook that there should be. Its address is made from SEVEN_PUBLIC_URL and SEVEN_HOOK_TOKEN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_type: str = ALL
    request_method: Literal["JSON", "POST", "GET"] = "JSON"
    event_filter: str | None = Field(None, min_length=1)
    """Sends only what it applies to, such as one inbound number."""
    headers: str | None = Field(None, repr=False)
    """Extra headers of each delivery, `Name: value`, several on lines of their own."""

    @field_validator("request_method", mode="before")
    @classmethod
    def _upper(cls, told: object) -> object:
        return told.upper() if isinstance(told, str) else told

    @field_validator("event_filter", mode="before")
    @classmethod
    def _number(cls, told: object) -> object:
        return str(told) if isinstance(told, int) and not isinstance(told, bool) else told

    @field_validator("event_type")
    @classmethod
    def _word(cls, told: str) -> str:
        # not only those we understand: what is parked today may be understood tomorrow
        if not re.fullmatch("[a-z][a-z0-9_]*", told):
            raise ValueError("lower-case letters, digits and _ are expected, such as dlr or sms_mo")
        return told

    @field_validator("headers")
    @classmethod
    def _header_lines(cls, told: str | None) -> str | None:
        if told and not all(re.fullmatch(r"[\w-]+:.*\S.*", line) for line in told.splitlines()):
            raise ValueError("each line must be `Name: value`")
        return told


DEFAULT = (DesiredHook(),)
"""One hook for every event type, as JSON."""


def read_desired(text: str) -> tuple[DesiredHook, ...]:
    """Read TOML. Raises ValueError that says which hook is wrong, and in what."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"no TOML: {error}") from None
    tables = told.pop("hook", None)
    if told or not isinstance(tables, list) or not tables:
        raise ValueError("one or more [[hook]] tables are expected, and nothing else")
    hooks = []
    for number, table in enumerate(tables, 1):
        try:
            hooks.append(DesiredHook.model_validate(table))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg'].removeprefix('Value error, ')}"
                for one in error.errors(include_input=False)
            )
            raise ValueError(f"hook {number}: {wrong}") from None
    places = [(one.event_type, one.event_filter) for one in hooks]
    if len(set(places)) != len(places):
        raise ValueError("two hooks with the same event_type and event_filter: every event would arrive twice")
    return tuple(hooks)


def addressed(desired: Sequence[DesiredHook], addresses: Addresses, secret: str | None = None) -> list[Hook]:
    """The desired hooks with their addresses, and with the secret header that the receiver looks for."""
    own = None if secret is None else f"{SECRET_HEADER}: {secret}"
    return [
        Hook(
            target_url=addresses.current(one.event_type),
            event_type=one.event_type,
            request_method=one.request_method,
            event_filter=one.event_filter,
            headers="\n".join(filter(None, (one.headers, own))) or None,
        )
        for one in desired
    ]
