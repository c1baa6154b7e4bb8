"""Who to say it to: the source, the warehouse, the pipe between them, and the ledger."""
