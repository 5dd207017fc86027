"""Settings of workers and beat."""

from pydantic import field_validator

from gateway.desired_hooks import read_desired
from operations.checks.subject import CheckedSettings
from runtime.settings.opt_outs import OptOutSettings
from runtime.settings.shared import DigitSettings


class WorkerSettings(CheckedSettings, OptOutSettings, DigitSettings):
    """All that a worker or beat reads from its environment."""

    @field_validator("seven_hooks")
    @classmethod
    def _readable(cls, hooks: str | None) -> str | None:
        if hooks is not None:
            read_desired(hooks)
        return hooks
