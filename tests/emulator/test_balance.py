"""The balance: text or JSON, less with each message and call that is played."""

from decimal import Decimal

import pytest

from tests.emulator.emulator_process import Emulator
from tests.emulator.journals import play, read_all

JSON = {"Accept": "application/json"}


def balance(emulator: Emulator) -> dict:
    answer: dict = emulator.client.get(f"{emulator.url}/api/balance", headers=JSON).json()
    return answer


def test_the_balance_is_text_unless_json_is_accepted(emulator: Emulator):
    """In either notation of the vendor's."""
    answer = emulator.client.get(f"{emulator.url}/api/balance")

    assert (answer.status_code, answer.text) == (200, "54.218")
    assert answer.headers["content-type"].startswith("text/plain")
    assert balance(emulator) == {"amount": 54.218, "currency": "EUR"}


def test_playing_costs_what_the_journal_says(emulator: Emulator):
    """Each message and call once, however often it is played."""
    for _ in range(2):
        play(emulator)
        spent = sum(Decimal(row["price"]) for name in ("outbound", "voice") for row in read_all(emulator, name))
        assert spent > 1
        assert balance(emulator)["amount"] == float(Decimal("54.218") - spent)
        assert emulator.client.get(f"{emulator.url}/api/balance").text == f"{Decimal('54.218') - spent:.3f}"


def test_the_balance_can_be_set(emulator: Emulator):
    """To what a test needs; it may fall below zero."""
    answer = emulator.client.put(f"{emulator.url}/balance", json={"amount": 0.5}, headers={"X-Api-Key": ""})
    assert answer.json() == balance(emulator) == {"amount": 0.5, "currency": "EUR"}

    play(emulator)
    assert balance(emulator)["amount"] < 0
    assert emulator.client.get(f"{emulator.url}/balance").json() == balance(emulator)


@pytest.mark.parametrize("fields", [{}, {"amount": "much"}, {"amount": "NaN"}, {"amount": 1, "currency": "USD"}, []])
def test_a_wrong_amount_is_refused(emulator: Emulator, fields):
    """422, and the balance stays."""
    assert emulator.client.put(f"{emulator.url}/balance", json=fields).status_code == 422
    assert balance(emulator)["amount"] == 54.218
