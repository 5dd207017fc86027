"""Client side of seven.io: its API, and the reconciliation of the hooks there with the desired ones."""
