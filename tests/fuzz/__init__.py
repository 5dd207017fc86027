"""Fuzz: random and broken input for everything that reads what comes from outside; `make fuzz` goes on for minutes."""
