"""Factory of the reconciler for one gateway account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from redis import Redis
from sqlalchemy import Engine

from gateway.api import Api
from gateway.desired_hooks import DEFAULT, DesiredHook, addressed
from gateway.findings import FindingLog
from gateway.hook_state import HookStates
from gateway.hooks_client import HooksClient
from gateway.reconciler import Reconciler
from seven.hooks import Addresses


@dataclass(frozen=True, slots=True)
class Account:
    """A gateway account, and the hooks that it should have."""

    api_url: str
    api_key: str | None = field(repr=False)
    public_urls: tuple[str, ...] = ()
    """Where the gateway reaches the receiver; the first is current."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """The secrets in the hooks' URLs; the first is current."""
    desired: tuple[DesiredHook, ...] = DEFAULT
    signing_key: str | None = field(default=None, repr=False)
    hook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the header of hooks carries, which receivers verify; the first is current."""
    most_changes: int = 10
    """A run that would need more changes makes none."""
    grace_s: float = 86_400.0
    """Seconds without any delivery after which it suffices that a new token's address answers us."""

    @property
    def addresses(self) -> Addresses | None:
        """Where its hooks point; None while public URL or token are not set."""
        return Addresses(self.public_urls, self.tokens) if self.public_urls and self.tokens else None

    @property
    def missing_settings(self) -> str | None:
        """The unset settings without which hooks cannot be read and compared; None when all are set."""
        needed = (
            ("SEVEN_API_KEY", self.api_key),
            ("SEVEN_PUBLIC_URL", self.public_urls),
            ("SEVEN_HOOK_TOKEN", self.tokens),
        )
        return ", ".join(name for name, value in needed if not value) or None

    @property
    def identity(self) -> str:
        """Identifies the gateway and the account; a secret."""
        return f"{self.api_url} {self.api_key or ''}"


@contextmanager
def reconciler(
    account: Account, redis: Redis, engine: Engine, most_changes: int | None = None, *, recreate_unlisted: bool = False
) -> Iterator[Reconciler]:
    """A reconciler for the duration of a `with` block. Raises ValueError naming the settings that the account lacks.

    With `recreate_unlisted`, hooks that we created and that were never listed count as gone.
    """
    addresses = account.addresses
    if account.api_key is None or addresses is None:
        raise ValueError(f"{account.missing_settings}: not set")
    with Api(account.api_url, account.api_key, account.signing_key) as api:
        yield Reconciler(
            HooksClient(api),
            partial(addressed, account.desired),
            addresses,
            HookStates(redis, account.identity),
            FindingLog(engine),
            secrets=account.hook_secrets,
            most_changes=most_changes or account.most_changes,
            grace_s=account.grace_s,
            recreate_unlisted=recreate_unlisted,
        )
