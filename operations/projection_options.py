"""Projection options: what the settings of a process decide about projections, for workers and commands alike."""

from typing import Protocol

from seven.opt_out_words_file import read_opt_out_words
from store.projection_options import ProjectionOptions


class ProjectionSettings(Protocol):
    """The settings of workers, or of commands."""

    @property
    def seven_keep_digits(self) -> bool:
        """As declared in DigitSettings."""

    @property
    def seven_opt_out_words(self) -> str | None:
        """As declared in OptOutSettings."""

    @property
    def seven_country_code(self) -> int:
        """As declared in NumberSettings."""


def options_by(settings: ProjectionSettings) -> ProjectionOptions:
    """The options by these settings."""
    return ProjectionOptions(
        keep_digits=settings.seven_keep_digits,
        opt_out_words=read_opt_out_words(settings.seven_opt_out_words),
        country_code=settings.seven_country_code,
    )
