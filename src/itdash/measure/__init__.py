"""Figures from raw moments and durations: percentiles, overlap, and budgets on them."""
