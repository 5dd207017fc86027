"""Process 2: ledger to SQL, and the clock. Consumes batches, keeps records, announces again what waits too long."""
