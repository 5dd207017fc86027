"""Settings of the console. It needs no API key, no hook token and no right to write."""

from operations.checks.subject import CheckedSettings
from runtime.settings.console import ConsoleAccessSettings
from runtime.settings.machine import ReceiverUrlSettings
from runtime.settings.proxies import ProxySettings
from runtime.settings.shared import NumberSettings, ReaderSettings


class ConsoleSettings(
    CheckedSettings, ProxySettings, ReceiverUrlSettings, ConsoleAccessSettings, NumberSettings, ReaderSettings
):
    """All that the console reads: who may look, the servers, what its checks judge by, and how people write numbers."""
