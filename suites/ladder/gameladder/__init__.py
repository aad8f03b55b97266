"""A game ladder: a leaderboard in a cache, slow work in a guarded pool, replays in a queue on disk."""
