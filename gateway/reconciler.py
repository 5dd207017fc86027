"""Reconciler: reads the hooks at the gateway, compares them with the desired ones, and reports or repairs the drift.

Make before break: it creates desired hooks first, and removes the hooks they replace only when a fresh read lists the
new ones and they are proven to deliver (`gateway/hook_evidence.py`). A breaker: it changes nothing after a read that
failed, was malformed, or is empty where the one before was not. Hooks get the newest token and secret that every
living receiver accepts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway import created_hooks
from gateway.api import GatewayFailure
from gateway.comparison import Comparison
from gateway.findings import Finding, FindingLog, findings
from gateway.hook_address import choose
from gateway.hook_evidence import Hold
from gateway.hook_state import CreatedHook, HookState, HookStates, first_seen
from gateway.hooks_client import HooksClient
from ledger.lease import LeaseLost
from runtime.logs import logger
from seven.hooks import Addresses, Hook, Plan, lists_headers, plan

log = logger("seven.hooks")


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """Result of one run."""

    plan: Plan | None
    """The remaining drift; None when the hooks could not be read."""
    changes: tuple[Finding, ...] = ()
    """Hooks that the run created and removed."""
    reason: str | None = None
    """Why the hooks could not be read, or why changes were held back."""


class Reconciler:
    """Compares and, on request, repairs. Of overlapping runs, in any process, only one does the work."""

    def __init__(
        self,
        gateway: HooksClient,
        desired: Callable[[Addresses, str | None], Sequence[Hook]],
        addresses: Addresses,
        states: HookStates,
        finding_log: FindingLog,
        *,
        secrets: tuple[str, ...],
        most_changes: int,
        grace_s: float,
        recreate_unlisted: bool = False,
    ) -> None:
        """`desired` returns the desired hooks with a secret, at addresses whose first token and URL are current.

        With `recreate_unlisted`, hooks that we created and that were never listed count as gone.
        """
        self._gateway, self._desired, self._addresses, self._secrets = gateway, desired, addresses, secrets
        self._states, self._finding_log = states, finding_log
        self._most_changes, self._grace_ms, self._recreate_unlisted = most_changes, grace_s * 1000, recreate_unlisted
        self._check: Callable[[], None] = lambda: None  # raises LeaseLost; set by each run
        self._created_headers: dict[str, str] = {}  # fingerprints of the headers of hooks created in this run, by id

    def read(self) -> list[Hook]:
        """The actual hooks. Raises GatewayFailure."""
        return self._gateway.read()

    def compare(self) -> Comparison:
        """Compare without changing or saving anything. Raises GatewayFailure, or redis.RedisError."""
        return self._with_holds(self._compare(self._states.load()))

    def run(self, *, apply: bool) -> ReconcileResult | None:
        """One run; None when another one is in progress. Raises redis.RedisError when Redis is unavailable.

        A run that loses its lease ends before its next change, and returns None as well.
        """
        with self._states.lease() as lease:
            if lease is None:
                return None
            self._check = lease.check
            try:
                return self._run(apply)
            except LeaseLost as lost:  # what it has changed is on record
                log.warning("reconciliation ended: its lease is lost", cause=str(lost))
                return None

    def _run(self, apply: bool) -> ReconcileResult:
        before = self._states.load()
        changes: list[Finding] = []
        try:
            comparison = self._compare(before)
            plan = comparison.plan
            if not comparison.state.is_doubtful:
                self._finding_log.see(plan.ours, self._states.account, before.succeeds)
            if not (apply or before.read_ms or plan.matching or plan.drifted or plan.surplus):
                log.warning("none of our hooks is registered at the gateway: run `seven-ingest hooks apply`")
            comparison = self._repair(comparison, changes) if apply and plan.drift else self._with_holds(comparison)
        except GatewayFailure as failure:
            # says nothing about the hooks: earlier findings and the changes made so far remain valid
            self._report(self._states.load(), [Finding("refused", reason=str(failure))], before.findings, before)
            return ReconcileResult(None, tuple(changes), str(failure))
        current = findings(comparison.plan)
        if apply:
            current += [Finding("refused", reason=hold.text) for hold in comparison.holds]
        state = replace(comparison.state, holds=tuple((hold.code, hold.text) for hold in comparison.holds))
        self._report(state, current, frozenset(), before)
        reason = "; ".join(hold.text for hold in comparison.holds) if apply else ""
        return ReconcileResult(comparison.plan, tuple(changes), reason or None)

    def _compare(self, before: HookState) -> Comparison:
        """Read the hooks and compare; includes the state to save, which nothing has saved yet."""
        actual = self._gateway.read()
        evidence = self._states.evidence()
        known = self._known_headers(actual, before)
        registered = {
            secret
            for secret in self._secrets
            if created_hooks.are_headers_known(self._desired(self._addresses, secret), actual, known)
        }
        choice = choose(self._addresses, evidence.receivers, actual, self._secrets, registered)
        plan = _plan(self._desired(choice.addresses, choice.secret), actual, choice.addresses, known)
        matching = [hook for _, hook in plan.matching]
        state = HookState(
            read_ms=evidence.now_ms,
            drift=plan.drift,
            count=len(actual) or before.count * (before.empty_reads == 0),
            empty_reads=0 if actual else before.empty_reads + 1,
            headers=tuple(sorted(known.items())),
            first_seen_ms=first_seen(before, [hook.id for hook in matching if hook.id is not None], evidence.now_ms),
            created=created_hooks.after_read(before.created, matching, actual, evidence.now_ms),
            succeeds=before.succeeds,
        )
        return Comparison(plan, tuple(actual), choice, evidence, state, self._recreate_unlisted)

    def _with_holds(self, comparison: Comparison) -> Comparison:
        """The comparison with the reasons why parts of its plan would not be carried out."""
        if (hold := self._hold_on_all(comparison)) is not None:
            return replace(comparison, holds=(hold,))
        plan = comparison.plan
        creating = [comparison.creation_hold(hook) for hook in plan.to_create]
        removing = [comparison.removal_hold(hook, self._grace_ms) for hook in plan.surplus if not plan.to_create]
        return comparison.holding([*creating, *removing])

    def _known_headers(self, actual: Sequence[Hook], state: HookState) -> dict[str, str]:
        """Fingerprints of the headers that these hooks were created with, by id, where known."""
        ids = {hook.id for hook in actual}
        known = (*state.headers, *self._created_headers.items())
        return {hook_id: fingerprint for hook_id, fingerprint in known if hook_id in ids}

    def _hold_on_all(self, comparison: Comparison) -> Hold | None:
        """Why a run must not change anything at all; None where it may."""
        plan, state, choice = comparison.plan, comparison.state, comparison.choice
        if not plan.drift:
            return None
        if state.is_doubtful:
            return Hold(
                "empty_list", "the gateway lists no hooks where there were some; this counts once the next read agrees"
            )
        number = len(plan.to_create) + len(plan.to_remove)
        if number > self._most_changes:
            text = f"{number} changes are more than SEVEN_HOOKS_MOST_CHANGES={self._most_changes}; look at the plan"
            return Hold("too_many_changes", text)
        if not choice.is_possible:
            text = (
                "no configured token, public URL and secret are accepted by every living receiver; nothing is changed"
            )
            return choice.holds[0]._replace(text=text)
        return None

    def _repair(self, comparison: Comparison, changes: list[Finding]) -> Comparison:
        """Create missing and drifted hooks; remove the surplus where that is safe already."""
        if (hold := self._hold_on_all(comparison)) is not None:
            return replace(comparison, holds=(hold,))
        holds: list[Hold | None] = []
        for hook in comparison.plan.to_create:
            hold = comparison.creation_hold(hook)
            holds.append(hold)
            if hold is None:
                comparison = self._create(comparison, hook, changes)
        if changes:
            comparison = self._compare(comparison.state)
        if comparison.plan.missing or comparison.plan.drifted:
            holds += [comparison.creation_hold(hook) for hook in comparison.plan.to_create]
            holds.append(Hold("not_listed", "nothing is removed before every desired hook is listed as it should be"))
        else:
            for hook in comparison.plan.surplus:
                hold = comparison.removal_hold(hook, self._grace_ms)
                holds.append(hold)
                if hold is None and hook.id is not None:
                    comparison = self._remove(comparison, hook, hook.id, changes)
            if changes:
                comparison = self._compare(comparison.state)
        return comparison.holding(holds)

    def _create(self, comparison: Comparison, desired: Hook, changes: list[Finding]) -> Comparison:
        """Create one hook, and save that before anything else can fail."""
        self._check()
        hook = replace(desired, id=self._gateway.subscribe(desired))
        self._created_headers[str(hook.id)] = created_hooks.headers_fingerprint(desired)
        entry = CreatedHook(str(hook.id), created_hooks.hook_fingerprint(desired), comparison.evidence.now_ms)
        comparison = self._saved(comparison, (*comparison.state.created, entry))
        self._record(Finding("created", hook), changes)
        return comparison

    def _remove(self, comparison: Comparison, hook: Hook, hook_id: str, changes: list[Finding]) -> Comparison:
        """Remove one hook: it is then not among those that vanished."""
        self._check()
        self._gateway.unsubscribe(hook_id)
        comparison = self._saved(comparison, [entry for entry in comparison.state.created if entry.id != hook_id])
        self._record(Finding("removed", hook), changes)
        return comparison

    def _saved(self, comparison: Comparison, created: Iterable[CreatedHook]) -> Comparison:
        """The comparison with these hooks as created by us, which is saved already."""
        state = replace(comparison.state, created=tuple(created))
        self._states.save(replace(self._states.load(), created=state.created))
        return replace(comparison, state=state)

    def _record(self, change: Finding, changes: list[Finding]) -> None:
        """Log and store a change immediately, so that it is on record even if the process dies next."""
        changes.append(change)
        change.write_log()
        self._finding_log.write([change])

    def _report(
        self, state: HookState, current: Sequence[Finding], also_known: frozenset[str], before: HookState
    ) -> None:
        """Log and store the findings that are new since the run before, and save the state.

        Findings that could not be stored count as new again in the next run.
        """
        self._check()
        new = [finding for finding in current if finding.key not in before.findings]
        for finding in new:
            finding.write_log()
        stored = current if self._finding_log.write(new) else [finding for finding in current if finding not in new]
        self._states.save(replace(state, findings=also_known | {finding.key for finding in stored}))


def _plan(desired: Sequence[Hook], actual: Sequence[Hook], addresses: Addresses, known: Mapping[str, str]) -> Plan:
    """The plan; where the gateway lists no headers, it compares those that a hook is known to be created with."""
    if lists_headers(actual):
        return plan(desired, actual, addresses)
    created = [created_hooks.with_known_headers(hook, known, desired) for hook in actual]
    return plan(desired, created, addresses, headers_listed=False)
