"""Reactions: notify other systems of what changed, each change of a standing once, whatever dies."""
