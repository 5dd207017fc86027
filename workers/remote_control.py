"""Remote control: the few of Celery's commands that are used; a worker refuses all others.

Celery authenticates no sender: anyone who may publish on one channel of Redis, Flower for one, could end a worker, take
its queues from it or revoke its tasks. No right in Redis tells a question from an order, so the worker does.
"""

from collections.abc import Callable
from typing import Any

from celery.worker.control import Panel

from runtime.logs import logger

log = logger("seven.workers")

USED = frozenset(
    {
        "ping",  # `celery inspect ping`, of people
        *("enable_events", "heartbeat"),  # Flower wants to hear of workers, and repeats the first every few seconds
        # what Flower's pages show
        *("active", "active_queues", "conf", "registered", "reserved", "revoked", "scheduled", "stats"),
    }
)
"""What this worker answers, beside the inspection of `workers/worker_info.py`."""


def restrict_remote_control() -> None:
    """Turn off every command that Celery brings and nobody uses. Must be called before this worker starts."""
    for command in Panel.data.keys() - USED:
        Panel.data[command] = _refusal(command)


def _refusal(command: str) -> Callable[..., dict[str, str]]:
    def refuse(_state: Any, **_arguments: Any) -> dict[str, str]:
        """Do nothing, and say so: in the reply, if one is awaited, and in the log."""
        log.warning("a remote control command is off", command=command)
        return {"error": f"{command} is off: seven-ingest's workers take no orders by remote control"}

    return refuse
