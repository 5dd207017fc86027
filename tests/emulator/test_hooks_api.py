"""The hooks API: every style of request, and the exact answers."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from seven.timestamps import read_moment
from tests.emulator.emulator_process import Emulator

URL = "https://your-domain.com/webhook"
FIELDS = {"target_url": URL, "event_type": "sms_mo", "event_filter": "49157123456789", "request_method": "GET"}
KEY_FIELDS = {name: FIELDS[name] for name in ("target_url", "event_type", "request_method")}
MULTIPART = {name: (None, value) for name, value in {"action": "subscribe", **FIELDS}.items()}


def request(method: str, **parameters: dict):
    """A function that sends this request to an emulator, with further fields where the style has its fields."""
    return lambda emulator, **more: emulator.client.request(
        method, emulator.api, **{name: {**value, **more} for name, value in parameters.items()}
    )


READS = [
    pytest.param(request("GET"), id="GET"),
    pytest.param(request("GET", params={"action": "read"}), id="GET action"),
    pytest.param(request("POST", params={"action": "read"}), id="POST query"),
    pytest.param(request("POST", data={"action": "read"}), id="POST form"),
    pytest.param(request("POST", json={"action": "read"}), id="POST JSON"),
    pytest.param(request("POST", data={"action": "READ"}), id="any case"),
]
SUBSCRIBES = [
    pytest.param(request("GET", params={"action": "subscribe", **FIELDS}), id="GET query"),
    pytest.param(request("POST", params={"action": "subscribe", **FIELDS}), id="POST query"),
    pytest.param(request("POST", data={"action": "subscribe", **FIELDS}), id="POST form"),
    pytest.param(request("POST", json={"action": "subscribe", **FIELDS}), id="POST JSON"),
    pytest.param(
        request("POST", params={"action": "subscribe"}, data=FIELDS), id="action in the query, fields in a form"
    ),
    pytest.param(
        request("POST", params={"action": "subscribe"}, json=FIELDS), id="action in the query, fields in JSON"
    ),
    pytest.param(request("POST", files=MULTIPART), id="POST multipart"),
    pytest.param(request("POST", data=FIELDS), id="new style, form"),
    pytest.param(request("POST", json=FIELDS), id="new style, JSON"),
]
UNSUBSCRIBES = [
    pytest.param(request("GET", params={"action": "unsubscribe"}), id="GET query"),
    pytest.param(request("POST", params={"action": "unsubscribe"}), id="POST query"),
    pytest.param(request("POST", data={"action": "unsubscribe"}), id="POST form"),
    pytest.param(request("POST", json={"action": "unsubscribe"}), id="POST JSON"),
    pytest.param(request("DELETE", params={}), id="DELETE query"),
    pytest.param(request("DELETE", data={}), id="DELETE form"),
    pytest.param(request("DELETE", json={}), id="DELETE JSON"),
]


@pytest.mark.parametrize("subscribe", SUBSCRIBES)
def test_a_hook_can_be_subscribed_in_every_style(emulator: Emulator, subscribe):
    """The id is answered as a number, and the hook is registered with every field."""
    answer = subscribe(emulator)

    assert answer.status_code == 200
    assert answer.content == b'{"success":true,"code":null,"id":1}'
    assert [{name: hook[name] for name in FIELDS} for hook in emulator.hooks()] == [FIELDS]


@pytest.mark.parametrize("read", READS)
def test_hooks_can_be_read_in_every_style(emulator: Emulator, read):
    """The list is PHP's JSON: ids are strings, slashes escaped, `created` is Berlin wall time."""
    emulator.subscribe(target_url=URL)
    emulator.subscribe(**FIELDS, headers="X-Shared: ü")
    answer = read(emulator)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert re.sub(rb'"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"', b'"NOW"', answer.content) == (
        rb'{"success":true,"code":null,"hooks":['
        rb'{"id":"1","target_url":"https:\/\/your-domain.com\/webhook","event_type":"all","event_filter":null,'
        rb'"request_method":"POST","enabled":true,"created":"NOW"},'
        rb'{"id":"2","target_url":"https:\/\/your-domain.com\/webhook","event_type":"sms_mo",'
        rb'"event_filter":"49157123456789","request_method":"GET","enabled":true,"created":"NOW",'
        rb'"headers":"X-Shared: \u00fc"}]}'
    )


