#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest: runs a command in a container whose init is systemd, which has the guest's
# devices, /sys and root: tests/with_systemd.sh COMMAND...
set -euo pipefail

log=$(mktemp)
# In the topmost group, which is what is mounted: in one below systemd would put all outside of its own
# namespace, and the journal refuse to begin, again and again.
(
	echo 0 >/sys/fs/cgroup/cgroup.procs
	container=other exec unshare --pid --fork --mount-proc --mount --cgroup --ipc --uts \
		/lib/systemd/systemd --unit=basic.target --log-target=console
) >"$log" 2>&1 &
inside=(nsenter --target "" --pid --mount --cgroup --ipc --uts "--wdns=$PWD")
state=
for _ in $(seq 6000); do
	kill -0 $! || break
	inside[2]=$(pgrep --parent $!) || { sleep 0.1; continue; }
	# Its status is that of the state.
	state=$("${inside[@]}" systemctl is-system-running 2>/dev/null) || true
	[[ $state != running && $state != degraded ]] || exec "${inside[@]}" "$@"
	sleep 0.1
done
echo "with_systemd: systemd is '$state'" >&2
tail -n 20 "$log" >&2
exit 1
