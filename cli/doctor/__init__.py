"""What `doctor` looks at, one file for each concern: each check is a function of what was read."""
