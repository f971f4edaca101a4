/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which numbers are in use: rules' hit counters, and the slots of comments. Private to the store.
 */
#ifndef BGO_NUMBERS_H
#define BGO_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/abi.h"

/* One bit each. */
struct numbers {
	unsigned long *words;
	uint32_t bits, cursor, taken;
};

/* None of 0 to bits - 1 is in use; frees what there was. 0 or -ENOMEM. */
int numbers_init(struct numbers *numbers, uint32_t bits);
void numbers_free(struct numbers *numbers);
/* In use from now on; a number too large is ignored. */
void numbers_set(struct numbers *numbers, uint32_t bit);
/* Takes the first number that is not in use, or -ENOSPC. */
int64_t numbers_take(struct numbers *numbers);
/* The same for the hits of this rule: one of its home, see hit_home(), if there is one. */
int64_t numbers_take_hit(struct numbers *numbers, const struct rule *rule);

#endif
