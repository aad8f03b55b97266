"""The state of a run, made from events alone."""
