"""`make fuzz`: repeats these tests with new seeds, until the time is up or a test fails.

A failure is shown with its smallest input. Make that a sample: an `@example`, or a case in `tests/deliveries/`.
"""

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run the rounds. Returns pytest's exit code."""
    parser = argparse.ArgumentParser(
        prog="make fuzz", description="Random and broken input for everything that reads external input."
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, help="seed of the first round; a failed round prints its own")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    seed = random.randrange(10**9) if options.seed is None else options.seed
    rounds = 0
    while time.monotonic() < until:
        finished = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/fuzz", "-x", "-q", "--no-header", "--hypothesis-profile=fuzz",
             f"--hypothesis-seed={seed}", "--numprocesses=2"],
            cwd=ROOT, check=False, timeout=max(60.0, until - time.monotonic() + 600),
        )  # fmt: skip
        if finished.returncode:
            print(f'failed; again: make fuzz ARGS="--seed {seed}"', flush=True)
            return finished.returncode
        rounds += 1
        print(f"round {rounds}, seed {seed}; {max(0.0, until - time.monotonic()) / 60:.1f} minutes left", flush=True)
        seed = random.randrange(10**9)
    return 0


if __name__ == "__main__":
    sys.exit(main())
