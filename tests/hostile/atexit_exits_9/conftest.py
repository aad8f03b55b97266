"""The interpreter ends with another code than the session said."""

import atexit
import os

atexit.register(os._exit, 9)
