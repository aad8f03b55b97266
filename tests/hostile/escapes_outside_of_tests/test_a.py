"""A module that fails to be collected."""

from conftest import HOSTILE

raise ImportError(HOSTILE)
