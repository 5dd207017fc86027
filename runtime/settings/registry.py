"""Registry: all settings, by section; and names in the environment that are unknown."""

import difflib
import os
from collections.abc import Iterable, Iterator

from pydantic.fields import FieldInfo

from runtime.logs import logger
from runtime.settings.console import ConsoleAccessSettings
from runtime.settings.environment import Environment
from runtime.settings.machine import ComposeSettings, EmulatorKeySettings, MachineSettings
from runtime.settings.opt_outs import OptOutSettings
from runtime.settings.reactions import ReactionSettings
from runtime.settings.receiver import ReceiverSettings
from runtime.settings.retention import RetentionSettings
from runtime.settings.shared import (
    AccountSettings,
    DigitSettings,
    ErasureSettings,
    HookSettings,
    LedgerSettings,
    ReaderSettings,
)
from runtime.settings.traces import TraceSettings
from runtime.settings.users import UserSettings
from runtime.settings.workers import JournalSettings, ReconcileSettings, ScheduleSettings

log = logger("seven.settings")

SECTIONS: dict[str, tuple[type[Environment], ...]] = {
    "Every process": (LedgerSettings, ReaderSettings),
    "Hooks": (HookSettings, AccountSettings, ReconcileSettings),
    "The receiver": (ReceiverSettings,),
    "Key presses: receiver, workers, `dead replay`": (DigitSettings,),
    "The journal": (JournalSettings,),
    "Workers and beat": (ScheduleSettings, ErasureSettings),
    "Opt-outs and numbers": (OptOutSettings,),
    "Reactions": (ReactionSettings,),
    "The console": (ConsoleAccessSettings,),
    "Retention: days, 0 for ever, else at least 7; docs/retention.md has the reasons": (RetentionSettings,),
    "Traces: receiver, workers and dispatcher; OpenTelemetry's own names": (TraceSettings,),
    "One machine: `make up` and commands": (MachineSettings,),
    "Docker compose": (ComposeSettings,),
    "A user for each process: docker compose with deploy/users.yml, or Kubernetes with users/": (UserSettings,),
}
"""Titles and their groups. The emulator declares its own settings, which nothing else reads, beside itself."""


def declared(groups: Iterable[type[Environment]]) -> Iterator[tuple[str, FieldInfo]]:
    """Each setting of these groups: its name in the environment, and its declaration."""
    for group in groups:
        for name, field in group.model_fields.items():
            yield name.upper(), field


_GROUPS: list[type[Environment]] = [*(group for groups in SECTIONS.values() for group in groups), EmulatorKeySettings]

NAMES = frozenset(name for name, _ in declared(_GROUPS))
"""The names of all settings of ours: processes share one environment, and none may warn of another's."""


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value must not be shown."""
    return "SecretStr" in str(field.annotation)


def unknown_names(names: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """Each `SEVEN_…` name, by default of the environment, that is no setting, with the nearest that is."""
    unknown = sorted(
        name
        for name in (os.environ if names is None else names)
        if name.startswith("SEVEN_") and name not in NAMES and name.removesuffix("_FILE") not in NAMES
    )
    known = sorted(name for name in NAMES if name.startswith("SEVEN_"))
    return [(name, difflib.get_close_matches(name, known, 1, 0.0)[0]) for name in unknown]


def misspelt_settings(names: Iterable[str] | None = None) -> list[str]:
    """A sentence for each of them, for people."""
    return [
        f"{name} is no setting, and has no effect; did you mean {nearest}?" for name, nearest in unknown_names(names)
    ]


def warn_of_unknown_names() -> None:
    """Log a warning for each of them."""
    for name, nearest in unknown_names():
        log.warning("unknown setting", name=name, did_you_mean=nearest)


def secret_names() -> frozenset[str]:
    """The settings whose values are secrets."""
    return frozenset(name for name, field in declared(_GROUPS) if is_secret(field))


def environment_without_secrets() -> dict[str, str]:
    """The environment of this process for a program that is none of ours."""
    secrets = secret_names()
    return {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in secrets}
