"""A module waits for ever while it is imported."""

import time

while True:
    time.sleep(0.05)
