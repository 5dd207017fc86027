"""Report: what became of each delivery that was made."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

UNNAMED = "none"
"""The outcome under which an id is listed whose answer names no outcome."""


class State(StrEnum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Fate:
    """How one delivery ended, after how many attempts."""

    state: State
    attempts: int
    status: int | None
    """The last answer's; None where the last attempt brought none."""
    id: str | None = None
    """The receiver's own, told in a 2xx answer."""
    outcome: str | None = None
    hook_id: int | None = None
    """The hook that it was for; None for a target."""


@dataclass(slots=True)
class Report:
    """Grows while deliveries are made."""

    fates: dict[int, Fate] = field(default_factory=dict)
    """By the place of the delivery in what was to be sent, from 0."""
    attempts: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """By cause: `503` and its like, `timeout`, or `connection`."""

    @property
    def states(self) -> Counter[State]:
        """How many deliveries ended how."""
        return Counter(fate.state for fate in self.fates.values())

    @property
    def refusals(self) -> Counter[int]:
        """How many deliveries were refused for good with which status."""
        return Counter(fate.status for fate in self._ended(State.REFUSED) if fate.status is not None)

    @property
    def refusals_by_hook(self) -> dict[str, dict[str, int]]:
        """How many deliveries each hook's receiver refused for good, by status."""
        counted: dict[str, Counter[str]] = {}
        for fate in self._ended(State.REFUSED):
            if fate.hook_id is not None:
                counted.setdefault(str(fate.hook_id), Counter())[str(fate.status)] += 1
        return {hook_id: dict(refusals) for hook_id, refusals in counted.items()}

    @property
    def ids(self) -> dict[str, list[str]]:
        """The ids that 2xx answers told, by the outcome beside them."""
        listed: dict[str, list[str]] = {}
        for fate in self._ended(State.DELIVERED):
            if fate.id is not None:
                listed.setdefault(fate.outcome or UNNAMED, []).append(fate.id)
        return listed

    def _ended(self, state: State) -> Iterator[Fate]:
        return (fate for fate in self.fates.values() if fate.state is state)


def read_answer(status: int, body: bytes) -> tuple[str | None, str | None]:
    """The id and outcome that a receiver's 2xx answer tells in JSON; None for what it does not."""
    if not 200 <= status < 300:
        return None, None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    words = told if isinstance(told, dict) else {}
    named, outcome = words.get("id"), words.get("outcome")
    return named if isinstance(named, str) else None, outcome if isinstance(outcome, str) else None
