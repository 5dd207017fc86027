"""The client of the journal misses no row, whatever shifts, and takes no other answer for an empty list."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway import journal_client
from gateway.api import Api, GatewayAway, GatewayFailure, GatewayRefused, GatewayUnexpected
from gateway.journal_client import JournalClient, NotListed
from seven.journal import JOURNALED
from tests.gateway.journal_stub import JournalStub, journal_stub, outbound
from tests.servers import PATIENCE_S

SINCE, UNTIL = datetime(2026, 3, 1, 23, 30, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)
KEY = "a-secret-api-key"


@pytest.fixture(scope="module")
def server() -> Iterator[JournalStub]:
    with journal_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def api(server: JournalStub) -> Iterator[Api]:
    with Api(server.url, KEY, timeout_s=PATIENCE_S) as api:
        yield api


@pytest.fixture
def stub(server: JournalStub) -> JournalStub:
    server.reset()
    return server


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(stub: JournalStub, api: Api, pauses: list[float]) -> JournalClient:
    return JournalClient(api, rate=1000, sleep=pauses.append)


def ids(client: JournalClient, event_type: str = "dlr") -> list[str]:
    return [row.id for page in client.pages(event_type, SINCE, UNTIL) for row in page.rows]


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [outbound(number) for number in sorted(numbers, reverse=True)]


def test_a_request_asks_for_a_day_more_on_either_side(stub: JournalStub, client: JournalClient):
    """In Berlin's days: the range begins there on the second of March already."""
    assert ids(client) == []
    (request,) = stub.requests
    assert (request["date_from"], request["date_to"]) == ("2026-03-01", "2026-03-04")
    assert (request["limit"], request["offset"]) == ("100", "0")


def test_one_bad_row_spoils_nothing(stub: JournalStub, client: JournalClient):
    """It is counted by reason, and the others are read."""
    stub.lists["outbound"] = numbered(*range(1, 150))
    stub.answer = lambda _request, page: [*page, None, {**outbound(7), "id": "undefined"}] if page else page
    pages = list(client.pages("dlr", SINCE, UNTIL))
    assert {row.id for page in pages for row in page.rows} == {str(number) for number in range(1, 150)}
    assert {reason for page in pages for reason in page.invalid} == {"a row is no object", "a row's id is no number"}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        pytest.param((200, b'"900"'), GatewayRefused, "key is wrong", id="900 in quotes"),
        pytest.param((200, b"900"), GatewayRefused, "key is wrong", id="900"),
        pytest.param((200, b"600"), GatewayRefused, "the gateway failed", id="600"),
        pytest.param((200, b'"902"'), GatewayRefused, "may not do this", id="902"),
        pytest.param((401, b"{}"), GatewayRefused, "key is wrong", id="401"),
        pytest.param((200, b'{"success": false, "error": "no"}'), GatewayRefused, "no", id="an error"),
        pytest.param((200, b"{}"), GatewayUnexpected, "no list", id="an object"),
        pytest.param((200, b'[{"id": "7", "dlr"'), GatewayUnexpected, "cannot be read", id="half an answer"),
        pytest.param((200, b"<html>"), GatewayUnexpected, "cannot be read", id="a page"),
        pytest.param((200, b""), GatewayUnexpected, "cannot be read", id="nothing"),
        pytest.param((200, b"null"), GatewayUnexpected, "cannot be read", id="null"),
        pytest.param((200, b'["7", "8"]'), GatewayUnexpected, "list of something else", id="a list of others"),
        pytest.param((302, b"[]"), GatewayUnexpected, "HTTP 302", id="a redirect"),
        pytest.param((404, b"[]"), GatewayUnexpected, "HTTP 404", id="404"),
        pytest.param((503, b"[]"), GatewayAway, "HTTP 503", id="503"),
    ],
)
def test_no_other_answer_counts_as_an_empty_list(
    stub: JournalStub, client: JournalClient, answer: Any, kind: type[GatewayFailure], text: str
):
    stub.answer = lambda _request, _page: answer
    with pytest.raises(kind, match=text) as failure:
        ids(client)
    assert KEY not in str(failure.value)


