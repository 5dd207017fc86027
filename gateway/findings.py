"""Findings: what reconciling saw or changed, one row of `hook_changes` and one log line each, without any address."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils import uuid7

from runtime.logs import logger
from seven.hooks import Hook, Plan
from store.schema import hook_changes

log = logger("seven.hooks")

LEVELS = {"created": logging.INFO, "removed": logging.INFO, "stranger": logging.INFO}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen or done. `hook` is None where it is about no single one."""

    action: str
    """missing, drifted, surplus, stranger; created, removed; refused."""
    hook: Hook | None = None
    reason: str | None = None

    @property
    def applied(self) -> bool:
        """Whether it was done, rather than seen."""
        return self.action in ("created", "removed")

    @property
    def key(self) -> str:
        """The same for the same finding in another run; gives no address away."""
        hook = self.hook and (self.hook.id, self.hook.target_url, self.hook.event_type, self.hook.event_filter)
        return hashlib.sha256(repr((self.action, hook, self.reason)).encode()).hexdigest()[:16]

    def tell(self) -> None:
        """Log it."""
        words = {"reason": self.reason}
        if self.hook:
            words |= {"hook": self.hook.id, "event_type": self.hook.event_type, "method": self.hook.request_method}
        told = {name: value for name, value in words.items() if value is not None}
        log.log(LEVELS.get(self.action, logging.WARNING), f"hook {self.action}", **told)


def findings(plan: Plan) -> list[Finding]:
    """What a plan has found, in its own words."""
    return [
        *(Finding("missing", hook) for hook in plan.missing),
        *(Finding("drifted", one.actual, ", ".join(one.differences)) for one in plan.drifted),
        *(Finding("surplus", hook) for hook in plan.surplus),
        *(Finding("stranger", hook) for hook in plan.strangers),
    ]


class FindingLog:
    """The table `hook_changes`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, found: Sequence[Finding]) -> bool:
        """Write findings. Returns False when the database cannot take them now; reconciling goes on all the same."""
        if not found:
            return True
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(hook_changes), [_row(one) for one in found])
        except SQLAlchemyError as error:
            log.warning("hook changes not kept", cause=type(error).__name__)
            return False
        return True


def _row(found: Finding) -> dict[str, object]:
    hook = found.hook
    return {
        "id": str(uuid7()),
        "at": datetime.now(UTC),
        "action": found.action,
        "hook_id": hook and hook.id,
        "event_type": hook and hook.event_type,
        "request_method": hook and hook.request_method,
        "event_filter": hook and hook.event_filter,
        "applied": found.applied,
        "reason": found.reason,
    }