def test_an_account_without_hooks_has_an_empty_list(emulator: Emulator):
    """An empty list differs from a missing one."""
    assert emulator.client.get(emulator.api).content == b'{"success":true,"code":null,"hooks":[]}'


def test_created_is_the_time_of_the_subscription(emulator: Emulator):
    """It is now in Berlin wall time, whatever this machine's time zone."""
    emulator.subscribe(target_url=URL)

    assert abs(read_moment(emulator.read()[0]["created"]) - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize("unsubscribe", UNSUBSCRIBES)
@pytest.mark.parametrize("key", ["id of a read", "id of a subscribe", "fields"])
def test_a_hook_can_be_unsubscribed_in_every_style(emulator: Emulator, unsubscribe, key):
    """By its id, as string or number, or by URL, event type and request method; other hooks stay."""
    other = emulator.subscribe(target_url=URL)
    removed = emulator.subscribe(**FIELDS)
    fields = {"fields": KEY_FIELDS, "id of a read": {"id": str(removed)}, "id of a subscribe": {"id": removed}}[key]
    answer = unsubscribe(emulator, **fields)

    assert answer.status_code == 200
    assert answer.content == b'{"success":true,"code":null}'
    assert [hook["id"] for hook in emulator.hooks()] == [other]


def test_unsubscribing_by_fields_ignores_the_filter(emulator: Emulator):
    """Hooks that differ only in the filter are all removed, and the method is POST by default."""
    for inbound_number in ("491", "492", ""):
        emulator.subscribe(target_url=URL, event_type="sms_mo", event_filter=inbound_number)
    remaining = [
        emulator.subscribe(target_url=URL, event_type="sms_mo", request_method="JSON"),
        emulator.subscribe(target_url=f"{URL}/", event_type="sms_mo"),
        emulator.subscribe(target_url=URL, event_type="dlr"),
    ]
    emulator.client.post(emulator.api, data={"action": "unsubscribe", "target_url": URL, "event_type": "sms_mo"})

    assert [hook["id"] for hook in emulator.hooks()] == remaining


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"id": "9"}, id="no such id"),
        pytest.param({"id": "x"}, id="not an id"),
        pytest.param({"target_url": URL, "event_type": "dlr"}, id="no such hook"),
        pytest.param({"webhookId": "1"}, id="another client's name for the id"),
        pytest.param({}, id="no field"),
    ],
)
def test_unsubscribing_an_unknown_hook_fails(emulator: Emulator, fields):
    """The gateway's answer is unknown; the emulator answers with an error, which is harder for clients."""
    emulator.subscribe(target_url=URL)
    answer = emulator.client.request("DELETE", emulator.api, json=fields)

    assert answer.status_code == 200
    assert answer.json() == {"success": False, "code": None, "error_message": "Webhook not found"}
    assert len(emulator.hooks()) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"event_type": "dlr"}, "Invalid URL", id="no URL"),
        pytest.param({"target_url": "", "event_type": "dlr"}, "Invalid URL", id="empty"),
        pytest.param({"target_url": "your-domain.com/webhook", "event_type": "dlr"}, "Invalid URL", id="no scheme"),
        pytest.param({"target_url": "ftp://r.example/", "event_type": "dlr"}, "Invalid URL", id="another scheme"),
        pytest.param({"target_url": "https://", "event_type": "dlr"}, "Invalid URL", id="no host"),
        pytest.param({"target_url": "https://r:99999/", "event_type": "dlr"}, "Invalid URL", id="no port"),
        pytest.param({"target_url": "https://r.example/a b", "event_type": "dlr"}, "Invalid URL", id="a space"),
        pytest.param({"target_url": "https://[::1", "event_type": "dlr"}, "Invalid URL", id="half an address"),
        pytest.param({"target_url": URL}, "Invalid event_type", id="no event type"),
        pytest.param(
            {"target_url": URL, "event_type": "dlr", "request_method": "PUT"}, "Invalid request_method", id="PUT",
        ),
        pytest.param({"action": "list"}, "Invalid action", id="unknown action"),
    ],
)  # fmt: skip
def test_an_invalid_subscribe_fails_with_200(emulator: Emulator, fields, message):
    """The body contains the error and no id."""
    answer = emulator.client.post(emulator.api, data={"action": "subscribe", **fields})

    assert answer.status_code == 200
    assert answer.json() == {"success": False, "code": None, "error_message": message}
    assert emulator.hooks() == []


