"""The commands of `seven-ingest`, one file each."""
