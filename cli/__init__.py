"""Command line: run everything on one machine, send a sample, trace a record, audit, repair, migrate."""
