"""`up`: everything on one machine, in the order in which it starts, supervised."""
