"""Report on the results of deliveries."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

UNNAMED = "none"
"""Stands for the outcome of answers that contain an id and no outcome."""


class State(StrEnum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of one delivery after its last attempt."""

    state: State
    attempts: int
    status: int | None
    """Status of the last attempt's answer; None if it had none."""
    id: str | None = None
    """The receiver's id for the delivery, from a 2xx answer."""
    outcome: str | None = None
    hook_id: int | None = None
    """The hook that it was sent to; None for a target."""


@dataclass(slots=True)
class Report:
    """Results so far; updated while deliveries run."""

    results: dict[int, DeliveryResult] = field(default_factory=dict)
    """By the delivery's index in order of sending, from 0."""
    attempts: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """By reason: a status such as `503`, `timeout`, or `connection`."""

    @property
    def states(self) -> Counter[State]:
        """Number of finished deliveries by state."""
        return Counter(result.state for result in self.results.values())

    @property
    def refusals(self) -> Counter[int]:
        """Number of deliveries refused for good, by status."""
        return Counter(result.status for result in self._ended(State.REFUSED) if result.status is not None)

    @property
    def refusals_by_hook(self) -> dict[str, dict[str, int]]:
        """Number of deliveries refused for good, by hook and status."""
        refusals: dict[str, Counter[str]] = {}
        for result in self._ended(State.REFUSED):
            if result.hook_id is not None:
                refusals.setdefault(str(result.hook_id), Counter())[str(result.status)] += 1
        return {hook_id: dict(by_status) for hook_id, by_status in refusals.items()}

    @property
    def ids(self) -> dict[str, list[str]]:
        """Ids from 2xx answers, by the outcome in the same answer."""
        ids: dict[str, list[str]] = {}
        for result in self._ended(State.DELIVERED):
            if result.id is not None:
                ids.setdefault(result.outcome or UNNAMED, []).append(result.id)
        return ids

    def _ended(self, state: State) -> Iterator[DeliveryResult]:
        return (result for result in self.results.values() if result.state is state)


def read_answer(status: int, body: bytes) -> tuple[str | None, str | None]:
    """Id and outcome in the JSON of a receiver's 2xx answer; None for each that it lacks."""
    if not 200 <= status < 300:
        return None, None
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    fields = answer if isinstance(answer, dict) else {}
    delivery_id, outcome = fields.get("id"), fields.get("outcome")
    return delivery_id if isinstance(delivery_id, str) else None, outcome if isinstance(outcome, str) else None
