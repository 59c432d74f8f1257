#!/bin/sh
# Makes the user that the router is in the image, and the directories that are its own.
#
#   docker/user.sh [ROOT]      of the system below ROOT, without it of this one
set -eu

root=${1:-}
id=8080

# Not useradd: it would have to be there, and the entries are known.
grep -q '^wampd:' "$root/etc/group" || echo "wampd:x:$id:" >>"$root/etc/group"
grep -q '^wampd:' "$root/etc/passwd" ||
    echo "wampd:x:$id:$id:wampd:/var/lib/wampd:/usr/sbin/nologin" >>"$root/etc/passwd"
mkdir -p "$root/etc/wampd" "$root/run/wampd" "$root/var/lib/wampd"
chown "$id:$id" "$root/var/lib/wampd"
chmod 0700 "$root/var/lib/wampd"

# What is mounted there (--tmpfs /run/wampd) takes the mode of the directory in the image, but belongs to root: so it is as
# /tmp is, and the socket is in a directory below that, which the router makes for itself alone.
chmod 1777 "$root/run/wampd"