@pytest.mark.parametrize("busy", [(429, b""), (503, b""), (200, b"403"), (200, b'"403"')])
def test_a_busy_gateway_is_asked_again(stub: JournalStub, client: JournalClient, pauses: list[float], busy: Any):
    """After pauses that grow; what was read before is not read anew."""
    stub.lists["outbound"] = numbered(*range(1, 150))
    answers = iter([False, True, True, False, False, False])
    stub.answer = lambda _request, page: busy if next(answers) else page
    assert len(ids(client)) == 149
    assert [pause for pause in pauses if pause >= 1] == [*journal_client.PAUSES_S[:2]]
    assert [request["offset"] for request in stub.requests] == ["0", "90", "90", "90", "139"]


def test_requests_keep_the_rate(stub: JournalStub, api: Api):
    """By the clock of the client, the first at once."""
    stub.lists["outbound"] = numbered(*range(1, 500))
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    client = JournalClient(api, rate=5, clock=lambda: now[0], sleep=sleep)
    ids(client)
    assert client.requests == len(stub.requests) == 7
    assert now[0] == pytest.approx(100.0 + 6 * 0.2)


def test_a_row_is_read_by_its_id(stub: JournalStub, client: JournalClient):
    """A gateway that ignores the parameter answers with others, which are not taken for it."""
    stub.lists["outbound"] = numbered(7, 77)
    row = client.row("dlr", "7")
    assert row is not None
    assert row.id == "7"
    assert client.row("dlr", "8") is None
    stub.answer = lambda _request, _page: numbered(77)
    assert client.row("dlr", "7") is None


@pytest.mark.parametrize(
    "answer", [(404, b"not found"), (200, b'{"success": false}'), (200, b"{}"), (200, b'"400"'), (200, b"400")]
)
def test_a_list_that_is_gone_is_no_fault_of_others(stub: JournalStub, client: JournalClient, answer: Any):
    """Incoming calls are in the older API only."""
    stub.answer = lambda _request, _page: answer
    with pytest.raises(NotListed):
        ids(client, "voice_call")
    for event_type in set(JOURNALED) - {"voice_call"}:
        with pytest.raises(GatewayFailure) as failure:
            ids(client, event_type)
        assert not isinstance(failure.value, NotListed)


def test_a_single_row_of_a_list_that_is_gone_is_none(stub: JournalStub, client: JournalClient):
    """So what was missed while it was listed does not end a reading."""
    stub.answer = lambda _request, _page: (200, b"400")
    assert client.row("voice_call", "7") is None


@pytest.mark.parametrize("code", ["403", "500", "600", "700", "900", "901", "902", "903"])
def test_a_fault_of_the_account_is_no_missing_list(stub: JournalStub, client: JournalClient, code: str):
    """Nor is one of the moment."""
    stub.answer = lambda _request, _page: (200, code.encode())
    with pytest.raises(GatewayRefused, match=code):
        ids(client, "voice_call")


@pytest.mark.parametrize("answer", [(200, b'"902"'), (403, b"")])
def test_a_right_to_other_lists_shows_that_one_is_gone(stub: JournalStub, client: JournalClient, answer: Any):
    """It is the one list that the key may not read."""
    stub.answer = lambda request, page: answer if request["list"] == "voice_call" else page
    with pytest.raises(NotListed):
        ids(client, "voice_call")


def test_what_was_sent_is_handed_on_as_it_is_listed(stub: JournalStub, api: Api):
    """Each row of the outbound list once, and one that is read by its id; of other lists none."""
    listed: list[Any] = []
    client = JournalClient(api, rate=1000, sleep=lambda _: None, sent=listed.extend)
    stub.lists["outbound"] = numbered(*range(150))
    stub.lists["inbound"] = [{"id": "1", "from": "4917612345678", "timestamp": "2026-03-02 12:00:00"}]
    assert len(ids(client)) == 150
    assert ids(client, "sms_mo") == ["1"]
    assert listed == stub.lists["outbound"]
    assert client.row("dlr", "7") is not None
    assert listed[-1] == outbound(7)
