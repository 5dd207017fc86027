"""Target: what a change is sent to, and what became of an attempt."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Answer(Enum):
    """What an attempt ended with."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    """It may succeed later."""
    GONE = "gone"
    """The target wants no more: status 410."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a change."""

    answer: Answer
    reason: str = ""
    """Why it failed, in words of ours: no address, no text of the target's."""
    retry_after_s: float | None = None
    """How long the target asks to be left alone."""

    @property
    def is_accepted(self) -> bool:
        """Whether the change has arrived."""
        return self.answer is Answer.ACCEPTED


class Target(Protocol):
    """A subscriber as it is reached. Threads may share it."""

    def send(self, change_id: str, body: bytes) -> Attempt:
        """Send one change, within the reaction's timeout. Whatever the target does is an attempt, no exception."""
        ...

    def close(self) -> None:
        """End connections and processes."""
        ...
