"""A fleet of messenger accounts that monitor and scrape channels, and the server that they talk to."""
