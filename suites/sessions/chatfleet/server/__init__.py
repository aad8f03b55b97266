"""The stand-in for the messenger: a real server in a process of its own that fails on command."""
