"""Rivals: small honest programs that do the same in the ways that come to mind first, and the parts alone."""
