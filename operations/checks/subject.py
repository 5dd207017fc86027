"""Subject: the installation that is examined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.desired_hooks import DEFAULT, read_desired
from gateway.factory import Account
from runtime.settings.console import ConsoleLogin
from runtime.settings.retention import RetentionSettings
from runtime.settings.shared import AccountSettings, HookSettings, LedgerSettings, StoreSettings
from runtime.settings.types import reveal, reveal_all
from runtime.settings.workers import JournalSettings, ReconcileSettings, ScheduleSettings
from seven.forgotten_numbers import ErasureKey


class CheckedSettings(
    LedgerSettings,
    StoreSettings,
    HookSettings,
    AccountSettings,
    ScheduleSettings,
    ReconcileSettings,
    JournalSettings,
    RetentionSettings,
):
    """The settings that checks judge: those of workers and beat."""

    @property
    def account(self) -> Account:
        """The account at the gateway, and its hooks."""
        return Account(
            api_url=self.seven_api_url,
            api_key=reveal(self.seven_api_key),
            public_urls=self.seven_public_url,
            tokens=reveal_all(self.seven_hook_token),
            desired=DEFAULT if self.seven_hooks is None else read_desired(self.seven_hooks.get_secret_value()),
            signing_key=next(iter(reveal_all(self.seven_signing_key)), None),
            hook_secrets=reveal_all(self.seven_hook_secret),
            most_changes=self.seven_hooks_most_changes,
            grace_s=self.seven_hooks_grace_s,
        )


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many of each the next `docker compose up` leaves on a machine; None without compose."""

    host: str
    """The machine, as it is in the names of its workers."""
    workers: int | None = None
    receivers: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Settings of the installation, and where its parts are reached."""

    settings: CheckedSettings
    account: Account
    store_url: str = field(repr=False)
    receiver_url: str
    flower_url: str
    flower_auth: str | None = field(repr=False)
    """name:password, several comma-separated; None if Flower has none."""
    places: Mapping[str, Path]
    """Directories whose disk matters, by the name to show."""
    replicas: Replicas
    emulated: bool
    """Whether the emulator is the gateway, so that no request leaves the machine."""

    knows_account: bool = True
    """Whether the account is known here; the console is not given its API key."""
    reader_url: str | None = field(default=None, repr=False)
    """SEVEN_READER_URL; None if it is not set."""
    console_logins: tuple[ConsoleLogin, ...] = field(default=(), repr=False)
    erasure_key: ErasureKey | None = None
    """None if SEVEN_ERASURE_KEY is not set."""

    @property
    def page_passwords(self) -> Mapping[str, Sequence[str]]:
        """The passwords of Flower and the console, by the setting that has them."""
        flower = [login.partition(":")[2].strip() for login in (self.flower_auth or "").split(",") if login]
        console = [login.password for login in self.console_logins]
        return {name: each for name, each in (("FLOWER_BASIC_AUTH", flower), ("SEVEN_CONSOLE_AUTH", console)) if each}

    @property
    def redis_url(self) -> str:
        """The ledger's."""
        return self.settings.redis_url.get_secret_value()
