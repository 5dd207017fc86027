"""Opt-outs: what an inbound message that is a stop or start word says of its sender.

A sender who is no phone number, such as "SMS" or a short code, has no opt-out: nobody can write to it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from seven.digest import is_short_digest
from seven.event import Event
from seven.opt_out_words import OptOutWords, State
from seven.record import Record
from seven.records import InboundMessage, OptOut, OptOutEvent
from seven.timestamps import latest_reading

CHANNELS = ("sms", "rcs", "whatsapp")


def opt_out_number(number: str, country_code: int, *, is_typed: bool) -> str | None:
    """The key of a number's opt-outs: its digits with the country code; None for what is no phone number.

    `is_typed`: people wrote it, and not the gateway.
    """
    from seven.phone_numbers import digits, gateway_digits  # noqa: PLC0415 - 0.1 s to import, and few texts need it

    try:
        return (digits if is_typed else gateway_digits)(number, country_code)
    except ValueError:
        return None


def opt_out_recipient(recipient: str | None, country_code: int, *, is_typed: bool) -> str:
    """The key of what was written to: our number in digits; an agent, name or short code as it is; '' for none."""
    plain = (recipient or "").strip()
    return opt_out_number(plain, country_code, is_typed=is_typed) or plain


def opt_outs_of(
    event: Event, records: Iterable[Record], words: OptOutWords | None, country_code: int
) -> Iterator[Record]:
    """The opt-outs that the inbound messages among an event's records add to; without words none."""
    for record in records:
        if words and isinstance(record, InboundMessage):
            yield from opt_out_records(record, words, country_code, is_dated=event.own_at is not None)


def opt_out_records(
    message: InboundMessage, words: OptOutWords, country_code: int, *, is_dated: bool = True
) -> Iterator[Record]:
    """The opt-out of one message; nothing if its text is neither word, or its sender no phone number.

    Without a time of its own a message opts out by the time of its report, and never back in. A report without a time
    is renewed by each repeat, and of the repeats with one id the earliest counts; without an id of the gateway's they
    cannot be told from a new STOP, so each counts.
    """
    recognized = words.recognize(message.text or "")
    if recognized is None or message.sent_at is None:
        return
    number = opt_out_number(message.sender or "", country_code, is_typed=False)
    if number is None:
        return
    is_repeatable = not is_dated and (recognized.state == "in" or not is_short_digest(message.id))
    recipient = opt_out_recipient(message.recipient or message.agent_id, country_code, is_typed=False)
    yield from opt_out_entry(
        (number, recipient, message.channel or CHANNELS[0]),
        recognized.state,
        latest_reading(message.sent_at) if recognized.state == "out" else message.sent_at,
        recognized.word,
        message.id,
        undated=True if is_repeatable else None,
    )


def opt_out_entry(
    key: tuple[str, str, str],
    state: State,
    at: datetime,
    word: str,
    inbound_id: str = "",
    *,
    undated: bool | None = None,
) -> Iterator[Record]:
    """An entry of the history and what it says of the standing; `key`: number, recipient, channel.

    Times count in whole seconds, as the gateway sends them: of one second, `out` stands.
    """
    event = OptOutEvent(*key, at.replace(microsecond=0, fold=0), state, inbound_id, word, undated)
    yield event
    if (standing := standing_by(event)) is not None:
        yield standing


def standing_by(event: OptOutEvent) -> OptOut | None:
    """How a number stands by this event alone; None for one that changes nothing."""
    if event.state == "in" and event.undated:
        return None
    return OptOut(event.number, event.recipient, event.channel, event.at, event.state, event.word, event.inbound_id)
