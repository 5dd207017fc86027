"""Options that many commands have, each with the same meaning."""

from typing import Annotated

import typer

MOST_ROWS = 1_000_000_000
"""More than any table has; a database takes no number beyond 64 bits."""
MOST_PER_S = 1_000_000.0
"""More than any database writes in a second."""

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
