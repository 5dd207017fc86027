"""What passes over a stub of the journal need: hooks that were seen, and the states that they leave."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, select

from ledger.keyspace import fingerprint
from operations.journal_pass import PassResult
from seven.digest import short_digest
from store.schema import hook_spans, missed_webhooks

ACCOUNT = "an account"


def epoch(**span: float) -> int:
    return int((datetime.now(UTC) - timedelta(**span)).timestamp())


Pass = Callable[..., PassResult]
"""Makes a pass over the stub's journal; may apply, and at once."""


def watched(
    engine: Engine, event_type: str = "all", filtered: str | None = None, account: str = ACCOUNT, **span: float
) -> None:
    """A hook of ours was seen from so long ago until now."""
    since = datetime.now(UTC) - timedelta(**(span or {"days": 30}))
    digest = None if filtered is None else short_digest(filtered)
    with engine.begin() as connection:
        connection.execute(
            insert(hook_spans).values(
                hook_id=f"{event_type} {filtered}", account=fingerprint(account), event_type=event_type, filter_digest=digest, first_at=since,
                last_at=datetime.now(UTC),
            )
        )  # fmt: skip


def states(engine: Engine) -> dict[tuple[str, str, str], str]:
    c = missed_webhooks.c
    with engine.connect() as connection:
        return {tuple(key): state for *key, state in connection.execute(select(c.event_type, c.id, c.status, c.state))}  # type: ignore[misc]
