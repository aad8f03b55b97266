"""A module that reads address zero while it is imported."""

import ctypes

ctypes.string_at(0)
