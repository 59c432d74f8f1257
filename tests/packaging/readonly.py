"""Becomes a program that can write to the given directories and nowhere else, as in a container with a read-only root.

It is run as a script, in a mount namespace of its own: ``unshare -m readonly.py UID TMPFS VOLUME -- PROGRAM ARGUMENT…``.

Engines mount both with the mode that the directory has in the image. A volume has its owner, too; what ``--tmpfs`` mounts
belongs to root, as runc and crun do it.
"""

import os
import stat
import subprocess
import sys


def main() -> None:
    end = sys.argv.index("--")
    user, tmpfs, volume = sys.argv[1:end]
    writable = [tmpfs, volume]
    for directory in writable:
        image = os.stat(directory)
        owner = "" if directory == tmpfs else f",uid={image.st_uid},gid={image.st_gid}"
        options = f"mode={stat.S_IMODE(image.st_mode):o}{owner}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", directory], check=True)
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
