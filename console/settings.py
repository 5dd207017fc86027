"""Settings of the console. It needs no API key, no hook token and no right to write."""

from operations.checks.subject import CheckedSettings
from runtime.settings.console import ConsoleAccessSettings
from runtime.settings.machine import ReceiverUrlSettings
from runtime.settings.proxies import ProxySettings


class ConsoleSettings(CheckedSettings, ProxySettings, ReceiverUrlSettings, ConsoleAccessSettings):
    """All that the console reads from its environment: who may look, the servers, and what its checks judge by."""

    @property
    def reader_url(self) -> str:
        """The database, by a role that can only read where there is one."""
        return self.store_url
