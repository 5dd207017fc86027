"""What an operator asks and does, as values without output: audit, replay, rebuild, erasure, retention, trace."""
