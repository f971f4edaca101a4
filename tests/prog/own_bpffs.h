/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bpffs that only this test program sees: whatever it leaves there goes with it. */
#ifndef BGO_TESTS_OWN_BPFFS_H
#define BGO_TESTS_OWN_BPFFS_H

#define PIN_PATH "/sys/fs/bpf/firewall"

/*
 * Moves the program into a mount namespace of its own, and others as CLONE_NEW* flags say, and
 * mounts an empty bpffs on /sys/fs/bpf there. What fails ends the program.
 */
void own_bpffs_enter(int namespaces);

/* Another empty bpffs in its place, and the one before back again. */
void own_bpffs_push(void);
void own_bpffs_pop(void);

#endif
