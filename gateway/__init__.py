"""Everything that asks seven.io: its API, and the hooks there as they are, as they should be, and how to get there."""
