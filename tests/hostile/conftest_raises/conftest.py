"""A conftest that raises."""

raise RuntimeError("conftest is broken")
