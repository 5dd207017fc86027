"""Output of commands, as text and as JSON: a file for each command that prints much."""
