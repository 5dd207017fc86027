"""Event types: one file each, with its fields, its statuses and the records it projects to.

To add one, add a file here and a sample under `tests/deliveries/`; queue, task, routing and docs follow from it.
"""

from importlib import import_module
from pkgutil import iter_modules

from seven.event import EVENT_TYPES, Event

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

ALIASES = {"rcs_mo": "rcs", "rcs_dlr": "rcs", "sms.mo": "sms_mo", "voice.status": "voice_status"}
"""Other names of event types, as the gateway's own tools have written them; each with the one that we go by."""

PARKED = "parked"
"""The queue of deliveries whose event type is unknown."""

QUEUES = (*EVENT_TYPES, PARKED)
"""Every queue; each numbers its own deliveries."""


def canonical_name(name: str) -> str:
    """The name that we go by of an event type, in the vendor's spelling; of an unknown one the name as it is."""
    lower = name.lower()
    return ALIASES.get(lower) or (lower if lower in EVENT_TYPES else name)


def names_of(event_type: str) -> tuple[str, ...]:
    """Every name of an event type: earlier versions stored deliveries under the one that was sent."""
    return (event_type, *(alias for alias, name in ALIASES.items() if name == event_type))


def queue_of(event_type: str | None) -> str:
    """The queue of deliveries of this event type."""
    return event_type if event_type in EVENT_TYPES else PARKED


def label_of(queue: str) -> str:
    """The event type of a queue's deliveries, as a metric label: one of few values, whatever a sender makes up."""
    return queue if queue in EVENT_TYPES else "unknown"


__all__ = ["ALIASES", "EVENT_TYPES", "PARKED", "QUEUES", "Event", "canonical_name", "label_of", "names_of", "queue_of"]
