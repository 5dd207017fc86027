"""What every process needs: settings, logs, a status server, a bounded shutdown, metrics of several processes."""
