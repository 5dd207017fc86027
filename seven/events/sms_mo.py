"""sms_mo: an SMS that someone sent to one of our numbers."""

from typing import ClassVar

from seven.inbound_texts import InboundText


class InboundSms(InboundText, event_type="sms_mo"):
    """One inbound SMS. The documented flat GET carries no id."""

    title: ClassVar = "inbound SMS"
    channel: ClassVar = "sms"
    example: ClassVar = {
        "id": "681590",
        "sender": "SMS",
        "system": "491771783130",
        "text": "Hello. I am an example for demonstrating a webhook payload.",
        "time": "1605878104",
    }
