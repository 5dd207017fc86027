"""Settings of the command line: the servers that commands use, and an installation on one machine."""

from runtime.settings.machine import EmulatorKeySettings, MachineSettings
from runtime.settings.shared import AccountSettings, HookSettings, RedisSettings, StoreSettings


class ServerSettings(RedisSettings, StoreSettings):
    """Ledger and database: every command refuses an unusable URL of either."""


class HomeSettings(ServerSettings, HookSettings, AccountSettings, EmulatorKeySettings, MachineSettings):
    """What an installation uses, and where its processes listen."""
