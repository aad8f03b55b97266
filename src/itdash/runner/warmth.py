"""Whether runs that follow others may be forked from a warm process, and why not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itdash.config import Config


def warmth(config: Config) -> tuple[bool, str]:
    """Whether the second run of a session may start warm, and the reason in a few words."""
    if not config.warm:
        return False, "switched off (warm = false)"
    return possible(sys.platform, hasattr(os, "fork") and hasattr(os, "posix_spawn"))


def possible(platform: str, forks: bool) -> tuple[bool, str]:
    """What the system allows."""
    if not forks:
        return False, "this system cannot fork a process"
    if platform == "darwin":
        return False, "on macOS a process that has used system libraries cannot be forked safely"
    if platform != "linux":
        return False, "only known to be safe on Linux"
    return True, "runs after the first are forked from a process that has imported what they need"
