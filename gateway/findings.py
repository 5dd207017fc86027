"""Findings of the reconciler: each is a row of `hook_changes` and a log line, without any address."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils import uuid7

from gateway.hook_spans import write_spans
from runtime.logs import logger
from seven.hooks import Hook, Plan
from store.error_reasons import database_reason
from store.schema import hook_changes

log = logger("seven.hooks")

LEVELS = {"created": logging.INFO, "removed": logging.INFO, "stranger": logging.INFO}


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference that a run saw, or a change that it made. `hook` is None where it concerns no single hook."""

    action: str
    """missing, drifted, surplus, stranger; created, removed; refused."""
    hook: Hook | None = None
    reason: str | None = None

    @property
    def applied(self) -> bool:
        """Whether it is a change that was made, rather than a difference that was seen."""
        return self.action in ("created", "removed")

    @property
    def key(self) -> str:
        """The same for the same finding in another run; reveals no address."""
        hook = self.hook and (self.hook.id, self.hook.target_url, self.hook.event_type, self.hook.event_filter)
        return hashlib.sha256(repr((self.action, hook, self.reason)).encode()).hexdigest()[:16]

    def write_log(self) -> None:
        """Write the finding's log line."""
        fields = {"reason": self.reason}
        if self.hook:
            fields |= {"hook": self.hook.id, "event_type": self.hook.event_type, "method": self.hook.request_method}
        present = {name: value for name, value in fields.items() if value is not None}
        log.log(LEVELS.get(self.action, logging.WARNING), f"hook {self.action}", **present)


def findings(plan: Plan) -> list[Finding]:
    """The differences in a plan, as findings."""
    return [
        *(Finding("missing", hook) for hook in plan.missing),
        *(Finding("drifted", drift.actual, ", ".join(drift.differences)) for drift in plan.drifted),
        *(Finding("surplus", hook) for hook in plan.surplus),
        *(Finding("stranger", hook) for hook in plan.strangers),
    ]


class FindingLog:
    """Writes findings to the table `hook_changes`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def see(self, hooks: Iterable[Hook], account: str, succeeds: str = "") -> None:
        """Note that these hooks of ours, and no others, are registered now, in the table `hook_spans`."""
        write_spans(self._engine, hooks, account, succeeds)

    def write(self, batch: Sequence[Finding]) -> bool:
        """Insert findings. Returns False when the database is unavailable; reconciliation continues without it."""
        if not batch:
            return True
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(hook_changes), [_row(finding) for finding in batch])
        except SQLAlchemyError as error:
            log.warning("hook changes not stored", cause=database_reason(error))
            return False
        return True


def _row(finding: Finding) -> dict[str, object]:
    hook = finding.hook
    return {
        "id": str(uuid7()),
        "at": datetime.now(UTC),
        "action": finding.action,
        "hook_id": hook and hook.id,
        "event_type": hook and hook.event_type,
        "request_method": hook and hook.request_method,
        "event_filter": hook and hook.event_filter,
        "applied": finding.applied,
        "reason": finding.reason,
    }
