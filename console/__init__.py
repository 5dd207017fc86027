"""The console: read-only pages that show what the database holds, to people. `pages/` has a module for each kind."""
