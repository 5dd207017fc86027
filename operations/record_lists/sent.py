"""The list of sent messages: what it shows, in which order, and by what it can be narrowed."""

from sqlalchemy import func

from operations.hourly_counts import NO_REPORT
from operations.record_lists.filters import Conditions, Filter, days_of, word
from operations.record_lists.messages import RESULTS
from operations.record_lists.record_list import ListColumn, RecordList
from store.schema import messages, sent_messages

_SENT = sent_messages.c


def _label(text: str) -> Conditions:
    return (_SENT.label == text,), ()


def _result(value: str) -> Conditions:
    # not `messages.result = …`: as it rules out a row without a report, SQLite would begin with all messages
    return (), (func.coalesce(messages.c.result, NO_REPORT) == value,)


SENT = RecordList(
    "sent",
    "Sent",
    "What we sent, to whom and at what price, by the gateway's journal, the latest first; also what has no report yet.",
    "Nothing is known of what was sent. Workers with SEVEN_JOURNAL_SENT=true read it from the gateway's journal.",
    sent_messages.outerjoin(messages, messages.c.msg_id == _SENT.msg_id),
    (
        ListColumn("sent_at", "Sent", _SENT.sent_at),
        ListColumn("msg_id", "Message", _SENT.msg_id),
        ListColumn("recipient", "To", _SENT.recipient),
        ListColumn("sender", "From", _SENT.sender),
        ListColumn("label", "Label", _SENT.label),
        ListColumn("foreign_id", "Foreign id", _SENT.foreign_id),
        ListColumn("result", "Result", messages.c.result),
        ListColumn("status", "Status", messages.c.status),
        ListColumn("delivered_at", "Delivered", messages.c.delivered_at),
        ListColumn("price", "Euros", _SENT.price),
        ListColumn("mccmnc", "Network", _SENT.mccmnc),
        ListColumn("connection", "Sent by", _SENT.connection),
        ListColumn("text", "Text", _SENT.text),
    ),
    (_SENT.sent_at, _SENT.msg_id),
    (
        Filter("label", "Label", "text", _label),
        Filter("result", "Result", "choice", _result, (*RESULTS, NO_REPORT)),
        word("connection", "Sent by", _SENT.connection, ("http", "smtp")),
        *days_of(_SENT.sent_at),
    ),
    ours="",  # of a message that was forwarded the sender is a person
)
