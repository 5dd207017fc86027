"""Own change rows: changes that are of no record, as they are noted."""

from datetime import datetime
from typing import Any


def own_change(
    topic: str, key: str, was: str | None, now: str, at: datetime, *, reaction: str | None = None
) -> dict[str, Any]:
    """A change of this installation; with `reaction`, for that subscriber alone."""
    return {"topic": topic, "key": key, "was": was, "now": now, "at": at, "reaction": reaction}
