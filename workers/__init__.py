"""Process 2, ledger to SQL, and the clock: consumes batches, writes records, announces overdue batches again."""
