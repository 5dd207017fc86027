"""Reactions: notify other systems of what changed, each change of a standing once, whatever dies.

For functions that are called with changes: `from reactions import Change`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reactions.change import Change
    from reactions.change_data import (
        CallData,
        HealthData,
        HeartbeatData,
        InboundData,
        LinkData,
        MessageData,
        MissedWebhookData,
        OptOutData,
    )
    from reactions.change_examples import example

__all__ = [
    "CallData",
    "Change",
    "HealthData",
    "HeartbeatData",
    "InboundData",
    "LinkData",
    "MessageData",
    "MissedWebhookData",
    "OptOutData",
    "example",
]

_MODULES = {"Change": "change", "example": "change_examples"}


def __getattr__(name: str) -> Any:
    """Import what is public when it is used: workers import this package too, and need no models."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'change_data')}"), name)
