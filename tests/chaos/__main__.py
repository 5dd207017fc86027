"""`python -m tests.chaos`: a run on each database in turn. Exit code 0 when nothing was lost or doubled."""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from tests.chaos import report
from tests.chaos.options import Options
from tests.chaos.result import Result
from tests.chaos.runner import Runner
from tests.chaos.sabotage import STEPS

DATABASES = ("sqlite", "postgresql")
EVERY_S = 15.0


class Progress:
    """The progress line of a run: updated in place on a terminal, otherwise printed every 15 s."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console, self._status, self._printed_at = console, status, 0.0

    def show(self, line: str) -> None:
        if self._console.is_terminal:
            self._status.update(line)
        elif time.monotonic() - self._printed_at > EVERY_S:
            self._printed_at = time.monotonic()
            self._console.print(line, markup=False)


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all started processes end
    console = Console(highlight=False, soft_wrap=True)
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    results = [
        _run(console, arguments, seed, database)
        for database in (DATABASES if arguments.database is None else [arguments.database])
    ]
    if arguments.json:
        arguments.json.write_text(json.dumps([result.as_dict() for result in results], indent=1, default=str) + "\n")
    if arguments.markdown:
        print(report.markdown(results), end="")
    return int(any(result.findings for result in results))


def _run(console: Console, arguments: Any, seed: int, database: str) -> Result:
    options = Options(
        database=database,
        seed=seed,
        minutes=arguments.minutes,
        deliveries=arguments.deliveries,
        faults=arguments.faults,
        rate=arguments.rate,
        sabotage=arguments.sabotage,
        drop=0.0 if arguments.sabotage else arguments.drop,
    )
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    console.print(
        f"{database}, seed {seed}: {options.planned} faults in {options.minutes:g} min, "
        f"{options.per_second:.0f} deliveries/s; logs in {directory}"
    )
    with Status("starting", console=console) if console.is_terminal else Status("") as status:
        result = Runner(options, directory, Progress(console, status).show).run()
    report.show(console, result)
    if result.findings or arguments.keep:
        console.print(f"The logs are kept: {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="the same seed plans the same faults; random by default")
    parser.add_argument("--minutes", type=float, default=3.0, help="minutes of faults (default 3)")
    parser.add_argument("--deliveries", type=int, default=0, help="minimum of accepted deliveries")
    parser.add_argument("--faults", type=int, default=0, help="minimum number of faults (default 8 a minute)")
    parser.add_argument("--rate", type=float, help="new deliveries a second (default: as many as --deliveries needs)")
    parser.add_argument(
        "--drop", type=float, default=0.05, help="share of webhooks never sent, for a backfill (default 0.05)"
    )
    parser.add_argument("--database", choices=DATABASES, help="by default both in turn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the complete results")
    parser.add_argument("--markdown", action="store_true", help="print the results as Markdown tables")
    parser.add_argument("--keep", action="store_true", help="keep logs and databases of a good run as well")
    parser.add_argument(
        "--sabotage", choices=sorted(STEPS), help="break one step of the product, to prove that the checks detect it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
