/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources that the limit of each source drops most: what every CPU noted of its own, put
 * together.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "../bpf/ratelimit_source.h"
#include "cleanup.h"
#include "log.h"
#include "store_internal.h"

static struct rule source_rule(const struct source_offender *noted,
			       const struct source_limit *limit)
{
	struct rule rule = {
		.family = (uint8_t)noted->family,
		.prefix_len =
			(uint8_t)(noted->family == FAMILY_IPV4 ? limit->prefix4 : limit->prefix6),
		.any_protocol = 1,
	};

	memcpy(rule.addr_host, noted->addr_host, sizeof(rule.addr_host));
	return rule;
}

/*
 * Whether this says something of the limit in force: neither an older one's nor read while a
 * program was writing it, which the hash of the address gives away.
 */
static bool is_whole(const struct source_offender *noted, const struct source_limit *limit)
{
	const __u64 source[2] = {
		(__u64)noted->addr_host[0] << 32 | noted->addr_host[1],
		(__u64)noted->addr_host[2] << 32 | noted->addr_host[3],
	};

	return noted->epoch == limit->epoch && noted->dropped.packets &&
	       noted->family < FAMILY_COUNT &&
	       noted->hash == source_hash(limit, source, noted->family);
}

static int by_source(const void *left, const void *right)
{
	const struct offender *a = left, *b = right;

	return memcmp(&a->source, &b->source, sizeof(a->source));
}

static int worst_first(const void *left, const void *right)
{
	const struct offender *a = left, *b = right;

	if (a->dropped.packets != b->dropped.packets)
		return a->dropped.packets < b->dropped.packets ? 1 : -1;
	return by_source(left, right);
}

/* What several CPUs noted of one source becomes one. Returns how many are left. */
static size_t merge(struct offender *offenders, size_t count)
{
	size_t merged = 0;

	qsort(offenders, count, sizeof(*offenders), by_source);
	for (size_t i = 0; i < count; i++) {
		if (merged && by_source(&offenders[merged - 1], &offenders[i]) == 0) {
			offenders[merged - 1].dropped.packets += offenders[i].dropped.packets;
			offenders[merged - 1].dropped.bytes += offenders[i].dropped.bytes;
		} else {
			offenders[merged++] = offenders[i];
		}
	}
	return merged;
}

/* Returns how many, in no order; `noted` has room for one place of every CPU. */
static int collect(const struct store *store, int cpus, struct source_offender *noted,
		   struct offender *out)
{
	const struct source_limit *limit = &store->rate_limit->source;
	int count = 0, err;

	for (uint32_t key = 0; key < SOURCE_OFFENDERS; key++) {
		err = bpf_map_lookup_elem(store->fds[MAP_rate_limit_offenders_map], &key, noted);
		if (err)
			return log_error(err, "read %s", map_name(MAP_rate_limit_offenders_map));
		for (int cpu = 0; cpu < cpus; cpu++)
			if (is_whole(&noted[cpu], limit))
				out[count++] = (struct offender){
					.source = source_rule(&noted[cpu], limit),
					.dropped = noted[cpu].dropped,
				};
	}
	return count;
}

int store_offenders(const struct store *store, struct offender **out)
{
	const int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct source_offender *noted = NULL;
	_cleanup_free_ struct offender *offenders = NULL;
	int count;

	if (cpus < 0)
		return log_error(cpus, "count the CPUs");
	noted = calloc((size_t)cpus, sizeof(*noted));
	offenders = calloc((size_t)cpus * SOURCE_OFFENDERS, sizeof(*offenders));
	if (!noted || !offenders)
		return log_error(-ENOMEM, "read %s", map_name(MAP_rate_limit_offenders_map));
	count = collect(store, cpus, noted, offenders);
	if (count < 0)
		return count;
	count = (int)merge(offenders, (size_t)count);
	qsort(offenders, (size_t)count, sizeof(*offenders), worst_first);
	*out = take(offenders);
	return count;
}
