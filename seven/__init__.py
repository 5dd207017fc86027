"""The gateway's protocol and our records of it: pure values, no sockets, no environment, no clock."""
