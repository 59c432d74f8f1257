"""What a component's process is at first: it ties itself to the router, takes its limits, and becomes the program.

It is run as a script, ``python -I -S leash.py ROUTER DIRECTORY LIMITS PROGRAM ARGUMENT…``, and uses nothing but the standard
library. ``LIMITS`` is JSON.

Rules
-----
* On Linux the kernel sends SIGTERM to the component when the router is gone, however it went (``prctl(PR_SET_PDEATHSIG)``,
  which survives ``exec``). Elsewhere a component notices that its standard input ends. The warden comes after.
* The component leads a session and a process group of its own: what it starts is stopped with it, Ctrl-C reaches the router
  alone, it has no terminal to write to or to type in, and no other component can enter its group, by which the router
  knows it (setpgid(2): only within a session).
* ``soft_files`` is the soft limit of files that the router began with; it has raised its own, which is not for others: programs
  that use select(2), or close all descriptors that there might be, are not made for many.
* Limits are set before the program is there, and are both the soft and the hard ones, so that it cannot raise them.
* What cannot be run is said in one line on standard error; the exit status then is 127, as with shells.

Source: prctl(2), setsid(2), setrlimit(2), sched_setaffinity(2).
"""

import json
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
NOT_RUN = 127
RESOURCES = {
    "address_space": resource.RLIMIT_AS,
    "files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
}


def tie_to(router: int) -> None:
    """Have this process end with that one."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != router:  # it went before we asked
        sys.exit(NOT_RUN)


def limit(limits: dict) -> None:  # type: ignore[type-arg]
    """Take no more than this."""
    for name, value in limits.items():
        try:
            if name == "cpu":
                os.sched_setaffinity(0, value)
            elif name == "nice":
                os.nice(value)
            elif name == "soft_files":
                resource.setrlimit(resource.RLIMIT_NOFILE, (value, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            else:
                resource.setrlimit(RESOURCES[name], (value, value))
        except (OSError, ValueError) as error:
            print(f"limits.{name} cannot be {value}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            sys.exit(NOT_RUN)


def main(router: str, directory: str, limits: str, *command: str) -> None:
    """Become ``command``; does not return."""
    tie_to(int(router))
    os.setsid()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and a program would go on ignoring
        signal.signal(number, signal.SIG_DFL)
    limit(json.loads(limits))
    try:
        os.chdir(directory)
        os.execvp(command[0], command)  # noqa: S606 - there shall be no shell
    except OSError as error:
        print(f"{error.filename or command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_RUN)


if __name__ == "__main__":
    main(*sys.argv[1:])
