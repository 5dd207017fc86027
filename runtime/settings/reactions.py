"""Settings of reactions: who is notified of what changed."""

from pathlib import Path

from pydantic import Field

from runtime.settings.environment import Environment


class ReactionSettings(Environment):
    """Where the dispatching process reads who subscribes."""

    seven_reactions_file: Path | None = Field(
        None,
        description="A TOML file that says who is notified of which changes, and how (docs/react.md). Where it is set, "
        "`make up` also starts the process that notifies them. With Docker compose SEVEN_REACTIONS_DIRECTORY names its "
        "place.",
    )
