#!/bin/sh
# A guest in shell: publishes the load of the machine every few seconds.
#
# `wampd publish` finds in its environment where the router is and who it may be (WAMPD_URL, WAMPD_REALM, WAMPD_AUTHID,
# WAMPD_TICKET), because the router has put it there. Alone, give it WAMPD_URL and WAMPD_REALM.

while :; do
    read -r load _ < /proc/loadavg
    wampd publish com.example.load "$load" || exit 1
    echo "the load is $load"
    sleep "${PAUSE:-5}"
done
