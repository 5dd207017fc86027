"""`up`: starts, supervises and ends all processes on one machine."""
