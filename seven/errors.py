"""Errors: why a delivery with a valid token is parked. It is stored raw, with the reason."""


class NotUnderstood(Exception):  # noqa: N818 - a parked delivery is not an error of ours
    """The delivery is parked. `reason` is safe to show and to log: it names fields, never their values."""

    def __init__(self, reason: str, wrong: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wrong = wrong or {}


class Undecodable(NotUnderstood):
    """The bytes are in none of the gateway's formats."""


class UnknownEventType(NotUnderstood):
    """The event type is missing or unknown; the vendor adds new ones."""


class InvalidPayload(NotUnderstood):
    """A field is missing or invalid; `wrong` names each such field, with the reason."""


class UnreadableEnvelope(Exception):  # noqa: N818 - a noun, like the others
    """A line in the ledger is not an envelope of any version."""
