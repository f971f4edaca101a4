/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as rules and addresses write them. */
#ifndef BGO_DECIMAL_H
#define BGO_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads digits up to the value `max`, without a leading zero, which is octal to some readers and
 * decimal to others. Returns where they stopped, or NULL (*out untouched) when there is no such
 * number.
 */
static inline const char *decimal_read(const char *at, const char *end, uint32_t max, uint32_t *out)
{
	const char *const begin = at;
	uint64_t number = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > max)
			return NULL;
	}
	if (at == begin || (*begin == '0' && at - begin > 1))
		return NULL;
	*out = (uint32_t)number;
	return at;
}

#endif
