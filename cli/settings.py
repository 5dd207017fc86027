"""Settings of the command line: the servers that commands use, and an installation on one machine."""

from runtime.settings.machine import EmulatorKeySettings, MachineSettings
from runtime.settings.opt_outs import OptOutSettings
from runtime.settings.reactions import ReactionSettings
from runtime.settings.shared import (
    AccountSettings,
    DigitSettings,
    ErasureSettings,
    HookSettings,
    ReaderSettings,
    RedisSettings,
)


class ServerSettings(RedisSettings, ReaderSettings, OptOutSettings, DigitSettings):
    """Ledger and database: every command refuses an unusable URL of either. And how people write numbers and STOP."""


class HomeSettings(
    ServerSettings,
    HookSettings,
    AccountSettings,
    ErasureSettings,
    EmulatorKeySettings,
    ReactionSettings,
    MachineSettings,
):
    """What an installation uses, and where its processes listen."""
