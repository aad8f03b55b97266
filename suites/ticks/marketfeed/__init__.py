"""Market events from Redis to the browsers of those who want to know."""
