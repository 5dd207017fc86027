"""What every baseline reads: the hook's token, and the model of a `dlr` payload."""

import os

from pydantic import BaseModel, NaiveDatetime

TOKEN = os.environ["SEVEN_HOOK_TOKEN"]


class StatusReport(BaseModel):
    """The data field of a `dlr` payload."""

    msg_id: str
    status: str
    timestamp: NaiveDatetime
    """As the gateway writes it: local time, without an offset."""


class Webhook(BaseModel):
    """The whole payload."""

    data: StatusReport
    webhook_event: str
    webhook_timestamp: str | None = None
