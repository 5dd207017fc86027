"""The language of the gateway and of what we keep of it: pure values, no socket, no environment, no clock."""