@pytest.mark.parametrize(
    ("fields", "registered"),
    [
        pytest.param({"request_method": "json"}, {"request_method": "JSON"}, id="method in lower case"),
        pytest.param({"request_method": ""}, {"request_method": "POST"}, id="empty method"),
        pytest.param({"request_method": None}, {"request_method": "POST"}, id="no method"),
        pytest.param({"event_filter": ""}, {"event_filter": None}, id="empty filter"),
        pytest.param({"event_filter": None}, {"event_filter": None}, id="null filter"),
        pytest.param({"event_filter": 4915126716517}, {"event_filter": "4915126716517"}, id="filter as a number"),
        pytest.param({"event_type": "sms.mo"}, {"event_type": "sms.mo"}, id="an event type with a dot"),
        pytest.param({"event_type": "rcs_mo"}, {"event_type": "rcs_mo"}, id="an undocumented event type"),
        pytest.param({"headers": "A: 1\nB: 2"}, {"headers": "A: 1\nB: 2"}, id="two headers"),
        pytest.param({"enabled": False, "id": 77, "sentWith": "x"}, {"enabled": True, "id": 1}, id="ignored fields"),
        pytest.param({"target_url": f"{URL}?t=1&s=a%2Fb"}, {"target_url": f"{URL}?t=1&s=a%2Fb"}, id="a query"),
        pytest.param({"target_url": "http://127.0.0.1:8000/hooks/t"}, {"event_type": "all"}, id="a port"),
    ],
)
def test_lenient_values_are_accepted(emulator: Emulator, fields, registered):
    """The emulator accepts all variants that the vendor's own clients send."""
    answer = emulator.client.post(emulator.api, json={"target_url": URL, "event_type": "all", **fields})

    assert answer.json() == {"success": True, "code": None, "id": 1}
    assert registered.items() <= emulator.hooks()[0].items()


def test_the_same_hook_can_be_subscribed_twice(emulator: Emulator):
    """Clients must not rely on a rejection; ids are never reused, not even after an unsubscribe."""
    assert [emulator.subscribe(**FIELDS) for _ in range(2)] == [1, 2]
    emulator.unsubscribe(2)

    assert emulator.subscribe(**FIELDS) == 3


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b'{"action": ', id="half JSON"),
        pytest.param("application/json", b"[1]", id="a list"),
        pytest.param("application/json", b'{"action":"subscribe","target_url":"http://r/\\ud800"}', id="half a letter"),
        pytest.param("application/json", b'{"p":"\\ud800","target_url":{"a":[1]}}', id="nested"),
        pytest.param("application/json", b'{"a":' * 5000, id="deep"),
        pytest.param("multipart/form-data", b"--x\r\n\r\n", id="no boundary"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\n\r\nnothing\r\n--x--", id="no name"),
        pytest.param("application/x-www-form-urlencoded", b"\xff=\xff&target_url=%ff", id="no text"),
    ],
)
def test_unreadable_bodies_are_answered(emulator: Emulator, content_type, body):
    """An unreadable body subscribes nothing."""
    answer = emulator.client.post(emulator.api, content=body, headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["error_message"]) == (200, "Invalid URL")


def test_a_trailing_slash_is_accepted(emulator: Emulator):
    """The API answers without a redirect."""
    assert emulator.client.get(f"{emulator.api}/").json()["success"] is True
    assert emulator.client.put(emulator.api).status_code == 405


def test_json_with_another_content_type_is_read(emulator: Emulator):
    """As curl sends it by default."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = emulator.client.post(emulator.api, content=json.dumps(FIELDS), headers=headers)

    assert answer.json()["id"] == 1
