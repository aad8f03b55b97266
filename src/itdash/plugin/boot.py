"""The main module of the pytest process: imports pytest at once, then waits to be told what to run.

Given a socket in place of a lifeline, it is the warm process first, and waits in each process forked from it.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys


def main() -> None:
    """Read the name of an order from standard input, then be what the `pytest` command would be."""
    folder = os.path.dirname(sys.executable)
    if not sys.flags.safe_path:
        sys.path[0] = folder
    channel = int(sys.argv[1])
    os.set_inheritable(channel, False)
    import gc

    gc.disable()  # a third of a start-up's collections find nothing
    import json

    import msgspec
    import pytest

    from itdash.orders import Order
    from itdash.plugin import bytecode
    from itdash.plugin.recorder import Bootstrap

    gc.enable()
    fork = None
    if stat.S_ISSOCK(os.fstat(channel).st_mode):  # else it is the lifeline of this process alone
        from itdash.plugin.warm.serve import serve

        fork = serve(channel)
    name = _wait()
    if not name:
        return
    if fork:
        fork.freshen()
    importlib.invalidate_caches()
    bytecode.guard()
    with open(name, "rb") as handle:
        order = msgspec.convert(json.load(handle), Order)  # msgspec's own reader takes UTF-8 alone
    sys.argv = [os.path.join(folder, "pytest"), *order.args]
    noting = None
    if order.notes:
        from itdash.plugin.warm.used import Noting  # now, while nothing is patched

        noting = Noting(order.notes)
    code = pytest.main(list(order.args), plugins=[Bootstrap(order.assignment, fork)])
    if noting:
        noting.write()
    sys.stdout.flush()
    gc.freeze()  # the interpreter's last collections would walk through every report only to find the exit
    sys.exit(code)


def _wait() -> bytes:
    """The name of the order's file; nothing if itdash went away without one."""
    name = b""
    while piece := os.read(0, 4096):
        name += piece
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return name


if __name__ == "__main__":
    main()
