"""Watching: the reconciler as a worker's settings describe it."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from sqlalchemy import Engine

from workers.desired import addressed
from workers.finding import Journal
from workers.gateway import Gateway
from workers.reconciling import Reconciler
from workers.remembering import Memories
from workers.settings import WorkerSettings


def unwatched(settings: WorkerSettings) -> str | None:
    """What has to be set before hooks can be read and compared; None when all is."""
    needed = (
        ("SEVEN_API_KEY", settings.seven_api_key),
        ("SEVEN_PUBLIC_URL", settings.seven_public_url),
        ("SEVEN_HOOK_TOKEN", settings.seven_hook_token),
    )
    return ", ".join(name for name, told in needed if not told) or None


def account(settings: WorkerSettings) -> str:
    """What tells one gateway and account from another; a secret."""
    return f"{settings.seven_api_url} {settings.seven_api_key.get_secret_value() if settings.seven_api_key else ''}"


@contextmanager
def reconciler(
    settings: WorkerSettings, redis: Redis, engine: Engine, most_changes: int | None = None, *, again: bool = False
) -> Iterator[Reconciler]:
    """A reconciler, for the length of a block. Raises ValueError naming the settings that it lacks.

    With `again` hooks that were made and never listed count as gone.
    """
    addresses = settings.addresses
    if settings.seven_api_key is None or addresses is None:
        raise ValueError(f"{unwatched(settings)}: not set")
    with Gateway(settings.seven_api_url, settings.seven_api_key.get_secret_value(), settings.signing_key) as gateway:
        yield Reconciler(
            gateway,
            lambda current: addressed(settings.seven_hooks, current, settings.hook_secret),
            addresses,
            Memories(redis, account(settings)),
            Journal(engine),
            most_changes=most_changes or settings.seven_hooks_most_changes,
            grace_s=settings.seven_hooks_grace_s,
            again=again,
        )
