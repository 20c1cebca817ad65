"""Stops one server when the process that started it is gone, however that ended (kill -9 too).

Run as a program, beside the server, by `embedded.process`. It asks for its parent's id instead of using a
pipe or the kernel's parent-death signal: a pipe is kept open by forked children, and that signal comes when
the *thread* that started the server ends, and exists on Linux alone.
"""

import os
import sys
import time

POLL_S = 0.2


def alive(pid: int) -> bool:
    """Whether a process of this id runs. One that has ended and waits for its parent to notice does not.

    Where there is no /proc (macOS), it counts as alive until noticed.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # someone else's
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not os.path.isdir("/proc/self")


def stop(server: int, steps: list[tuple[int, float]]) -> None:
    """Send each signal in turn, giving the server that many seconds to end."""
    for number, patience_s in steps:
        try:
            os.kill(server, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + patience_s
        while alive(server) and time.monotonic() < until:
            time.sleep(0.05)


def main(parent: int, server: int, steps: list[tuple[int, float]], leftover: str) -> None:
    """Wait for parent or server to end; then stop the server and remove the `leftover` folder, if any."""
    while os.getppid() == parent:
        if not alive(server):
            return
        time.sleep(POLL_S)
    stop(server, steps)
    if leftover:
        import shutil  # only here: keeps the start light

        shutil.rmtree(leftover, ignore_errors=True)


if __name__ == "__main__":
    words = [step.split(":") for step in sys.argv[3].split()]
    main(int(sys.argv[1]), int(sys.argv[2]), [(int(n), float(s)) for n, s in words], sys.argv[4])
