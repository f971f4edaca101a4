# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A real systemd, for scenarios: this machine's own, as the first process of a container whose files are
# this machine's under a tmpfs that takes what is written, in the network of the scenario. bgo is
# installed in there as `make install` does it.

MACHINE=$WORK/machine # the container's root, and beside it:
MACHINE_LOG=$WORK/machine.log
MACHINE_JOB= # what ends it when it is killed
MACHINE_PID= # its systemd, as seen from the scenario

# Cgroups outlive their processes; one that is in use stays.
remove_cgroups() {
	local cgroup
	for cgroup in "$WORK"/cgroup/bgo-lab-*; do
		[[ ! -d $cgroup ]] || find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
	done
}

# install_in ROOT: bgo, as a package does.
install_in() {
	local source
	source=${BASH_SOURCE[0]%/*}/..
	# One at a time, lest two build the same that is out of date.
	flock "$BGO_BUILD_DIR" env -u MAKEFLAGS -u MAKELEVEL make -s -C "$source" install DESTDIR="$1" PREFIX=/usr \
		B="$BGO_BUILD_DIR" >"$OUTPUT" 2>&1 || fail "make install failed:" "$(cat "$OUTPUT")"
}

# make_machine: the container's files. Of this machine's services none is in it, nor is a bgo.
make_machine() {
	local node
	[[ -x /lib/systemd/systemd ]] || skip "systemd is not installed"
	mkdir -p "$MACHINE" "$WORK/cgroup" "$WORK/written"
	mount -t tmpfs tmpfs "$WORK/written"
	mkdir "$WORK/written/upper" "$WORK/written/work"
	mount -t overlay overlay "$MACHINE" -o \
		"lowerdir=/,upperdir=$WORK/written/upper,workdir=$WORK/written/work"
	mount -t sysfs sysfs "$MACHINE/sys"
	mount -t tmpfs tmpfs "$MACHINE/run"
	mount -t tmpfs tmpfs "$MACHINE/dev"
	mount -t tmpfs tmpfs "$MACHINE/etc/systemd/system"
	mkdir "$MACHINE"/dev/{pts,shm}
	for node in null zero full random urandom tty; do
		touch "$MACHINE/dev/$node"
		mount --bind "/dev/$node" "$MACHINE/dev/$node"
	done
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$MACHINE/dev/pts"
	ln -s pts/ptmx "$MACHINE/dev/ptmx"
	ln -s /proc/self/fd "$MACHINE/dev/fd"
	rm -rf "$MACHINE/etc/machine-id" "$MACHINE/var/log/journal" "$MACHINE/var/lib/bgo" "$MACHINE/etc/bgo" \
		"$MACHINE/usr/sbin/policy-rc.d"
	echo 5f1d0c8e2b7a4963a8d4e1f07c52b396 >"$MACHINE/etc/machine-id"
	# What changes the machine's kernel, or is only slow.
	for node in systemd-sysctl systemd-modules-load systemd-binfmt systemd-udevd systemd-udev-trigger \
		systemd-hwdb-update systemd-random-seed systemd-journal-flush dbus.socket; do
		[[ $node == *.* ]] || node=$node.service
		ln -s /dev/null "$MACHINE/etc/systemd/system/$node"
	done
	mount -t cgroup2 cgroup2 "$WORK/cgroup"
	trap halt_machine EXIT
	remove_cgroups
}

# quick_restarts: the lab has less time than who uses it.
quick_restarts() {
	mkdir -p "$MACHINE/etc/systemd/system/bgo-firewall.service.d"
	cat >"$MACHINE/etc/systemd/system/bgo-firewall.service.d/lab.conf" <<-END
		[Service]
		RestartSec=100ms
		WatchdogSec=$((1 * SLOWDOWN))s
		TimeoutAbortSec=1s
		LimitCORE=0
	END
}

machine_init() {
	local cgroup=$WORK/cgroup/bgo-lab-$BASHPID-$RANDOM
	mkdir "$cgroup"
	echo "$BASHPID" >"$cgroup/cgroup.procs"
	# shellcheck disable=SC2016 # expanded there
	exec unshare --pid --fork --kill-child --mount --cgroup --uts --ipc bash -c '
		mount -t proc proc "$0/proc"
		mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup"
		mount --bind "$0/proc/sys" "$0/proc/sys"
		mount -o remount,bind,ro "$0/proc/sys"
		cd "$0"
		pivot_root . mnt
		umount -l /mnt
		exec env -i container=bgo-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			/lib/systemd/systemd --unit=sysinit.target --log-target=journal' "$MACHINE"
}

# boot_machine: until sysinit.target is reached.
boot_machine() {
	machine_init >"$MACHINE_LOG" 2>&1 </dev/null &
	MACHINE_JOB=$!
	wait_until 10 has_child "$MACHINE_JOB"
	MACHINE_PID=$(pgrep -P "$MACHINE_JOB")
	wait_until 20 in_machine systemctl is-active sysinit.target
}

has_child() {
	[[ $(pgrep -P "$1" -x systemd) ]]
}

# halt_machine: at once, as a power cut does.
halt_machine() {
	[[ -n $MACHINE_JOB ]] || return 0
	kill -KILL "$MACHINE_PID" # and with it all others
	wait "$MACHINE_JOB" 2>/dev/null || true
	MACHINE_JOB=
	remove_cgroups
}

in_machine() {
	nsenter --target "$MACHINE_PID" --mount --pid --cgroup --uts --ipc --root --wd "$@"
}

# property NAME: of the service.
property() {
	in_machine systemctl show --value -p "$1" bgo-firewall.service
}

property_is() {
	[[ $(property "$1") == "$2" ]]
}

service_said() {
	in_machine journalctl -q --no-pager -o cat -u bgo-firewall.service
}

expect_journal() {
	service_said | grep -qF -e "$1" || fail "not in the journal: $1" "but: $(service_said)"
}

# priority_of TEXT: of the first line that has it.
priority_of() {
	in_machine journalctl -q -o json -u bgo-firewall.service |
		jq -r "select(.MESSAGE | contains(\"$1\")).PRIORITY" | head -n 1
}
