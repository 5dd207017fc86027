"""Operations: what an operator runs, as values without output: audit, replay, rebuild, erasure, retention, trace."""
