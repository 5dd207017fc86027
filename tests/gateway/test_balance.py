"""The balance is read in each form in which the gateway writes it, and an error is never taken for one."""

from decimal import Decimal

import pytest

from gateway.api import Api, GatewayAway, GatewayFailure, GatewayRefused, GatewayUnexpected
from gateway.balance import Balance, read_balance
from tests.emulator.emulator_process import KEY as EMULATOR_KEY
from tests.emulator.emulator_process import Emulator
from tests.gateway.stub_gateway import StubGateway
from tests.servers import PATIENCE_S

KEY = "a-secret-api-key"


def read(stub: StubGateway, body: object, status: int = 200) -> Balance:
    stub.prepare(body, status=status)
    with Api(stub.url, KEY, timeout_s=PATIENCE_S) as api:
        return read_balance(api)


@pytest.mark.parametrize(
    ("body", "amount", "currency"),
    [
        pytest.param({"amount": 54.218, "currency": "EUR"}, "54.218", "EUR", id="an object"),
        pytest.param({"amount": "54.218", "currency": "EUR"}, "54.218", "EUR", id="the amount is a text"),
        pytest.param({"amount": 900, "currency": "EUR"}, "900", "EUR", id="the amount looks like an error code"),
        pytest.param({"amount": -3.5, "currency": "eur "}, "-3.5", "EUR", id="below zero"),
        pytest.param({"amount": 0, "currency": "USD"}, "0", "USD", id="another currency"),
        pytest.param({"amount": 1e-7, "currency": "EUR"}, "0.0000001", "EUR", id="with an exponent"),
        pytest.param({"amount": 12, "success": True}, "12", "EUR", id="no currency"),
        pytest.param(b"54.218", "54.218", "EUR", id="a number alone"),
        pytest.param(b"54.218\n", "54.218", "EUR", id="a line"),
        pytest.param(b'"54.218"', "54.218", "EUR", id="a text alone"),
        pytest.param(b"900.00", "900", "EUR", id="a decimal that looks like an error code"),
        pytest.param(b'"900.00"', "900", "EUR", id="the same as a text"),
        pytest.param(b"-900", "-900", "EUR", id="a whole number below zero"),
        pytest.param(b"54", "54", "EUR", id="a whole number too short for an error code"),
        pytest.param(b"0", "0", "EUR", id="nothing left"),
        pytest.param(b"12345", "12345", "EUR", id="a whole number too long for an error code"),
    ],
)
def test_a_balance_is_read(stub: StubGateway, body: object, amount: str, currency: str):
    """Exactly as the gateway wrote it; a number alone is in euros."""
    balance = read(stub, body)
    assert balance == Balance(Decimal(amount), currency)
    assert balance.is_in_euros == (currency == "EUR")
    (request,) = stub.requests
    assert (request.method, request.path, request.headers["accept"]) == ("GET", "/api/balance", "application/json")


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        pytest.param(b"900", 200, GatewayRefused, "900: the API key is wrong", id="an error code"),
        pytest.param(b'"903"', 200, GatewayRefused, "903: this address", id="an error code as a text"),
        pytest.param(b"100", 200, GatewayRefused, "unknown error code", id="three digits, which may be a code"),
        pytest.param({"success": False, "code": 902}, 200, GatewayRefused, "902", id="an error code in an object"),
        pytest.param({"success": False, "error": "no such account"}, 200, GatewayRefused, "no such account", id="of a subaccount"),
        pytest.param({"amount": 1, "success": "false"}, 200, GatewayRefused, "without a reason", id="no success"),
        pytest.param({}, 401, GatewayRefused, "key is wrong", id="401"),
        pytest.param(b"54.218", 403, GatewayRefused, "may not do this", id="403"),
        pytest.param(b"54.218", 404, GatewayUnexpected, "HTTP 404", id="404"),
        pytest.param(b"54.218", 503, GatewayAway, "HTTP 503", id="503"),
        pytest.param({"currency": "EUR"}, 200, GatewayUnexpected, "no balance", id="no amount"),
        pytest.param({"amount": None, "currency": "EUR"}, 200, GatewayUnexpected, "no balance", id="null"),
        pytest.param({"amount": True, "currency": "EUR"}, 200, GatewayUnexpected, "no balance", id="true for an amount"),
        pytest.param({"amount": "54,218", "currency": "EUR"}, 200, GatewayUnexpected, "no balance", id="a comma"),
        pytest.param({"amount": 1, "currency": ""}, 200, GatewayUnexpected, "no balance", id="an empty currency"),
        pytest.param({"amount": 1, "currency": 978}, 200, GatewayUnexpected, "no balance", id="a number for a currency"),
        pytest.param({"amount": 1, "currency": "\x1b[2"}, 200, GatewayUnexpected, "no balance", id="control characters"),
        pytest.param(b'{"amount": NaN}', 200, GatewayUnexpected, "no balance", id="NaN in an object"),
        pytest.param(b"NaN", 200, GatewayUnexpected, "no balance", id="NaN"),
        pytest.param(b"1e999", 200, GatewayUnexpected, "no balance", id="infinity"),
        pytest.param(b"1e300", 200, GatewayUnexpected, "no balance", id="an absurd amount"),
        pytest.param(b"9" * 5000, 200, GatewayUnexpected, "cannot be read", id="endless digits"),
        pytest.param(b"[]", 200, GatewayUnexpected, "no balance", id="a list"),
        pytest.param(b"true", 200, GatewayUnexpected, "cannot be read", id="true"),
        pytest.param(b"null", 200, GatewayUnexpected, "cannot be read", id="null alone"),
        pytest.param(b'"soon"', 200, GatewayUnexpected, "no balance", id="another text"),
        pytest.param(b"<html>", 200, GatewayUnexpected, "cannot be read", id="a page"),
        pytest.param(b"", 200, GatewayUnexpected, "cannot be read", id="nothing"),
    ],
)  # fmt: skip
def test_no_other_answer_is_a_balance(
    stub: StubGateway, body: object, status: int, kind: type[GatewayFailure], text: str
):
    """Each has its own text, which quotes neither key nor answer."""
    with pytest.raises(kind) as failure:
        read(stub, body, status)
    assert text in str(failure.value)
    assert KEY not in str(failure.value)


def test_reading_is_repeated_while_the_gateway_is_away(stub: StubGateway):
    """Reading changes nothing, so one good answer of three suffices."""
    stub.answers = [(502, b""), (429, b""), (200, b"7.5")]
    with Api(stub.url, KEY, timeout_s=PATIENCE_S) as api:
        assert read_balance(api) == Balance(Decimal("7.5"))
    assert len(stub.requests) == 3


def test_other_resources_have_no_bare_answers(stub: StubGateway):
    """A number alone is no list of hooks, whatever its digits: it stays an error there."""
    stub.prepare(b"12345")
    with Api(stub.url, KEY, timeout_s=PATIENCE_S) as api, pytest.raises(GatewayRefused):
        api.get("hooks", {})
    stub.prepare(b"54.218")
    with Api(stub.url, KEY, timeout_s=PATIENCE_S) as api, pytest.raises(GatewayUnexpected):
        api.get("hooks", {})


def test_the_emulators_balance_is_read(emulator: Emulator):
    """And another key is refused there, too."""
    with Api(f"{emulator.url}/api", EMULATOR_KEY) as api:
        assert read_balance(api) == Balance(Decimal("54.218"), "EUR")
    with Api(f"{emulator.url}/api", KEY) as api, pytest.raises(GatewayRefused):
        read_balance(api)
