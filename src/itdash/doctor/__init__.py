"""What could be in the way of runs, looked at one thing after the other, each with its mend."""
