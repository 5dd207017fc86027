"""Process 1: HTTP to ledger. Receives deliveries and answers when they are safe."""
