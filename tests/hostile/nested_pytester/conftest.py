"""pytest inside pytest, in the same process."""

pytest_plugins = "pytester"
