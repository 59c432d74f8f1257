"""Becomes a program that can write to the given directories and nowhere else, as in a container with a read-only root.

It is run as a script, in a mount namespace of its own: ``unshare -m readonly.py UID DIRECTORY … -- PROGRAM ARGUMENT…``.
"""

import os
import subprocess
import sys


def main() -> None:
    end = sys.argv.index("--")
    user, *writable = sys.argv[1:end]
    for directory in writable:
        # As the engine mounts it: anybody may write there, and the first to do so owns what is made.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", directory], check=True)
    with open("/proc/self/mountinfo") as mounts:
        places = [line.split()[4].encode().decode("unicode_escape") for line in mounts]
    for place in places:
        if os.path.exists(place) and place not in writable and not place.startswith(("/proc", "/sys", "/dev")):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    for directory in ("/", "/tmp", "/var/tmp", os.getcwd()):
        assert not writes(directory), f"{directory} is not read-only"
    command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs", *sys.argv[end + 1 :]]
    os.execvp(command[0], command)


def writes(directory: str) -> bool:
    file = os.path.join(directory, "wampd-writes")
    try:
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY))
    except OSError:
        return False
    os.unlink(file)
    return True


main()
