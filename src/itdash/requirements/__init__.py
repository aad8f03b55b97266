"""What a system must do, read from a file beside its tests: TOML, a markdown table, CSV or ReqIF."""
