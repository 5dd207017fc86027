"""Ingest, process 1: receives deliveries over HTTP and answers when they are in the ledger."""
