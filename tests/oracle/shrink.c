/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Greedy: each step is kept when the check still fails without what it took away. See shrink.h. */
#include "shrink.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"

/* Takes `candidate` for *failure when it fails too. */
static bool keep_if_failing(struct failure *failure, struct failure *candidate)
{
	candidate->experiment.packets = &candidate->packet;
	if (candidate->check->holds(&candidate->experiment, &candidate->hook))
		return false;
	*failure = *candidate;
	failure->experiment.packets = &failure->packet;
	return true;
}

static void remove_rules(struct oracle_rules *rules, int first, int count)
{
	memmove(&rules->rules[first], &rules->rules[first + count],
		(size_t)(rules->count - first - count) * sizeof(rules->rules[0]));
	rules->count -= count;
	for (int i = first; i < rules->count; i++)
		rules->rules[i].index = (uint32_t)i;
}

static void remove_bytes(struct packet_bytes *bytes, size_t first, size_t count)
{
	memmove(bytes->data + first, bytes->data + first + count, bytes->length - first - count);
	bytes->length -= count;
}

/* Halves, then quarters ... then one by one. */
static bool shrink_rules(struct failure *failure, struct failure *candidate, int hook)
{
	const struct oracle_rules *rules = &failure->experiment.scenario.hooks[hook];
	bool progress = false;

	for (int chunk = rules->count; chunk; chunk /= 2)
		for (int first = 0; first + chunk <= rules->count;) {
			*candidate = *failure;
			remove_rules(&candidate->experiment.scenario.hooks[hook], first, chunk);
			if (keep_if_failing(failure, candidate))
				progress = true;
			else
				first += chunk;
		}
	return progress;
}

static bool shrink_policies(struct failure *failure, struct failure *candidate, int hook)
{
	struct oracle_rules *rules = &candidate->experiment.scenario.hooks[hook];
	bool progress = false;

	*candidate = *failure;
	if (rules->default_deny) {
		rules->default_deny = false;
		progress |= keep_if_failing(failure, candidate);
	}
	*candidate = *failure;
	if (rules->drop_fragments) {
		rules->drop_fragments = false;
		progress |= keep_if_failing(failure, candidate);
	}
	return progress;
}

static bool shrink_length(struct failure *failure, struct failure *candidate)
{
	bool progress = false;

	for (size_t chunk = failure->packet.bytes.length / 2; chunk; chunk /= 2)
		for (size_t first = 0; first + chunk <= failure->packet.bytes.length;) {
			if (failure->packet.bytes.length - chunk < GENERATED_BYTES_MIN)
				break;
			*candidate = *failure;
			remove_bytes(&candidate->packet.bytes, first, chunk);
			if (keep_if_failing(failure, candidate))
				progress = true;
			else
				first += chunk;
		}
	return progress;
}

static bool shrink_bytes(struct failure *failure, struct failure *candidate)
{
	bool progress = false;

	for (size_t i = 0; i < failure->packet.bytes.length; i++) {
		if (!failure->packet.bytes.data[i])
			continue;
		*candidate = *failure;
		candidate->packet.bytes.data[i] = 0;
		progress |= keep_if_failing(failure, candidate);
	}
	if (failure->packet.segmented) {
		*candidate = *failure;
		candidate->packet.segmented = false;
		progress |= keep_if_failing(failure, candidate);
	}
	return progress;
}

static bool find_packet(const struct experiment *experiment, const struct check *check,
			struct failure *failure)
{
	failure->check = check;
	failure->experiment = *experiment;
	failure->experiment.packets = &failure->packet;
	failure->experiment.count = 1;
	for (size_t i = 0; i < experiment->count; i++) {
		failure->packet = experiment->packets[i];
		if (!check->holds(&failure->experiment, &failure->hook))
			return true;
	}
	return false;
}

bool shrink(const struct experiment *experiment, const struct check *check, struct failure *failure)
{
	_cleanup_free_ struct failure *candidate = malloc(sizeof(*candidate));
	bool progress = true;

	if (!candidate)
		err(1, "shrink");
	if (!find_packet(experiment, check, failure))
		return false;
	while (progress) {
		progress = false;
		for (int hook = 0; hook < ORACLE_HOOKS; hook++) {
			progress |= shrink_rules(failure, candidate, hook);
			progress |= shrink_policies(failure, candidate, hook);
		}
		progress |= shrink_length(failure, candidate);
		progress |= shrink_bytes(failure, candidate);
	}
	/* The hook is of the last candidate that failed, or did not: ask once more. */
	(void)check->holds(&failure->experiment, &failure->hook);
	return true;
}
