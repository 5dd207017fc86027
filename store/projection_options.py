"""Projection options: what is decided about projections beside the deliveries themselves."""

from dataclasses import dataclass

from seven.opt_out_words import OptOutWords


@dataclass(frozen=True, slots=True)
class ProjectionOptions:
    """What the settings decide about projections; of the archive, rows are made again without them."""

    keep_digits: bool = False
    """Whether to store which keys were pressed in a call; otherwise they are masked, also in the payload."""
    opt_out_words: OptOutWords | None = None
    """By which inbound messages opt out; None where they do not."""
    country_code: int = 49
    """Of senders who wrote no country code."""


NO_OPTIONS = ProjectionOptions(keep_digits=True)
"""Of the archive: what was masked before stays masked."""

DEFAULT_OPTIONS = ProjectionOptions()
