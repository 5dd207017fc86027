"""Faults of the gateway's APIs, injected on demand: what they have in common, and which are active."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from starlette.responses import Response

from emulator.answers import garbage, http_error, json_answer

LONGEST_S = 120


def _three_digits(code: object) -> object:
    if isinstance(code, bool) or not isinstance(code, int | str) or not re.fullmatch(r"[1-9]\d\d", str(code), re.ASCII):
        raise ValueError('a code has three digits: 900 is sent as a number, "900" as a string')
    return code


Code = Annotated[int | str, BeforeValidator(_three_digits)]


class Fault(BaseModel):
    """A fault of one of the gateway's APIs: its effects, which all apply at once, and the requests that it affects."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    conditions: ClassVar[frozenset[str]] = frozenset({"times"})
    """Fields that have no effect of their own."""

    slow: float = Field(0, ge=0, le=LONGEST_S)
    """Seconds before the answer. The request is performed before them: only the answer is slow."""
    status: int | None = Field(None, ge=400, le=599)
    """An HTTP error instead of the answer."""
    code: Code | None = None
    """One of the gateway's errors instead of the answer, as HTTP 200: 900 wrong key, 901 signing failed, 902 missing
    rights, 903 IP refused, 600 an error of its own. A string is sent as a JSON string, a number as a number."""
    garbage: bool = False
    """No JSON instead of the answer, as HTTP 200."""
    times: int | None = Field(None, ge=1)
    """The number of affected requests; unlimited without it."""

    @model_validator(mode="after")
    def _has_effects(self) -> Self:
        if [self.status is not None, self.code is not None, self.garbage].count(True) > 1:
            raise ValueError("status, code and garbage exclude each other")
        fields = type(self).model_fields
        effects = [name for name in fields if name not in self.conditions]
        if all(getattr(self, name) == fields[name].default for name in effects):
            raise ValueError(f"a fault needs an effect: {', '.join(effects)}")
        return self

    def applies_to(self, subject: str) -> bool:
        """Whether a request is affected; `subject` is its action, or the journal that it reads."""
        del subject
        return True

    def replacement(self) -> Response | None:
        """The answer instead of the regular one; None where the regular one is at most distorted."""
        if self.status is not None:
            return http_error(self.status)
        if self.code is not None:
            return json_answer(self.code)
        return garbage() if self.garbage else None


F = TypeVar("F", bound=Fault)


@dataclass(slots=True)
class _ActiveFault(Generic[F]):
    fault: F
    left: int | None


class Faults(Generic[F]):
    """The active faults of one API; the first that applies to a request takes effect."""

    def __init__(self) -> None:
        self._active: list[_ActiveFault[F]] = []

    def replace(self, faults: Sequence[F]) -> None:
        """Replace all active faults by these."""
        self._active = [_ActiveFault(fault, fault.times) for fault in faults]

    def take(self, subject: str) -> F | None:
        """The fault for a request with this subject; uses up one of the fault's times."""
        for active in self._active:
            if active.left != 0 and active.fault.applies_to(subject):
                active.left = None if active.left is None else active.left - 1
                return active.fault
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """Each active fault with the fields that were set, and the number of times left."""
        return [
            {**active.fault.model_dump(mode="json", exclude_unset=True), "left": active.left} for active in self._active
        ]
