"""The wire format: how events are written as requests, and that a receiver reads them back."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from emulator.scenarios import plan_deliveries, scenario
from emulator.vendor_event import VendorEvent
from emulator.wire import (
    LAYOUTS,
    METHODS,
    Layout,
    Method,
    PlannedDelivery,
    Request,
    http_build_query,
    requests,
    write_request,
)
from seven.delivery import Delivery, Payload
from seven.event import Event
from seven.events import EVENT_TYPES

NOW = datetime(2026, 6, 3, tzinfo=UTC)
TARGET = "https://receiver.example/hooks/a-token"
AT = datetime(2021, 8, 24, 6, 8, tzinfo=UTC)
REPORT = VendorEvent(
    "dlr", {"msg_id": "77149843739", "status": "TRANSMITTED", "timestamp": "2021-08-24 08:08:00.000000"}, AT
)

FORMATS = [(method, layout) for method in METHODS for layout in LAYOUTS]


def read(request: Request) -> Payload:
    parts = urlsplit(request.url)
    fields = Delivery(request.method, parts.query.encode(), request.body).decode()
    last_segment = parts.path.rsplit("/", 1)[1]
    return Payload.of(fields, last_segment if last_segment in EVENT_TYPES else None)


def parse(event: VendorEvent, method: Method, layout: Layout) -> Event:
    """The event as a receiver parses it on arrival."""
    received_at = datetime.fromisoformat(event.webhook_timestamp).astimezone(UTC)
    return read(write_request(PlannedDelivery(event, method, layout), TARGET)).event(received_at)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_every_format_is_read_alike(seed):
    """An event has the same fields and digest in every request method and layout."""
    for event in scenario(seed, now=NOW, messages=60):
        events = [parse(event, method, layout) for method, layout in FORMATS]
        digests = {read(write_request(PlannedDelivery(event, *format_), TARGET)).digest() for format_ in FORMATS}

        assert events[0].event_type == event.event_type
        assert all(other == events[0] for other in events)
        assert len(digests) == 1


@pytest.mark.parametrize(("method", "layout"), FORMATS)
def test_the_request_method_is_recognisable(method, layout):
    """A receiver recognises the hook's request method from the bytes."""
    request = write_request(PlannedDelivery(REPORT, method, layout), TARGET)
    delivery = Delivery(request.method, urlsplit(request.url).query.encode(), request.body)

    assert delivery.request_method == method
    assert request.method == ("GET" if method == "GET" else "POST")


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_scenario_has_the_fields_of_the_vendors_samples(event_type):
    """Each event has every field of the vendor's own sample of its shape."""
    events = [event for event in scenario(1, now=NOW) if event.event_type == event_type]

    content = {"text"} if event_type == "rcs" else set()  # of which an RCS message has one kind or another
    samples = [set(shape.example) - content for shape in EVENT_TYPES[event_type].shapes()]
    assert events
    assert all(any(sample <= set(event.fields) for sample in samples) for event in events)


def test_json_is_written_as_php_writes_it():
    """Slashes escaped, no spaces, ASCII only."""
    event = VendorEvent("tracking", {"final_url": "https://ü.example/", "sms_label": None, "total_clicks": 1}, AT)

    assert write_request(PlannedDelivery(event), TARGET) == Request(
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
    """Brackets encoded, null left out, true as 1, a space as +; a GET's query equals a POST's body."""
    fields = {"text": "a b&~ü", "gone": None, "yes": True, "no": False, "in": {"n": 0.075}}
    event = VendorEvent("sms_mo", fields, AT)

    posted = write_request(PlannedDelivery(event, "POST", layout), TARGET)
    assert posted == Request("POST", url, (("content-type", "application/x-www-form-urlencoded"),), form)
    assert write_request(PlannedDelivery(event, "GET", layout), TARGET) == Request(
        "GET", f"{url}?{form.decode()}", (), b""
    )


@pytest.mark.parametrize(
    ("value", "form"),
    [
        pytest.param([1, "b c"], "data[a][0]=1&data[a][1]=b+c", id="a list"),
        pytest.param([[1], {"x": [True]}], "data[a][0][0]=1&data[a][1][x][0]=1", id="lists in a list"),
        pytest.param([None, 2], "data[a][1]=2", id="null in a list"),
        pytest.param([], "", id="an empty list"),
        pytest.param({}, "", id="an empty object"),
    ],
)
def test_a_list_is_written_as_php_writes_it(value, form):
    """By index, at any depth; an empty one is left out."""
    body = http_build_query({"data": {"a": value, "z": 1}})

    assert body.replace("%5B", "[").replace("%5D", "]") == f"{form}&data[z]=1".lstrip("&")


@pytest.mark.parametrize(
    ("text", "form", "read_text"),
    [
        pytest.param("a\udcff b", "a%FF+b", "a\udcff b", id="a byte that is no UTF-8"),
        pytest.param("\udcc3\udcbc", "%C3%BC", "ü", id="two bytes that are"),
        pytest.param("ü\ud800", "%C3%BC%ED%A0%80", "ü\udced\udca0\udc80", id="half a character"),
        pytest.param("\ud800\udcff", "%ED%A0%80%FF", "\udced\udca0\udc80\udcff", id="both"),
    ],
)
def test_text_that_is_not_unicode_is_sent_as_its_bytes(text, form, read_text):
    """As PHP does, whose texts are bytes; a receiver reads each byte that is no UTF-8 as a lone surrogate."""
    request = write_request(PlannedDelivery(VendorEvent("sms_mo", {text: text}, AT), "GET", "flat"), TARGET)

    assert request.url.startswith(f"{TARGET}?{form}={form}&webhook_event=sms_mo&")
    assert read(request).fields[read_text] == read_text


@pytest.mark.parametrize(
    ("method", "layout", "target", "url"),
    [
        pytest.param("GET", "bare", "http://r/h/t/?s=1", "http://r/h/t/dlr?s=1&a=2", id="GET adds to the query"),
        pytest.param(
            "GET", "bare", "http://r/h/t/dlr#x", "http://r/h/t/dlr?a=2", id="event type in the path, fragment dropped"
        ),
        pytest.param("POST", "bare", "http://r/h/t?s=1", "http://r/h/t/dlr?s=1", id="POST keeps the query"),
        pytest.param("POST", "flat", "http://r/h/t?s=1", "http://r/h/t?s=1", id="as registered"),
        pytest.param("JSON", "bare", "http://r/h/t?s=1", "http://r/h/t?s=1", id="JSON is always nested"),
    ],
)
def test_a_target_may_have_a_query(method, layout, target, url):
    """A hook's URL may have tenants and shared secrets in its query, which must arrive."""
    assert write_request(PlannedDelivery(VendorEvent("dlr", {"a": 2}, AT), method, layout), target).url == url


def test_requests_are_written_when_they_are_drawn():
    """The requests of a long scenario need not fit into memory."""
    planned = plan_deliveries(scenario(1, now=NOW), methods=("JSON",))
    written = requests(planned, TARGET)

    assert next(written) == write_request(planned[0], TARGET)
    assert len(list(written)) == len(planned) - 1
