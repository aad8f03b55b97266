"""Workers as processes: a supervisor that forks and replaces them, and a handle to hold it by."""
