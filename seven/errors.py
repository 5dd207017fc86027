"""Why a delivery of a known sender could not be understood; each kind is kept raw, with its reason."""


class NotUnderstood(Exception):  # noqa: N818 - a delivery that is parked is no error of ours
    """A delivery that is parked. `reason` is safe to show and to log: it names fields, never their values."""

    def __init__(self, reason: str, wrong: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wrong = wrong or {}


class Undecodable(NotUnderstood):
    """The bytes are in none of the gateway's forms."""


class UnknownEventType(NotUnderstood):
    """Decoded, but of an event type unknown today, or of none; the vendor coins new ones."""


class InvalidPayload(NotUnderstood):
    """Of a known event type, but a field is missing or makes no sense; `wrong` names each such field."""


class UnreadableEnvelope(Exception):  # noqa: N818 - told apart by name, like its siblings
    """A line in the ledger that is no envelope of any version."""
