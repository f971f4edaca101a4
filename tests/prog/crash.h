/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Death at a chosen moment, for every moment that can be told from the next: before the n-th store
 * to a mapped BPF map, and before the n-th system call (behind the one before it is the same).
 */
#ifndef BGO_TESTS_CRASH_H
#define BGO_TESTS_CRASH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Runs code(data) in a child process that is killed with SIGKILL before its n-th system call,
 * counted from 0. Returns true when it died there, false when it came to its end before. A child
 * that ends in any other way ends the test program.
 */
bool crash_at_syscall(void (*code)(void *data), void *data, unsigned int n);

/* As above, counting only the calls that `counts` is true of: their number and arguments. */
bool crash_at_syscall_like(void (*code)(void *data), void *data,
			   bool (*counts)(uint64_t number, const uint64_t arguments[6]),
			   unsigned int n);

/* Whether stores can be told one from another here: it needs the single step of x86-64. */
bool crash_knows_stores(void);

/*
 * Runs code(data) and records each of its stores to a map. The maps it changes must be there before
 * and after it under the same pins. Returns how many stores there were.
 */
unsigned int crash_record_stores(void (*code)(void *data), void *data);
/* Makes the maps what they were if that code had died before its n-th store. */
void crash_rewind_to(unsigned int n);
/* Forgets the recording. */
void crash_forget(void);

#endif
