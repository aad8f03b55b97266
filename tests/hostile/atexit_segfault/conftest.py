"""The interpreter reads address zero while it ends."""

import atexit
import ctypes

atexit.register(ctypes.string_at, 0)
