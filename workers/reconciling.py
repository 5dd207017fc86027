"""Reconciling: the hooks at the gateway are read, compared with the desired ones, and reported or repaired.

Make before break: what is desired is created first, and what is in its place goes only when a fresh read shows the new
one. And a breaker: nothing is changed on the word of a read that failed, was odd, or is empty where it was not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from redis.exceptions import LockError

from ledger.keyspace import fingerprint
from ledger.logs import logger
from seven.hooks import SECRET_HEADER, Addresses, Hook, Plan, headers_are_told, normal_headers, plan
from workers.finding import Finding, Journal, findings
from workers.gateway import Gateway, GatewayFailure
from workers.remembering import Memories, Memory, still_seen

log = logger("seven.hooks")


@dataclass(frozen=True, slots=True)
class Reconciled:
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
        desired: Sequence[Hook],
        addresses: Addresses,
        memories: Memories,
        journal: Journal,
        *,
        most_changes: int,
        grace_s: float,
    ) -> None:
        self._gateway, self._desired, self._addresses = gateway, desired, addresses
        self._memories, self._journal = memories, journal
        self._most_changes, self._grace_ms = most_changes, grace_s * 1000
        self._made: dict[str, str] = {}  # the headers of hooks made in this run, as they are remembered

    def read(self) -> list[Hook]:
        """The hooks as they are. Raises GatewayFailure."""
        return self._gateway.read()

    def compare(self) -> Plan:
        """What it would take, without changing or remembering anything. Raises GatewayFailure, or redis.RedisError."""
        return self._planned(self.read(), self._memories.recall())

    def run(self, *, apply: bool) -> Reconciled | None:
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

    def _run(self, apply: bool) -> Reconciled:
        before = self._memories.recall()
        done: list[Finding] = []
        held = None
        try:
            found, memory = self._look(before)
            if not (apply or before.read_ms or found.matching or found.drifted or found.surplus):
                log.warning("none of our hooks is registered at the gateway: run `seven-ingest hooks apply`")
            if apply and found.drift:
                held = self._hindrance(found, memory)
                if held is None:
                    held = self._repair(found, memory, done)
                    found, memory = self._look(before)
        except GatewayFailure as failure:
            # says nothing about the hooks: what was found before stays found, and what was done is done
            self._note(before, before, [Finding("refused", reason=str(failure))], before.findings)
            return Reconciled(None, tuple(done), str(failure))
        told = findings(found)
        if held:
            told.append(Finding("refused", reason=held))
        self._note(before, memory, told, frozenset())
        return Reconciled(found, tuple(done), held)

    def _look(self, before: Memory) -> tuple[Plan, Memory]:
        """Read and compare; with it, what is to be remembered of it."""
        actual = self._gateway.read()
        found = self._planned(actual, before)
        now_ms = self._memories.now_ms()
        return found, Memory(
            read_ms=now_ms,
            drift=found.drift,
            count=len(actual) or before.count * (before.empty_reads == 0),
            empty_reads=0 if actual else before.empty_reads + 1,
            headers=tuple(sorted(self._remembered(actual, before).items())),
            first_seen_ms=still_seen(before, [hook.id for _, hook in found.matching if hook.id is not None], now_ms),
        )

    def _planned(self, actual: Sequence[Hook], memory: Memory) -> Plan:
        """Compare. Where the gateway lists no headers, by those that a hook was made with as far as that is known."""
        if headers_are_told(actual):
            return plan(self._desired, actual, self._addresses)
        known = self._remembered(actual, memory)
        return plan(self._desired, [self._with_headers(hook, known) for hook in actual], self._addresses, told=False)

    def _with_headers(self, hook: Hook, known: Mapping[str, str]) -> Hook:
        """Of a hook of which nothing is known it is believed that it has what is desired; but for a secret of ours."""
        wanted = {_mark(one): one.headers for one in self._desired}
        mark = known.get(str(hook.id))
        if mark is not None:
            return replace(hook, headers=normal_headers(wanted[mark] or "") if mark in wanted else "others")
        return replace(hook, headers="" if any(SECRET_HEADER in (one or "") for one in wanted.values()) else None)

    def _remembered(self, actual: Sequence[Hook], memory: Memory) -> dict[str, str]:
        """The headers that these hooks were made with, as far as that is known."""
        ids = {hook.id for hook in actual}
        return {name: mark for name, mark in (*memory.headers, *self._made.items()) if name in ids}

    def _hindrance(self, found: Plan, memory: Memory) -> str | None:
        """What speaks against changing anything at all."""
        if memory.count and memory.empty_reads:
            return "the gateway lists no hooks where there were some; this counts once the next read agrees"
        changes = len(found.to_create) + len(found.to_remove)
        if changes > self._most_changes:
            return f"{changes} changes are more than SEVEN_HOOKS_MOST_CHANGES={self._most_changes}; look at the plan"
        return None

    def _repair(self, found: Plan, memory: Memory, done: list[Finding]) -> str | None:
        """Create what is desired; remove the rest where that is safe by now. Returns why something had to stay."""
        for hook in found.to_create:
            made = replace(hook, id=self._gateway.subscribe(hook))
            self._made[str(made.id)] = _mark(hook)
            self._did(Finding("created", made), done)
        if found.to_create:
            found, memory = self._look(memory)
        if found.missing or found.drifted:
            return "what was created is not listed as it should be; nothing is removed before it is"
        held = None
        for hook in found.surplus:
            if hook.id is None:
                held = "a surplus hook has no id to remove it by"
            elif not self._replaced(hook, memory):
                held = (
                    "an older token's hook stays until the current token has brought a delivery, or the grace is over"
                )
            else:
                self._gateway.unsubscribe(hook.id)
                self._did(Finding("removed", hook), done)
        return held

    def _replaced(self, hook: Hook, memory: Memory) -> bool:
        """Whether deliveries come without this hook: a new token has to prove that, a duplicate or an address not."""
        current = self._addresses.tokens[0]
        if self._addresses.token(hook.target_url) == current:
            return True
        now_ms = self._memories.now_ms()
        since_ms = max((at for _, at in memory.first_seen_ms), default=now_ms)
        return (self._memories.last_use_ms(current) or 0) >= since_ms or now_ms - since_ms >= self._grace_ms

    def _did(self, change: Finding, done: list[Finding]) -> None:
        """Say and keep a change at once: whatever ends this process next, it has been made."""
        done.append(change)
        change.tell()
        self._journal.keep([change])

    def _note(self, before: Memory, memory: Memory, told: Sequence[Finding], also: frozenset[str]) -> None:
        """Say and keep what is new since the run before, and remember. What could not be kept is new next time."""
        new = [one for one in told if one.key not in before.findings]
        for one in new:
            one.tell()
        kept = told if self._journal.keep(new) else [one for one in told if one not in new]
        self._memories.remember(replace(memory, findings=also | {one.key for one in kept}))


def _mark(hook: Hook) -> str:
    """A name for a hook's headers that gives nothing of them away."""
    return fingerprint(normal_headers(hook.headers or ""))
