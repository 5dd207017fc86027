"""simulate: has the running emulator play a scenario, and says what became of it."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy import Engine

from cli.database import open_database
from cli.exits import ExitCode, fail
from cli.installation import Installation
from cli.options import AsJson
from cli.output.scenario import print_remarks, records, scenario_bar
from cli.output.sentences import sentence
from cli.output.terminal import document, line, near, program, table
from cli.scenario import NoEmulator, PlayedScenario, ScenarioPlayer
from emulator.seeds import SEEDS
from emulator.settings import MOST_MESSAGES
from operations.delivery_outcomes import DeliveryOutcomes, delivery_outcomes
from seven.plurals import counted

PATIENCE_S = 60.0  # without progress


def simulate(
    messages: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_MESSAGES,
            help="Messages sent; by default EMULATOR_STORY_MESSAGES, about five deliveries each.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=SEEDS - 1, help="The same number gives the same scenario all day; by default a new one."
        ),
    ] = None,
    drop: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the webhooks that never come, such as 0.3: `backfill` finds them in the journal.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play made-up traffic: messages with their statuses, replies, clicks and calls, some of it twice.

    The emulator that `up` started delivers it to the receiver here; this command waits until all of it is in the
    database. Every number, text and URL is made up, and nothing leaves this machine.
    """
    installation = Installation.from_environment()
    if not installation.emulates:
        fail(
            ExitCode.USAGE,
            "SEVEN_API_KEY is set: the gateway is your seven.io account, and made-up data is not mixed with real data.",
            "Unset it, and set SEVEN_DATA_DIR to another directory, to try things out with the emulator.",
        )
    options = {"messages": messages, "seed": seed, "drop": drop}
    request = {name: value for name, value in options.items() if value is not None}
    with open_database() as engine:
        played = _play(installation, engine, request)
        with engine.connect().execution_options(reads=True) as connection:
            outcomes = delivery_outcomes(connection, played.ids)
    if as_json:
        document(_as_dict(played, outcomes))
    else:
        _print(played, outcomes, request)
    if failure := played.failure:
        log = near(installation.logs / f"{failure.program}.log")
        fail(
            ExitCode.UNKNOWN if failure.stalled else ExitCode.WRONG,
            f"{failure.reason[0].upper()}{failure.reason[1:]}; see {log}.",
        )


def _play(installation: Installation, engine: Engine, request: dict[str, float]) -> PlayedScenario:
    player = ScenarioPlayer(engine, installation.emulator_url)
    try:
        with scenario_bar("scenario", Console(stderr=True)) as show:
            return asyncio.run(player.play(request, PATIENCE_S, show))
    except NoEmulator as error:
        fail(
            ExitCode.UNKNOWN,
            f"There is no emulator at {installation.emulator_url}: {error}.",
            f"Start everything with `{program()} up`; EMULATOR_PORT says where its emulator listens.",
        )
    except KeyboardInterrupt:
        fail(ExitCode.UNKNOWN, "Interrupted. The emulator goes on delivering.")


def _as_dict(played: PlayedScenario, outcomes: DeliveryOutcomes) -> dict[str, Any]:
    report = played.progress.report
    return {
        "scenario": report.get("scenario"),
        "seed": report.get("seed"),
        "events": report.get("events", {}),
        "deliveries": report.get("deliveries"),
        "dropped": report.get("dropped", 0),
        **asdict(outcomes),
        "failure": played.failure and played.failure.reason,
    }


def _print(played: PlayedScenario, outcomes: DeliveryOutcomes, request: dict[str, float]) -> None:
    report = played.progress.report
    if not report:
        return
    events = ", ".join(f"{number} {event_type}" for event_type, number in sorted(report["events"].items()))
    sentence(f"Played {counted(sum(report['events'].values()), 'event')}: {events or 'none'}.")
    sentence(f"{outcomes.deliveries} of {report['deliveries']} deliveries are in the database:")
    table("", ("", "", ""), records(outcomes))
    print_remarks(outcomes)
    if dropped := report["dropped"]:
        sentence(f"{counted(dropped, 'webhook')} never came, as you asked.")
    line()
    line(f"To look at them:  {program()} trace")
    if dropped:
        line(f"What never came:  {program()} backfill --dry-run")
    again = " ".join(f"--{name} {value}" for name, value in {**request, "seed": report["seed"]}.items())
    line(f"The same again:   {program()} simulate {again}")
