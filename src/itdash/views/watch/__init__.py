"""Watch mode on a terminal or in a log: a compact block for each round, and keys on a terminal."""
