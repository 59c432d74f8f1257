"""Becomes a program that listening sockets are passed on to, as a service manager does (sd_listen_fds(3)).

It is run as a script: ``activate.py NAME=PORT NAME=/PATH … -- PROGRAM ARGUMENT…``.
"""

import os
import socket
import sys

FIRST = 3


def main() -> None:
    end = sys.argv.index("--")
    named = [each.split("=", 1) for each in sys.argv[1:end]]
    bound = []
    for _, place in named:
        if place.startswith("/"):
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listening.bind(place)
        else:
            listening = socket.create_server(("127.0.0.1", int(place)))
        listening.listen(100)
        bound.append(os.dup(listening.detach()))
    parked = [os.dup2(each, 100 + index) for index, each in enumerate(bound)]  # clear of those that are to be written
    for index, each in enumerate(parked):
        os.dup2(each, FIRST + index)
        os.close(each)
    os.environ.update(
        LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(named)), LISTEN_FDNAMES=":".join(name for name, _ in named)
    )
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])


main()
