/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A private bpffs on /sys/fs/bpf. See own_bpffs.h. */
#include "own_bpffs.h"

#include <err.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>

#define BPFFS "/sys/fs/bpf"

void own_bpffs_enter(int namespaces)
{
	if (unshare(CLONE_NEWNS | namespaces) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(1, "make private namespaces");
	own_bpffs_push();
}

void own_bpffs_push(void)
{
	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		err(1, "mount bpffs on " BPFFS);
}

void own_bpffs_pop(void)
{
	if (umount2(BPFFS, MNT_DETACH))
		err(1, "unmount " BPFFS);
}
