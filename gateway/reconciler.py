"""Reconciling: the hooks at the gateway are read, compared with the desired ones, and reported or repaired.

Make before break: what is desired is created first, and what is in its place goes only when a fresh read shows the new
one and it is proven to deliver (`gateway/hook_evidence.py`). And a breaker: nothing is changed on the word of a read
that failed, was odd, or is empty where it was not. What reconciling wants is the newest token that every living
receiver accepts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from redis.exceptions import LockError

from gateway import created_hooks
from gateway.client import Gateway, GatewayFailure
from gateway.comparison import Comparison
from gateway.findings import Finding, FindingLog, findings
from gateway.hook_address import choose
from gateway.hook_evidence import Hold
from gateway.hook_state import CreatedHook, HookState, HookStates, still_seen
from runtime.logs import logger
from seven.hooks import Addresses, Hook, Plan, headers_are_told, plan

log = logger("seven.hooks")


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What one run found and did."""

    plan: Plan | None
    """What is still to be done; None when the hooks could not be read."""
    done: tuple[Finding, ...] = ()
    """What was created and removed."""
    held: str | None = None
    """Why the hooks could not be read, or not all was done that was asked for."""


class Reconciler:
    """Compares and, where told to, repairs. Runs that overlap, in any process, leave the work to one of them."""

    def __init__(
        self,
        gateway: Gateway,
        desired: Callable[[Addresses], Sequence[Hook]],
        addresses: Addresses,
        memories: HookStates,
        journal: FindingLog,
        *,
        most_changes: int,
        grace_s: float,
        again: bool = False,
    ) -> None:
        """`desired` makes the desired hooks for addresses whose first token and URL are the current ones.

        With `again` hooks that were made and never listed count as gone.
        """
        self._gateway, self._desired, self._addresses = gateway, desired, addresses
        self._memories, self._journal = memories, journal
        self._most_changes, self._grace_ms, self._again = most_changes, grace_s * 1000, again
        self._made: dict[str, str] = {}  # the headers of hooks made in this run, as they are remembered

    def read(self) -> list[Hook]:
        """The hooks as they are. Raises GatewayFailure."""
        return self._gateway.read()

    def compare(self) -> Comparison:
        """What it would take, without changing or remembering anything. Raises GatewayFailure, or redis.RedisError."""
        return self._judged(self._look(self._memories.recall()))

    def run(self, *, apply: bool) -> ReconcileResult | None:
        """One run; None when another one is under way. Raises redis.RedisError when Redis is away."""
        lock = self._memories.lock()
        if not lock.acquire():
            return None
        try:
            return self._run(apply)
        finally:
            try:
                lock.release()
            except LockError:  # another one may have begun; idempotent anyway
                log.warning("a run lasted longer than its lock")

    def _run(self, apply: bool) -> ReconcileResult:
        before = self._memories.recall()
        done: list[Finding] = []
        try:
            now = self._look(before)
            found = now.plan
            if not (apply or before.read_ms or found.matching or found.drifted or found.surplus):
                log.warning("none of our hooks is registered at the gateway: run `seven-ingest hooks apply`")
            now = self._repaired(now, done) if apply and found.drift else self._judged(now)
        except GatewayFailure as failure:
            # says nothing about the hooks: what was found before stays found, and what was done is done
            self._note(self._memories.recall(), [Finding("refused", reason=str(failure))], before.findings, before)
            return ReconcileResult(None, tuple(done), str(failure))
        noticed = findings(now.plan)
        if apply:
            noticed += [Finding("refused", reason=hold.text) for hold in now.holds]
        memory = replace(now.memory, holds=tuple((hold.code, hold.text) for hold in now.holds))
        self._note(memory, noticed, frozenset(), before)
        held = "; ".join(hold.text for hold in now.holds) if apply else ""
        return ReconcileResult(now.plan, tuple(done), held or None)

    def _look(self, before: HookState) -> Comparison:
        """Read and compare; with it, what is to be remembered of it."""
        actual = self._gateway.read()
        evidence = self._memories.evidence()
        choice = choose(self._addresses, evidence.receivers, actual)
        found = self._planned(self._desired(choice.addresses), actual, choice.addresses, before)
        matching = [hook for _, hook in found.matching]
        memory = HookState(
            read_ms=evidence.now_ms,
            drift=found.drift,
            count=len(actual) or before.count * (before.empty_reads == 0),
            empty_reads=0 if actual else before.empty_reads + 1,
            headers=tuple(sorted(self._remembered(actual, before).items())),
            first_seen_ms=still_seen(before, [hook.id for hook in matching if hook.id is not None], evidence.now_ms),
            made=created_hooks.remembered(before.made, matching, actual, evidence.now_ms),
        )
        return Comparison(found, tuple(actual), choice, evidence, memory, self._again)

    def _judged(self, now: Comparison) -> Comparison:
        """With why not all of its plan would be carried out."""
        if (stopped := self._stopped(now)) is not None:
            return replace(now, holds=(stopped,))
        creating = [now.not_again(hook) for hook in now.plan.to_create]
        removing = [] if now.plan.to_create else [now.missing_proof(hook, self._grace_ms) for hook in now.plan.surplus]
        holds = [*creating, *removing, *now.choice.holds]
        return replace(now, holds=tuple(dict.fromkeys(hold for hold in holds if hold)))

    def _planned(
        self, desired: Sequence[Hook], actual: Sequence[Hook], addresses: Addresses, memory: HookState
    ) -> Plan:
        """Compare. Where the gateway lists no headers, by those that a hook was made with as far as that is known."""
        if headers_are_told(actual):
            return plan(desired, actual, addresses)
        known = self._remembered(actual, memory)
        return plan(
            desired, [created_hooks.with_known_headers(hook, known, desired) for hook in actual], addresses, told=False
        )

    def _remembered(self, actual: Sequence[Hook], memory: HookState) -> dict[str, str]:
        """The headers that these hooks were made with, as far as that is known."""
        ids = {hook.id for hook in actual}
        return {name: mark for name, mark in (*memory.headers, *self._made.items()) if name in ids}

    def _stopped(self, now: Comparison) -> Hold | None:
        """What speaks against changing anything at all."""
        if not now.plan.drift:
            return None
        if now.memory.count and now.memory.empty_reads:
            return Hold(
                "empty_list", "the gateway lists no hooks where there were some; this counts once the next read agrees"
            )
        changes = len(now.plan.to_create) + len(now.plan.to_remove)
        if changes > self._most_changes:
            text = f"{changes} changes are more than SEVEN_HOOKS_MOST_CHANGES={self._most_changes}; look at the plan"
            return Hold("too_many_changes", text)
        if not now.choice.is_possible:
            text = "no listed token and public URL are accepted by every living receiver; nothing is changed"
            return now.choice.holds[0]._replace(text=text)
        return None

    def _repaired(self, now: Comparison, done: list[Finding]) -> Comparison:
        """Create what is desired; remove the rest where that is safe by now."""
        if (stopped := self._stopped(now)) is not None:
            return replace(now, holds=(stopped,))
        holds: list[Hold | None] = []
        created = False
        for hook in now.plan.to_create:
            hold = now.not_again(hook)
            holds.append(hold)
            if hold is None:
                now, created = self._created(now, hook, done), True
        if created:
            now = self._look(now.memory)
        if now.plan.missing or now.plan.drifted:
            holds += [now.not_again(hook) for hook in now.plan.to_create]
            holds.append(Hold("not_listed", "nothing is removed before all that is desired is listed as it should be"))
        else:
            holds += [self._removed(now, hook, done) for hook in now.plan.surplus]
            if done:
                now = self._look(now.memory)
        return replace(now, holds=tuple(dict.fromkeys(hold for hold in (*holds, *now.choice.holds) if hold)))

    def _created(self, now: Comparison, hook: Hook, done: list[Finding]) -> Comparison:
        """Create one hook, and remember it before anything else can fail."""
        made = replace(hook, id=self._gateway.subscribe(hook))
        self._made[str(made.id)] = created_hooks.header_mark(hook)
        entry = CreatedHook(str(made.id), created_hooks.mark_of(hook), now.evidence.now_ms)
        memory = replace(now.memory, made=(*now.memory.made, entry))
        self._memories.remember(replace(self._memories.recall(), made=memory.made))
        self._did(Finding("created", made), done)
        return replace(now, memory=memory)

    def _removed(self, now: Comparison, hook: Hook, done: list[Finding]) -> Hold | None:
        """Remove a surplus hook; or why it has to stay."""
        hold = now.missing_proof(hook, self._grace_ms)
        if hold is None and hook.id is not None:
            self._gateway.unsubscribe(hook.id)
            self._did(Finding("removed", hook), done)
        return hold

    def _did(self, change: Finding, done: list[Finding]) -> None:
        """Say and keep a change at once: whatever ends this process next, it has been made."""
        done.append(change)
        change.tell()
        self._journal.keep([change])

    def _note(self, memory: HookState, noticed: Sequence[Finding], also: frozenset[str], before: HookState) -> None:
        """Say and keep what is new since the run before, and remember. What could not be kept is new next time."""
        new = [one for one in noticed if one.key not in before.findings]
        for one in new:
            one.tell()
        kept = noticed if self._journal.keep(new) else [one for one in noticed if one not in new]
        self._memories.remember(replace(memory, findings=also | {one.key for one in kept}))
