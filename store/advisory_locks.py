"""Advisory locks: their keys in PostgreSQL, arbitrary numbers that no version may change.

During an upgrade processes of two versions run beside each other, and must exclude each other. `histories.py` computes
its keys from what they protect.
"""

MIGRATION = 0x5E7E22
"""One process migrates, or provides the reader's role; the others wait and find it done."""
MIGRATION_BEFORE = 0x5E7E21
"""The same of earlier versions, which hold it throughout."""
FENCE = 0x5E7E22
"""The first half of a key whose second half is a generation of the fence: not MIGRATION's, since to PostgreSQL keys of
two integers never equal keys of one."""
INBOUND_IDS = 0x5E7E2217
"""Writers of inbound messages: those of SMS alone share it."""
OPT_OUTS = 0x5E7E2219
"""One transaction at a time writes opt-outs and notes how they moved."""
NOTING = 0x5E7E23
"""The first half of a key whose second half is the hash of a table's name: one at a time notes its changes."""
FAN_OUT = 0x5E7E221A
"""One process at a time hands out what changed."""
