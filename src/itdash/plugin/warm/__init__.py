"""A process that imports what earlier runs imported, and forks for each run."""
