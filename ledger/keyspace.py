"""The names of the ledger's keys; `ledger/__init__.py` documents their contents."""

import hashlib

LEDGER = "seven:ledger"
BATCHES = "seven:batches"
ORDINALS = "seven:ordinals"
IN_FLIGHT = "seven:in_hand"
ALONE = "seven:alone"
AUDIT = "seven:audit"
AUDIT_LOCK = "seven:audit:lock"
TOKENS = "seven:tokens"
LAST = "seven:last"
RECEIVERS = "seven:receivers"
BEATS = "seven:beats"
SENT = "seven:beats:sent"
HOOKS = "seven:hooks"
HOOKS_LOCK = "seven:hooks:lock"
HOOKS_LATEST = "seven:hooks:latest"
BALANCE = "seven:balance"
BALANCE_LATEST = "seven:balance:latest"
DELIVERY_RATE = "seven:delivery_rate"
DELIVERY_RATE_LOCK = "seven:delivery_rate:lock"
RETENTION = "seven:retention"
RETENTION_LIVED = "seven:retention:lived"
RETENTION_LOCK = "seven:retention:lock"
RETENTION_REFUSED = "seven:retention:refused"
PUBLIC_URL = "seven:public_url"
OPT_OUTS = "seven:opt_outs"
OPT_OUTS_LOCK = "seven:opt_outs:lock"
CHANGES_ANNOUNCED = "seven:changes:announced"
JOURNAL = "seven:journal"
JOURNAL_LATEST = "seven:journal:latest"
JOURNAL_LOCK = "seven:journal:lock"
JOURNAL_MISSED = "seven:journal:missed"
JOURNAL_MISSED_BEGUN = "seven:journal:missed:begun"


def pending(queue: str) -> str:
    """The key of a queue's unsettled batches."""
    return f"seven:pending:{queue}"


def announced(queue: str) -> str:
    """The key of the times at which a queue's batches were last announced."""
    return f"seven:announced:{queue}"


def accepted(queue: str) -> tuple[str, ...]:
    """The keys that every batch of a queue is accepted into."""
    return LEDGER, BATCHES, ORDINALS, TOKENS, pending(queue), announced(queue)


def guard(name: str) -> str:
    """The key of recent results of the verifier of this name."""
    return f"seven:guards:{name}"


def isolating(batch_id: str) -> str:
    """The key of the lock on a suspect batch."""
    return f"seven:isolating:{batch_id}"


def receiver(receiver_id: str) -> str:
    """The key of the entry that a running receiver publishes; it expires."""
    return f"seven:receiver:{receiver_id}"


def arrival(token_fingerprint: str, url_fingerprint: str) -> str:
    """The field of `TOKENS` for deliveries with this token that were signed for this public URL."""
    return f"{token_fingerprint}@{url_fingerprint}"


def fingerprint(token: str) -> str:
    """A name for a hook token that reveals nothing of it: 12 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]
