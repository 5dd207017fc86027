"""The gateway's journals: what the emulator has played, delivered or not."""
