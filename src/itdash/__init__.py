"""itdash: run pytest integration suites and watch what they measure.

PYTEST_DONT_REWRITE: nothing here is a test, and the recorder is imported before pytest looks for plugins.
"""

from __future__ import annotations

__version__ = "0.1.0"
