"""Projection options: what decides about projections beside the deliveries themselves."""

from dataclasses import dataclass, replace

from seven.forgotten_numbers import ForgottenNumbers
from seven.opt_out_words import OptOutWords


@dataclass(frozen=True, slots=True)
class ProjectionOptions:
    """What the settings decide, and who was forgotten."""

    keep_digits: bool = False
    """Whether to store which keys were pressed in a call; otherwise they are masked, also in the payload."""
    opt_out_words: OptOutWords | None = None
    """By which inbound messages opt out; None where they do not."""
    country_code: int = 49
    """Of senders who wrote no country code."""
    forgotten: ForgottenNumbers | None = None
    """Whose numbers are blanked; None if nobody is forgotten."""

    def with_forgotten(self, forgotten: ForgottenNumbers | None) -> "ProjectionOptions":
        """The same, with the forgotten numbers of now."""
        return replace(self, forgotten=forgotten)


NO_OPTIONS = ProjectionOptions(keep_digits=True)
"""Of the archive: what was masked before stays masked."""

DEFAULT_OPTIONS = ProjectionOptions()
