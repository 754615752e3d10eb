"""The ledger: what has been seen, kept on a disk. The keeper alone writes it; pages, commands and analysts read it."""
