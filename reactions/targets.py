"""Targets: how a reaction's subscriber is reached."""

from reactions.function_target import FunctionCaller
from reactions.http_target import HttpTarget
from reactions.reaction import Reaction, UrlTarget
from reactions.target import Target


def create_target(reaction: Reaction) -> Target:
    """The target of a reaction. Raises ValueError where its secret file has become invalid."""
    if isinstance(reaction.target, UrlTarget):
        return HttpTarget(reaction, reaction.target)
    return FunctionCaller(reaction, reaction.target)
