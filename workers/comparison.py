"""A comparison: the hooks as one read lists them against the desired ones, and what speaks against each change."""

from dataclasses import dataclass

from seven.hooks import Addresses, Hook, Plan
from workers import made_hooks
from workers.hook_evidence import Evidence, Hold, Proof
from workers.remembering import Memory


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one read shows, and what was known beside it at that time."""

    plan: Plan
    actual: tuple[Hook, ...]
    addresses: Addresses
    """With the token that hooks should have now as the current one."""
    refused_tokens: tuple[str, ...]
    """Newer ones, which some living receiver does not accept yet."""
    evidence: Evidence
    memory: Memory
    """What is to be remembered of it."""
    holds: tuple[Hold, ...] = ()
    """Why not all of the plan would be carried out now."""

    @property
    def unknown_token(self) -> Hold | None:
        """That hooks have an older token than the first one listed, since receivers would refuse that."""
        if not self.refused_tokens:
            return None
        refusing, living = self.evidence.refusing(self.refused_tokens[0]), len(self.evidence.receivers)
        text = f"{refusing} of {living} receivers do not accept the current SEVEN_HOOK_TOKEN; restart them with it"
        return Hold("unknown_token", text)

    def not_again(self, desired: Hook) -> Hold | None:
        """Why a desired hook that is not listed as it should be must not be created now; None where it may."""
        return made_hooks.hindrance(desired, self.actual, self.memory.made, self.evidence.now_ms)

    def missing_proof(self, surplus: Hook, grace_ms: float) -> Hold | None:
        """Why a surplus hook has to stay; None where it may go."""
        if surplus.id is None:
            return Hold("no_id", "a surplus hook has no id to remove it by")
        since_ms = max((at for _, at in self.memory.first_seen_ms), default=self.evidence.now_ms)
        return Proof(self.addresses, self.evidence, since_ms, grace_ms).missing(surplus, self.refused_tokens)
