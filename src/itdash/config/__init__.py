"""`[tool.itdash]`, profiles, environment and flags made into one frozen `Config` that knows its origins."""

from itdash.config.model import Config, Key, Loaded, SuiteConfig, WatchConfig, keys
from itdash.config.sources import load

__all__ = ["Config", "Key", "Loaded", "SuiteConfig", "WatchConfig", "keys", "load"]
