"""What happened, as typed records, and how they are kept on disk."""
