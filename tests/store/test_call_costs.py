"""Call costs: what the view `call_costs` makes of a call's reports, in both databases."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from emulator.journal.rows import journal_rows
from emulator.scenarios import scenario
from store.archive import Scope
from store.delivery_rows import Projection
from tests.factories.archive import NOON, delivered, delivered_scenario, keep, put, rebuilt, rows

CALL = {"id": "284195", "callerId": "4930111", "recipient": "491701", "pricePerMinute": 0.12}
PRESSED = {"status": "in-progress", "duration": 4, "dtmf_digit": 5, "total_price": 0.12}
ENDED = {"status": "completed", "duration": "377"}


def reports() -> list[Projection]:
    """A key press with the price so far, and the end of the call, without a total as in the vendor's own sample."""
    return [delivered(1, "voice_dtmf", CALL | PRESSED), delivered(2, "voice_status", CALL | ENDED)]


def costs(engine: Engine) -> dict[str, tuple[Decimal, str]]:
    """What each outbound call cost, and how that is known."""
    schema = "seven." if engine.dialect.name == "postgresql" else ""
    with engine.connect() as connection:
        statement = f"SELECT call_id, cost_eur, cost_basis FROM {schema}call_costs WHERE direction = 'outbound'"
        return {call: (Decimal(str(cost or 0)), basis) for call, cost, basis in connection.execute(text(statement))}


@pytest.mark.parametrize("order", [1, -1], ids=["the key first", "the key last"])
def test_the_price_of_a_key_press_is_not_the_calls(engine: Engine, order: int):
    """It is what the call has cost so far: seven started minutes are computed, whatever the order of arrival."""
    for report in reports()[::order]:
        keep(engine, [report])

    assert costs(engine) == {"284195": (Decimal("0.84"), "computed")}


def test_the_price_at_the_end_is_the_calls(engine: Engine):
    """A total that comes with a final status counts, also where it is not what would be computed."""
    keep(engine, [*reports(), delivered(3, "voice_status", CALL | ENDED | {"total_price": 0.8})])

    assert costs(engine) == {"284195": (Decimal("0.8"), "reported")}


def test_a_rebuild_takes_the_price_of_a_key_press_back(engine: Engine):
    """Rows of before kept it as the total, which no join lowers."""
    keep(engine, reports())
    right, key = rows(engine), ("calls", ("outbound", "284195"))
    put(engine, replace(right[key], total_price=Decimal("0.12")))
    assert costs(engine) == {"284195": (Decimal("0.12"), "reported")}

    rebuilt(engine, Scope(event_type="voice_dtmf"))
    assert rows(engine) == right
    assert costs(engine) == {"284195": (Decimal("0.84"), "computed")}


def test_calls_cost_what_the_journal_has(engine: Engine):
    """Each call of a scenario, with key presses and with totals or without, costs what the gateway's journal says."""
    journal = journal_rows(scenario(4, now=NOON, messages=150))["voice"]
    keep(engine, delivered_scenario(seed=4, messages=150))

    known = costs(engine)
    assert {call: cost for call, (cost, _) in known.items()} == {row["id"]: Decimal(row["price"]) for row in journal}
    assert {"reported", "computed"} <= {basis for _, basis in known.values()}
    assert any(row.table == "call_digits" for row in rows(engine).values())
