"""What a guest's process is before it is the guest: it ties itself to the router, and becomes the program.

It is run as a script, ``python -I -S leash.py ROUTER DIRECTORY PROGRAM ARGUMENT…``, and uses nothing but the standard library.

Rules
-----
* On Linux the kernel sends SIGTERM to the guest when the router is gone, however it went (``prctl(PR_SET_PDEATHSIG)``, which
  survives ``exec``). Elsewhere a guest notices that its standard input ends.
* The guest leads a process group of its own, so that what it starts is stopped with it, and Ctrl-C reaches the router alone.
* What cannot be run is said in one line on standard error; the exit status then is 127, as with shells.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
NOT_RUN = 127


def tie_to(router: int) -> None:
    """Have this process end with that one."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != router:  # it went before we asked
        sys.exit(NOT_RUN)


def main(router: str, directory: str, *command: str) -> None:
    """Become ``command``; does not return."""
    tie_to(int(router))
    os.setpgid(0, 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and a program would go on ignoring
        signal.signal(number, signal.SIG_DFL)
    try:
        os.chdir(directory)
        os.execvp(command[0], command)  # noqa: S606 - there shall be no shell
    except OSError as error:
        print(f"{error.filename or command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_RUN)


if __name__ == "__main__":
    main(*sys.argv[1:])
