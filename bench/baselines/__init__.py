"""Baselines: small programs that do the same in the most obvious way, and the parts alone."""
