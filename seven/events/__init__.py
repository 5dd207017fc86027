"""Event types: one file each, with its fields, its statuses and the records it projects to.

To add one, add a file here and a sample under `tests/deliveries/`; queue, task, routing and docs follow from it.
"""

from importlib import import_module
from pkgutil import iter_modules

from seven.event import EVENT_TYPES, Event

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

PARKED = "parked"
"""The queue of deliveries whose event type is unknown."""

QUEUES = (*EVENT_TYPES, PARKED)
"""Every queue; each numbers its own deliveries."""


def queue_of(event_type: str | None) -> str:
    """The queue of deliveries of this event type."""
    return event_type if event_type in EVENT_TYPES else PARKED


def label_of(queue: str) -> str:
    """The event type of a queue's deliveries, as a metric label: one of few values, whatever a sender makes up."""
    return queue if queue in EVENT_TYPES else "unknown"


__all__ = ["EVENT_TYPES", "PARKED", "QUEUES", "Event", "label_of", "queue_of"]
