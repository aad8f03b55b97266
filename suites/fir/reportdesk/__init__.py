"""Reports on cases: written by a model server, kept in a database, served from a cache."""
