/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which numbers are in use. See numbers.h. */
#include "numbers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* So many hit numbers are taken from the first on: counters side by side fit in the caches. Homes
 * would have a few counters in each of very many lines. */
#define HITS_COMPACT 32768u

#define BITS_PER_WORD (CHAR_BIT * sizeof(unsigned long))

void numbers_free(struct numbers *numbers)
{
	free(numbers->words);
	numbers->words = NULL;
}

int numbers_init(struct numbers *numbers, uint32_t bits)
{
	numbers_free(numbers);
	numbers->words = calloc(bits / BITS_PER_WORD + 1, sizeof(*numbers->words));
	numbers->bits = bits;
	numbers->cursor = 0;
	numbers->taken = 0;
	return numbers->words ? 0 : -ENOMEM;
}

static bool numbers_has(const struct numbers *numbers, uint32_t bit)
{
	return numbers->words[bit / BITS_PER_WORD] >> bit % BITS_PER_WORD & 1;
}

void numbers_set(struct numbers *numbers, uint32_t bit)
{
	if (bit >= numbers->bits)
		return;
	numbers->taken += !numbers_has(numbers, bit);
	numbers->words[bit / BITS_PER_WORD] |= 1UL << bit % BITS_PER_WORD;
}

int64_t numbers_take(struct numbers *numbers)
{
	for (uint32_t bit = numbers->cursor; bit < numbers->bits; bit++) {
		if (numbers_has(numbers, bit))
			continue;
		numbers_set(numbers, bit);
		numbers->cursor = bit + 1;
		return bit;
	}
	return -ENOSPC;
}

/* A free number of the rule's home, see hit_home(), or -ENOSPC. */
static int64_t take_at_home(struct numbers *numbers, const struct rule *rule)
{
	const bool is_ipv6 = rule->family == FAMILY_IPV6;
	const uint64_t first = (uint64_t)rule->addr_host[0] << 32 | rule->addr_host[1];
	const uint32_t home = hit_home(is_ipv6, first, numbers->bits);

	if (numbers->taken < HITS_COMPACT && numbers->taken < numbers->bits / 2)
		return -ENOSPC;
	if (rule->prefix_len < (is_ipv6 ? HIT_HOME_PREFIX_IPV6 : HIT_HOME_PREFIX_IPV4))
		return -ENOSPC;
	for (uint32_t bit = home; bit < home + HIT_HOME_SIZE && bit < numbers->bits; bit++) {
		if (numbers_has(numbers, bit))
			continue;
		numbers_set(numbers, bit);
		return bit;
	}
	return -ENOSPC;
}

int64_t numbers_take_hit(struct numbers *numbers, const struct rule *rule)
{
	const int64_t hit = take_at_home(numbers, rule);

	return hit == -ENOSPC ? numbers_take(numbers) : hit;
}
