"""Topics: what a subscriber can be notified of, and the patterns by which subscribers name them."""

from collections.abc import Iterable
from difflib import get_close_matches

MESSAGE = ("message.pending", "message.delivered", "message.failed", "message.unknown")
"""One for each result that a status has."""
READ = "message.read"
INBOUND = "inbound.received"
CALL_RECEIVED, CALL_STATUS = "call.received", "call.status"
LINKS = {"click": "link.clicked", "view": "link.viewed"}
OPT_OUTS = {"out": "opt_out.started", "in": "opt_out.ended"}
MISSED = "webhook.missed"
HEALTH = ("health.failed", "health.recovered")
HEARTBEAT = "heartbeat"

OF_RECORDS = (*MESSAGE, READ, INBOUND, CALL_RECEIVED, CALL_STATUS, *LINKS.values(), *OPT_OUTS.values(), MISSED)
"""Those of which workers note the changes."""
TOPICS = (*OF_RECORDS, *HEALTH, HEARTBEAT)
"""Every topic, in the order in which people read about them."""


def path(topic: str) -> str:
    """The kind of standing a topic is about: for one key each kind has its own path of changes; the latest counts."""
    if topic in MESSAGE:
        return "message"
    if topic in HEALTH:
        return "health"
    return "opt_out" if topic in OPT_OUTS.values() else topic


def expand(patterns: Iterable[str]) -> frozenset[str]:
    """The topics of patterns: a topic, `message.*` for all that begin so, or `*`.

    Raises ValueError, which names the nearest topic, for a pattern that no topic matches.
    """
    topics: set[str] = set()
    for pattern in patterns:
        head = pattern[:-1] if pattern == "*" or pattern.endswith(".*") else None
        matching = {topic for topic in TOPICS if (topic == pattern if head is None else topic.startswith(head))}
        if not matching:
            nearest = get_close_matches(pattern, TOPICS, 1, 0.4)
            raise ValueError(f"no topic is named {pattern[:60]!r}" + (f"; {nearest[0]} is" if nearest else ""))
        topics |= matching
    return frozenset(topics)
