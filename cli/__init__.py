"""The operator's door: runs everything on one machine, sends a sample, tells the story of a record, migrates."""
