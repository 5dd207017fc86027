"""The names of the ledger's keys; `ledger/__init__.py` says what they hold."""

LEDGER = "seven:ledger"
BATCHES = "seven:batches"
ORDINALS = "seven:ordinals"
TOKENS = "seven:tokens"


def pending(queue: str) -> str:
    """The key of the batches of a queue that wait to be settled."""
    return f"seven:pending:{queue}"


def announced(queue: str) -> str:
    """The key of the last announcements of a queue's batches."""
    return f"seven:announced:{queue}"
