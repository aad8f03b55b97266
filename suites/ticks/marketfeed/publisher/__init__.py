"""The other side: what watches the market, and publishes what it sees."""
