"""The hooks API: every style of asking, and the answers to the letter."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from seven.timestamps import read_moment
from tests.emulator.emulator_process import Emulator

URL = "https://your-domain.com/webhook"
WORDS = {"target_url": URL, "event_type": "sms_mo", "event_filter": "49157123456789", "request_method": "GET"}
ALIKE = {name: WORDS[name] for name in ("target_url", "event_type", "request_method")}
MULTIPART = {name: (None, value) for name, value in {"action": "subscribe", **WORDS}.items()}


def ask(method: str, **how: dict):
    """Asks an emulator in this way, with more words where the style has its words."""
    return lambda one, **more: one.client.request(
        method, one.api, **{name: {**value, **more} for name, value in how.items()}
    )


READS = [
    pytest.param(ask("GET"), id="GET"),
    pytest.param(ask("GET", params={"action": "read"}), id="GET action"),
    pytest.param(ask("POST", params={"action": "read"}), id="POST query"),
    pytest.param(ask("POST", data={"action": "read"}), id="POST form"),
    pytest.param(ask("POST", json={"action": "read"}), id="POST JSON"),
    pytest.param(ask("POST", data={"action": "READ"}), id="any case"),
]
SUBSCRIBES = [
    pytest.param(ask("GET", params={"action": "subscribe", **WORDS}), id="GET query"),
    pytest.param(ask("POST", params={"action": "subscribe", **WORDS}), id="POST query"),
    pytest.param(ask("POST", data={"action": "subscribe", **WORDS}), id="POST form"),
    pytest.param(ask("POST", json={"action": "subscribe", **WORDS}), id="POST JSON"),
    pytest.param(ask("POST", params={"action": "subscribe"}, data=WORDS), id="action in the query, words in a form"),
    pytest.param(ask("POST", params={"action": "subscribe"}, json=WORDS), id="action in the query, words in JSON"),
    pytest.param(ask("POST", files=MULTIPART), id="POST multipart"),
    pytest.param(ask("POST", data=WORDS), id="new style, form"),
    pytest.param(ask("POST", json=WORDS), id="new style, JSON"),
]
UNSUBSCRIBES = [
    pytest.param(ask("GET", params={"action": "unsubscribe"}), id="GET query"),
    pytest.param(ask("POST", params={"action": "unsubscribe"}), id="POST query"),
    pytest.param(ask("POST", data={"action": "unsubscribe"}), id="POST form"),
    pytest.param(ask("POST", json={"action": "unsubscribe"}), id="POST JSON"),
    pytest.param(ask("DELETE", params={}), id="DELETE query"),
    pytest.param(ask("DELETE", data={}), id="DELETE form"),
    pytest.param(ask("DELETE", json={}), id="DELETE JSON"),
]


@pytest.mark.parametrize("subscribe", SUBSCRIBES)
def test_a_hook_can_be_subscribed_in_every_style(emulator: Emulator, subscribe):
    """The id comes as a number, and the hook is registered with every word that was told."""
    answer = subscribe(emulator)

    assert answer.status_code == 200
    assert answer.content == b'{"success":true,"code":null,"id":1}'
    assert [{name: hook[name] for name in WORDS} for hook in emulator.hooks()] == [WORDS]


@pytest.mark.parametrize("read", READS)
def test_hooks_can_be_read_in_every_style(emulator: Emulator, read):
    """The list is written as PHP writes it: ids as strings, slashes escaped, `created` as Berlin's wall clock."""
    emulator.subscribe(target_url=URL)
    emulator.subscribe(**WORDS, headers="X-Shared: ü")
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
    """It is not the same as no list."""
    assert emulator.client.get(emulator.api).content == b'{"success":true,"code":null,"hooks":[]}'


