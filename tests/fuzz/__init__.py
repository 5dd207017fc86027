"""Fuzz tests: random and broken input for everything that reads external input; `make fuzz` runs them for minutes."""
