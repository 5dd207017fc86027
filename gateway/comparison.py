"""Comparison of the listed hooks with the desired ones, and the reasons to hold back each change."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from gateway import created_hooks
from gateway.hook_address import Choice
from gateway.hook_evidence import Evidence, Hold, Proof
from gateway.hook_state import HookState
from seven.hooks import Hook, Plan


@dataclass(frozen=True, slots=True)
class Comparison:
    """The plan that follows from one read, with all that was known at that time."""

    plan: Plan
    actual: tuple[Hook, ...]
    choice: Choice
    """The address that hooks should have now."""
    evidence: Evidence
    state: HookState
    """The state to save for the next run."""
    recreate_unlisted: bool = False
    """Whether hooks that we created and that were never listed count as gone."""
    holds: tuple[Hold, ...] = ()
    """Why parts of the plan would not be carried out now."""

    def creation_hold(self, desired: Hook) -> Hold | None:
        """Why this missing or drifted hook must not be created now; None where it may be."""
        return created_hooks.creation_hold(
            desired,
            self.actual,
            self.state.created,
            self.evidence.now_ms,
            recreate_unlisted=self.recreate_unlisted,
        )

    def removal_hold(self, surplus: Hook, grace_ms: float) -> Hold | None:
        """Why this surplus hook must stay; None where it may be removed."""
        if surplus.id is None:
            return Hold("no_id", "a surplus hook has no id to remove it by")
        since_ms = max((at for _, at in self.state.first_seen_ms), default=self.evidence.now_ms)
        place = self.choice.addresses.match(surplus.target_url)
        newer = place and self.choice.removal_hold(*place)
        return newer or Proof(self.choice.addresses, self.evidence, since_ms, grace_ms).removal_hold(surplus)

    def holding(self, holds: Iterable[Hold | None]) -> Self:
        """The comparison with these holds and those of its address, each once."""
        present = [hold for hold in (*holds, *self.choice.holds) if hold]
        return replace(self, holds=tuple(dict.fromkeys(present)))
