"""Factory: a reconciler for one account of the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis import Redis
from sqlalchemy import Engine

from gateway.client import Gateway
from gateway.desired_hooks import DEFAULT, DesiredHook, addressed
from gateway.findings import FindingLog
from gateway.hook_state import HookStates
from gateway.reconciler import Reconciler
from seven.hooks import Addresses


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the gateway, and the hooks that it is to have."""

    api_url: str
    api_key: str | None = field(repr=False)
    public_urls: tuple[str, ...] = ()
    """Where the gateway reaches the receiver; the first is current."""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """The secrets in the hooks' URLs; the first is current."""
    desired: tuple[DesiredHook, ...] = DEFAULT
    signing_key: str | None = field(default=None, repr=False)
    hook_secret: str | None = field(default=None, repr=False)
    most_changes: int = 10
    """Changes in one run beyond which none is made."""
    grace_s: float = 86_400.0
    """Seconds without any delivery after which a new token's hook has to answer only us."""

    @property
    def addresses(self) -> Addresses | None:
        """Where its hooks point; None as long as public URL or token are not set."""
        return Addresses(self.public_urls, self.tokens) if self.public_urls and self.tokens else None

    @property
    def missing_settings(self) -> str | None:
        """The names of the settings without which hooks cannot be read and compared; None when all are set."""
        needed = (
            ("SEVEN_API_KEY", self.api_key),
            ("SEVEN_PUBLIC_URL", self.public_urls),
            ("SEVEN_HOOK_TOKEN", self.tokens),
        )
        return ", ".join(name for name, value in needed if not value) or None

    @property
    def identity(self) -> str:
        """Tells one gateway and account from another; a secret."""
        return f"{self.api_url} {self.api_key or ''}"


@contextmanager
def reconciler(
    account: Account, redis: Redis, engine: Engine, most_changes: int | None = None, *, again: bool = False
) -> Iterator[Reconciler]:
    """A reconciler, for the length of a block. Raises ValueError naming the settings that the account lacks.

    With `again` hooks that were made and never listed count as gone.
    """
    addresses = account.addresses
    if account.api_key is None or addresses is None:
        raise ValueError(f"{account.missing_settings}: not set")
    with Gateway(account.api_url, account.api_key, account.signing_key) as gateway:
        yield Reconciler(
            gateway,
            lambda current: addressed(account.desired, current, account.hook_secret),
            addresses,
            HookStates(redis, account.identity),
            FindingLog(engine),
            most_changes=most_changes or account.most_changes,
            grace_s=account.grace_s,
            again=again,
        )
