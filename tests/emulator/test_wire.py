"""Wire: how an occurrence is written, and that what was written is what is read."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from emulator.scenarios import deliveries, scenario
from emulator.vendor_event import VendorEvent
from emulator.wire import LAYOUTS, METHODS, Layout, Method, PlannedDelivery, Request, requests, write
from seven.delivery import Delivery, Payload
from seven.event import Event
from seven.events import EVENT_TYPES

NOW = datetime(2026, 6, 3, tzinfo=UTC)
TARGET = "https://receiver.example/hooks/a-token"
AT = datetime(2021, 8, 24, 6, 8, tzinfo=UTC)
REPORT = VendorEvent(
    "dlr", {"msg_id": "77149843739", "status": "TRANSMITTED", "timestamp": "2021-08-24 08:08:00.000000"}, AT
)

NOTATIONS = [(method, layout) for method in METHODS for layout in LAYOUTS]


def read(request: Request) -> Payload:
    parts = urlsplit(request.url)
    words = Delivery(request.method, parts.query.encode(), request.body).decode()
    named = parts.path.rsplit("/", 1)[1]
    return Payload.of(words, named if named in EVENT_TYPES else None)


def event(occurrence: VendorEvent, method: Method, layout: Layout) -> Event:
    """What a receiver understands, at the moment it is told."""
    received_at = datetime.fromisoformat(occurrence.webhook_timestamp).astimezone(UTC)
    return read(write(PlannedDelivery(occurrence, method, layout), TARGET)).event(received_at)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_every_notation_says_the_same(seed):
    """One occurrence is understood as one event with one digest, in whichever method and layout it is told."""
    for occurrence in scenario(seed, now=NOW, messages=60):
        events = [event(occurrence, method, layout) for method, layout in NOTATIONS]
        digests = {read(write(PlannedDelivery(occurrence, *notation), TARGET)).digest() for notation in NOTATIONS}

        assert events[0].event_type == occurrence.event_type
        assert all(one == events[0] for one in events)
        assert len(digests) == 1


@pytest.mark.parametrize(("method", "layout"), NOTATIONS)
def test_the_method_shows(method, layout):
    """A receiver recognises the request method from the bytes."""
    request = write(PlannedDelivery(REPORT, method, layout), TARGET)
    delivery = Delivery(request.method, urlsplit(request.url).query.encode(), request.body)

    assert delivery.request_method == method
    assert request.method == ("GET" if method == "GET" else "POST")


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_story_has_the_fields_of_the_vendors_samples(event_type):
    """What we tell names every field that the vendor's own sample names."""
    told = [one for one in scenario(1, now=NOW) if one.event_type == event_type]

    assert all(set(EVENT_TYPES[event_type].example) <= set(one.fields) for one in told)


def test_json_is_written_as_php_writes_it():
    """Slashes escaped, no spaces, ASCII only."""
    occurrence = VendorEvent("tracking", {"final_url": "https://ü.example/", "sms_label": None, "total_clicks": 1}, AT)

    assert write(PlannedDelivery(occurrence), TARGET) == Request(
        "POST",
        TARGET,
        (("content-type", "application/json"),),
        rb'{"data":{"final_url":"https:\/\/\u00fc.example\/","sms_label":null,"total_clicks":1},'
        rb'"webhook_event":"tracking","webhook_timestamp":"2021-08-24T08:08:00+02:00"}',
    )


@pytest.mark.parametrize(
    ("layout", "url", "form"),
    [
        pytest.param(
            "nested",
            TARGET,
            b"data%5Btext%5D=a+b%26%7E%C3%BC&data%5Byes%5D=1&data%5Bno%5D=0&data%5Bin%5D%5Bn%5D=0.075"
            b"&webhook_event=sms_mo&webhook_timestamp=2021-08-24T08%3A08%3A00%2B02%3A00",
            id="nested",
        ),
        pytest.param(
            "flat",
            TARGET,
            b"text=a+b%26%7E%C3%BC&yes=1&no=0&in%5Bn%5D=0.075"
            b"&webhook_event=sms_mo&webhook_timestamp=2021-08-24T08%3A08%3A00%2B02%3A00",
            id="flat",
        ),
        pytest.param("bare", f"{TARGET}/sms_mo", b"text=a+b%26%7E%C3%BC&yes=1&no=0&in%5Bn%5D=0.075", id="bare"),
    ],
)
def test_forms_are_written_as_php_writes_them(layout, url, form):
    """Brackets encoded, null left out, true as 1, a space as +; a GET says in its URL what a POST says in its body."""
    fields = {"text": "a b&~ü", "gone": None, "yes": True, "no": False, "in": {"n": 0.075}}
    occurrence = VendorEvent("sms_mo", fields, AT)

    posted = write(PlannedDelivery(occurrence, "POST", layout), TARGET)
    assert posted == Request("POST", url, (("content-type", "application/x-www-form-urlencoded"),), form)
    assert write(PlannedDelivery(occurrence, "GET", layout), TARGET) == Request(
        "GET", f"{url}?{form.decode()}", (), b""
    )


@pytest.mark.parametrize(
    ("method", "layout", "target", "url"),
    [
        pytest.param("GET", "bare", "http://r/h/t/?s=1", "http://r/h/t/dlr?s=1&a=2", id="GET adds to the query"),
        pytest.param("GET", "bare", "http://r/h/t/dlr#x", "http://r/h/t/dlr?a=2", id="already named, fragment unsent"),
        pytest.param("POST", "bare", "http://r/h/t?s=1", "http://r/h/t/dlr?s=1", id="POST keeps the query"),
        pytest.param("POST", "flat", "http://r/h/t?s=1", "http://r/h/t?s=1", id="as registered"),
        pytest.param("JSON", "bare", "http://r/h/t?s=1", "http://r/h/t?s=1", id="JSON is always nested"),
    ],
)
def test_a_target_may_carry_a_query_of_its_own(method, layout, target, url):
    """Tenants and shared secrets stand in the query of a hook's URL, and must arrive."""
    assert write(PlannedDelivery(VendorEvent("dlr", {"a": 2}, AT), method, layout), target).url == url


def test_requests_are_written_when_they_are_asked_for():
    """A long story does not have to fit into memory as requests."""
    tellings = deliveries(scenario(1, now=NOW), methods=("JSON",))
    written = requests(tellings, TARGET)

    assert next(written) == write(tellings[0], TARGET)
    assert len(list(written)) == len(tellings) - 1
