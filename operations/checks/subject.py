"""Subject: the installation that is examined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.factory import Account
from runtime.settings.retention import RetentionSettings
from runtime.settings.shared import AccountSettings, HookSettings, LedgerSettings, StoreSettings
from runtime.settings.workers import ReconcileSettings, ScheduleSettings


class CheckedSettings(
    LedgerSettings, StoreSettings, HookSettings, AccountSettings, ScheduleSettings, ReconcileSettings, RetentionSettings
):
    """The settings that checks judge: those of workers and beat."""


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

    @property
    def redis_url(self) -> str:
        """The ledger's."""
        return self.settings.redis_url.get_secret_value()
