/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Death at a chosen moment: runs a piece of code in a child process and kills it with SIGKILL
 * before its n-th store to a mapped BPF map, or before or behind its n-th system call. So every
 * point at which a writer can die is one number, and all of them can be counted and tried.
 */
#ifndef BGO_TESTS_CRASH_H
#define BGO_TESTS_CRASH_H

#include <stdbool.h>

enum crash_at {
	CRASH_AT_STORE,
	CRASH_AT_SYSCALL, /* entries and exits count one each */
};

/*
 * Runs code(data) in a child that dies at point n, counted from 0. Returns true when it died there,
 * false when it came to its end before. A child that ends in any other way ends the test program.
 */
bool crash_run(void (*code)(void *data), void *data, enum crash_at at, unsigned int n);

/* Whether stores can be told one from another here: needs the single step of x86-64. */
bool crash_knows_stores(void);

#endif
