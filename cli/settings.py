"""Settings of an installation on one machine."""

from runtime.settings.machine import EmulatorKeySettings, MachineSettings
from runtime.settings.shared import AccountSettings, DataSettings, HookSettings, RedisSettings


class HomeSettings(RedisSettings, DataSettings, HookSettings, AccountSettings, EmulatorKeySettings, MachineSettings):
    """What an installation uses, and where its processes listen."""
