"""Change: what subscribers receive is read back as it was, by topic, and its id is the same everywhere."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import ValidationError

import reactions
from reactions.change import Change, matches, stable_id
from reactions.change_data import DATA, CallData, InboundData, fields_of, kind_of
from reactions.change_examples import example
from seven.topics import TOPICS

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("topic", TOPICS)
def test_what_is_sent_is_read_back(topic: str):
    """Every topic has an example, whose body is read as the model of its kind, and gives the same bytes again."""
    change = example(topic)
    body = change.body()
    read = Change.model_validate_json(body)

    assert read == change
    assert type(read.data) is DATA[kind_of(topic)]
    assert read.body() == body
    assert list(json.loads(body)) == ["id", "type", "version", "timestamp", "sequence", "was", "now", "data"]
    assert list(json.loads(body)["data"]) == list(DATA[kind_of(topic)].model_fields)


def test_bodies_are_compact_and_exact():
    """UTC with a Z, euros as plain decimals, umlauts as they are, no space between."""
    change = example("call.status").model_copy(
        update={"now": "übergeben", "timestamp": NOON + timedelta(microseconds=5)}
    )
    cheap = change.data.model_copy(update={"price_per_minute": Decimal("1E-8"), "total_price": Decimal(10)})
    body = change.model_copy(update={"data": cheap}).body()

    assert '"now":"übergeben"'.encode() in body
    assert b'"timestamp":"2026-03-29T12:00:00.000005Z"' in body
    assert b'"price_per_minute":"0.00000001","total_price":"10"' in body
    assert b": " not in body
    read = Change.model_validate_json(body).data
    assert isinstance(read, CallData)
    assert read.price_per_minute == Decimal("0.00000001")


@pytest.mark.parametrize("payload", [None, {"data": {"text": "Grüße 👋", "n": 10**30}}, "base64:/w==", [1.5]])
def test_a_payload_is_there_where_it_was_set(payload: object):
    """Also null; and not otherwise."""
    fields = dict(example("inbound.received"))
    assert "payload" not in json.loads(example("inbound.received").body())

    body = Change(**{**fields, "payload": payload}).body()
    assert json.loads(body)["payload"] == payload
    assert Change.model_validate_json(body).payload == payload
    assert Change.model_validate_json(body).body() == body


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b'"type":"inbound.received"', b'"type":"outbound.received"'),
        (b'"type":"inbound.received"', b'"type":"call.received"'),
        (b'"type":"inbound.received",', b""),
        (b'"version":1', b'"version":2'),
        (b'"data":{', b'"data":null,"more":{'),
    ],
)
def test_what_is_no_change_is_refused(part: bytes, other: bytes):
    """Without a word of what was in it."""
    body = example("inbound.received").body()
    assert part in body
    with pytest.raises(ValidationError) as refused:
        Change.model_validate_json(body.replace(part, other))
    assert "parcel" not in str(refused.value)
    assert "49151" not in str(refused.value)


def test_fields_of_later_releases_are_no_error():
    """Version 1 gains fields."""
    body = example("inbound.received").body().replace(b'"data":{', b'"more":1,"data":{"more":2,')
    assert Change.model_validate_json(body) == example("inbound.received")


def test_a_kind_can_be_named():
    """For whoever checks types; another kind is refused."""
    assert (
        Change[InboundData].model_validate_json(example("inbound.received").body()).data.text == "Where is my parcel?"
    )
    with pytest.raises(ValidationError):
        Change[InboundData].model_validate_json(example("call.received").body())


def test_ids_are_stable():
    """This very text, in every process and release, whatever the zone that a time is written in."""
    known = stable_id("message.failed", "77", "FAILED", NOON)
    assert known == "chg_bdc270a05a2c0b0b651114dcbb0020b4"
    assert known == stable_id("message.failed", "77", "FAILED", NOON.astimezone(timezone(timedelta(hours=2))))
    others = [
        stable_id("message.read", "77", "FAILED", NOON),
        stable_id("message.failed", "7", "7FAILED", NOON),
        stable_id("message.failed", "77", "EXPIRED", NOON),
        stable_id("message.failed", "77", "FAILED", NOON + timedelta(microseconds=1)),
        stable_id("message.failed", "77", "FAILED", None),
    ]
    assert len({known, *others}) == 6


@pytest.mark.parametrize(
    ("topic", "where", "fits"),
    [
        ("inbound.received", {}, True),
        ("inbound.received", {"recipient": {"4915126716517"}}, True),
        ("inbound.received", {"recipient": {"4915126716517", "1"}, "channel": {"sms"}}, True),
        ("inbound.received", {"recipient": {"4915126716517"}, "channel": {"rcs"}}, False),
        ("inbound.received", {"latitude": {"", "None", "null"}}, False),
        ("inbound.received", {"msg_id": {"77151893425"}}, False),
        ("message.failed", {"final": {"true"}}, True),
        ("message.failed", {"final": {"True"}}, False),
        ("call.status", {"duration_s": {"42"}}, True),
        ("call.status", {"price_per_minute": {"0.045"}}, True),
        ("link.clicked", {"nth": {"01"}}, False),
        ("link.clicked", {"at": {"2026-03-29T12:00:00Z"}}, True),
    ],
)
def test_where(topic: str, where: dict[str, set[str]], fits: bool):
    """Compared as JSON writes it; null and what is not there match nothing."""
    assert matches(example(topic), {name: frozenset(values) for name, values in where.items()}) is fits


def test_fields_that_where_may_name():
    """Those that all topics of a reaction have: a change that lacks one would never be sent."""
    assert {"sender", "text", "recipient"} <= fields_of(["inbound.received"])
    assert "recipient" in fields_of(["inbound.received", "opt_out.started", "call.status"])
    assert "recipient" not in fields_of(["inbound.received", "message.failed"])
    assert fields_of([]) == frozenset()


def test_the_package_is_imported_cheaply():
    """Workers import it for what a subscriber is, and load no model; a function's author takes it from the package."""
    code = "import sys, reactions, reactions.reaction; print('reactions.change_data' in sys.modules); from reactions import *; print(Change.__name__)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["False", "Change"]
    assert all(getattr(reactions, name) for name in reactions.__all__)
    with pytest.raises(AttributeError):
        _ = reactions.Chance