def test_created_is_the_time_of_the_subscription(emulator: Emulator):
    """Read as Berlin's wall clock it is now, whatever this machine's zone is."""
    emulator.subscribe(target_url=URL)

    assert abs(read_moment(emulator.read()[0]["created"]) - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize("unsubscribe", UNSUBSCRIBES)
@pytest.mark.parametrize("how", ["id as it was read", "id as it was told", "words"])
def test_a_hook_can_be_unsubscribed_in_every_style(emulator: Emulator, unsubscribe, how):
    """By its id, string or number, or by its URL, event type and request method; others stay."""
    other = emulator.subscribe(target_url=URL)
    gone = emulator.subscribe(**WORDS)
    words = {"words": ALIKE, "id as it was read": {"id": str(gone)}, "id as it was told": {"id": gone}}[how]
    answer = unsubscribe(emulator, **words)

    assert answer.status_code == 200
    assert answer.content == b'{"success":true,"code":null}'
    assert [hook["id"] for hook in emulator.hooks()] == [other]


def test_unsubscribing_by_words_takes_others_along(emulator: Emulator):
    """It knows no filter: hooks that differ in nothing else go with it, and the method is POST where none is told."""
    for inbound_number in ("491", "492", ""):
        emulator.subscribe(target_url=URL, event_type="sms_mo", event_filter=inbound_number)
    stays = [
        emulator.subscribe(target_url=URL, event_type="sms_mo", request_method="JSON"),
        emulator.subscribe(target_url=f"{URL}/", event_type="sms_mo"),
        emulator.subscribe(target_url=URL, event_type="dlr"),
    ]
    emulator.client.post(emulator.api, data={"action": "unsubscribe", "target_url": URL, "event_type": "sms_mo"})

    assert [hook["id"] for hook in emulator.hooks()] == stays


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"id": "9"}, id="no such id"),
        pytest.param({"id": "x"}, id="no id at all"),
        pytest.param({"target_url": URL, "event_type": "dlr"}, id="no such hook"),
        pytest.param({"webhookId": "1"}, id="as one client asks"),
        pytest.param({}, id="nothing"),
    ],
)
def test_nothing_is_removed_that_was_not_named(emulator: Emulator, words):
    """The gateway's answer is not known; here it is a failure, which is harder for a client."""
    emulator.subscribe(target_url=URL)
    answer = emulator.client.request("DELETE", emulator.api, json=words)

    assert answer.status_code == 200
    assert answer.json() == {"success": False, "code": None, "error_message": "Webhook not found"}
    assert len(emulator.hooks()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
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
        pytest.param({"target_url": URL, "event_type": "dlr", "request_method": "PUT"}, "Invalid request_method", id="PUT"),
        pytest.param({"action": "list"}, "Invalid action", id="no action of the vendor's"),
    ],
)  # fmt: skip
def test_what_cannot_be_subscribed_fails_with_200(emulator: Emulator, words, message):
    """The body says what the status does not, and there is no id in it."""
    answer = emulator.client.post(emulator.api, data={"action": "subscribe", **words})

    assert answer.status_code == 200
    assert answer.json() == {"success": False, "code": None, "error_message": message}
    assert emulator.hooks() == []


@pytest.mark.parametrize(
    ("words", "registered"),
    [
        pytest.param({"request_method": "json"}, {"request_method": "JSON"}, id="method in lower case"),
        pytest.param({"request_method": ""}, {"request_method": "POST"}, id="empty method"),
        pytest.param({"request_method": None}, {"request_method": "POST"}, id="no method"),
        pytest.param({"event_filter": ""}, {"event_filter": None}, id="empty filter"),
        pytest.param({"event_filter": None}, {"event_filter": None}, id="null filter"),
        pytest.param({"event_filter": 4915126716517}, {"event_filter": "4915126716517"}, id="filter as a number"),
        pytest.param({"event_type": "sms.mo"}, {"event_type": "sms.mo"}, id="an event type with a dot"),
        pytest.param({"event_type": "rcs_mo"}, {"event_type": "rcs_mo"}, id="an event type of some page"),
        pytest.param({"headers": "A: 1\nB: 2"}, {"headers": "A: 1\nB: 2"}, id="two headers"),
        pytest.param({"enabled": False, "id": 77, "sentWith": "x"}, {"enabled": True, "id": 1}, id="words of no use"),
        pytest.param({"target_url": f"{URL}?t=1&s=a%2Fb"}, {"target_url": f"{URL}?t=1&s=a%2Fb"}, id="a query"),
        pytest.param({"target_url": "http://127.0.0.1:8000/hooks/t"}, {"event_type": "all"}, id="a port"),
    ],
)
def test_clients_may_be_careless(emulator: Emulator, words, registered):
    """What the vendor's own clients send is taken as it is meant."""
    answer = emulator.client.post(emulator.api, json={"target_url": URL, "event_type": "all", **words})

    assert answer.json() == {"success": True, "code": None, "id": 1}
    assert registered.items() <= emulator.hooks()[0].items()


def test_the_same_hook_can_be_subscribed_twice(emulator: Emulator):
    """Clients do not rely on a rejection; no id is given out twice, not even one that is free again."""
    assert [emulator.subscribe(**WORDS) for _ in range(2)] == [1, 2]
    emulator.unsubscribe(2)

    assert emulator.subscribe(**WORDS) == 3


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
def test_any_bytes_can_be_asked(emulator: Emulator, content_type, body):
    """What cannot be read subscribes nothing."""
    answer = emulator.client.post(emulator.api, content=body, headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["error_message"]) == (200, "Invalid URL")


def test_a_trailing_slash_is_no_other_address(emulator: Emulator):
    """Nobody is redirected."""
    assert emulator.client.get(f"{emulator.api}/").json()["success"] is True
    assert emulator.client.put(emulator.api).status_code == 405


def test_json_under_another_name_is_read(emulator: Emulator):
    """As curl sends it when nobody tells it otherwise."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = emulator.client.post(emulator.api, content=json.dumps(WORDS), headers=headers)

    assert answer.json()["id"] == 1
