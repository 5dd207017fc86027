"""What commands print, for people and as JSON; one file for each command that prints much."""
