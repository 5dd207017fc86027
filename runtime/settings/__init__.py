"""Settings: each is declared once, in a group of this package; the class of a process is made of groups.

A declaration is a field: its name in lower case, type, default, bounds, and a description. `registry.py` lists all of
them; `.env.example`, the table in docs/settings.md and the checks of the compose file follow from it (`make settings`).
"""
