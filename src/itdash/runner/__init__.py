"""Starts pytest, watches over every process that comes of it, and ends what is left."""
