"""Story progress: what the emulator's report on a story says, and in which log its cause is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MEANINGS = {
    "401": "its signature or secret header is in doubt",
    "404": "no token that the receiver knows",
    "413": "larger than SEVEN_BODY_LIMIT",
    "422": "not understood",
}
"""What a receiver of ours says with a status."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What went wrong, and the program whose log says more."""

    cause: str
    program: str


@dataclass(frozen=True, slots=True)
class StoryProgress:
    """The emulator's own report on one story; empty as long as it has not answered."""

    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """Deliveries to be made, once the emulator knows."""
        return self.report.get("deliveries")

    @property
    def delivered(self) -> int:
        """Deliveries that were answered with a 2xx."""
        return int(self.report.get("delivered", 0))

    @property
    def ended(self) -> bool:
        """Whether nothing more will be delivered."""
        return self.report.get("state") in ("told", "stopped", "failed")

    def verdict(self) -> Hindrance | None:
        """Of a story that has ended: None when every delivery was accepted, else what became of the others."""
        if self.report["state"] != "told":
            return Hindrance("the emulator could not tell its story to the end", "emulator")
        if note := self.report["note"]:
            return Hindrance(str(note), "emulator")
        lost = (self.total or 0) - self.delivered
        if not lost:
            return None
        return Hindrance(f"{lost} of {self.total} deliveries were not accepted: {self._refusals()}", "emulator")

    def standstill(self, kept: int) -> Hindrance:
        """Of a story that does not go on, with this many deliveries in the database."""
        so_far = f"{kept} of {self.total or 'an unknown number of'} deliveries are in the database so far"
        if not self.report:
            return Hindrance(f"{so_far}; the emulator does not answer", "emulator")
        if kept < self.delivered:
            return Hindrance(f"{so_far}, and {self.delivered} were accepted", "worker")
        return Hindrance(f"{so_far}: {self._refusals() or 'the receiver does not answer'}", "receiver")

    def _refusals(self) -> str:
        refused = [
            f"hook {hook_id} was answered {status} {count} times ({MEANINGS.get(status, 'refused for good')})"
            for hook_id, refusals in self.report["refusals_by_hook"].items()
            for status, count in refusals.items()
        ]
        retries = [f"{count} attempts met {cause}" for cause, count in self.report["retries"].items()]
        return "; ".join((*refused, *retries))
