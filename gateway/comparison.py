"""A comparison: the hooks as one read lists them against the desired ones, and what speaks against each change."""

from dataclasses import dataclass

from gateway import created_hooks
from gateway.hook_address import Choice
from gateway.hook_evidence import Evidence, Hold, Proof
from gateway.hook_state import HookState
from seven.hooks import Hook, Plan


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one read shows, and what was known beside it at that time."""

    plan: Plan
    actual: tuple[Hook, ...]
    choice: Choice
    """The address that hooks are to have now."""
    evidence: Evidence
    memory: HookState
    """What is to be remembered of it."""
    again: bool = False
    """Whether hooks that were made and never listed count as gone."""
    holds: tuple[Hold, ...] = ()
    """Why not all of the plan would be carried out now."""

    def not_again(self, desired: Hook) -> Hold | None:
        """Why a desired hook that is not listed as it should be must not be created now; None where it may."""
        return created_hooks.hindrance(desired, self.actual, self.memory.made, self.evidence.now_ms, again=self.again)

    def missing_proof(self, surplus: Hook, grace_ms: float) -> Hold | None:
        """Why a surplus hook has to stay; None where it may go."""
        if surplus.id is None:
            return Hold("no_id", "a surplus hook has no id to remove it by")
        since_ms = max((at for _, at in self.memory.first_seen_ms), default=self.evidence.now_ms)
        place = self.choice.addresses.place(surplus.target_url)
        newer = place and self.choice.is_newer(*place)
        return newer or Proof(self.choice.addresses, self.evidence, since_ms, grace_ms).missing(surplus)
