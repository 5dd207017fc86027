"""Event titles: what people who send SMS call the gateway's event types, beside their names."""

EVENT_TITLES = {
    "dlr": "message statuses",
    "sms_mo": "inbound SMS",
    "tracking": "clicks and views of links",
    "voice_status": "call statuses",
    "voice_call": "inbound calls",
    "voice_dtmf": "keys pressed in calls",
    "rcs": "RCS messages and receipts",
    "wa_mo": "inbound WhatsApp",
}
