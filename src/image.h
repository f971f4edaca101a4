/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firewall read from pinned maps of any layout, told in today's terms: what `start` migrates. A
 * layout has one reader; image_write.c is the one writer. A new layout costs the structs of the old
 * one (layoutN.h) and a reader of them (layoutN.c, a row in image_read.c). Private to the store.
 */
#ifndef BGO_IMAGE_H
#define BGO_IMAGE_H

#include "store_internal.h"

/* Everything but the rules. Counters are as shown to people: since they were reset. */
struct image {
	struct config config;	/* what the writer does not know better: store_id, max_rules, ... */
	struct ruleset ruleset; /* no graphs; of `lists` next_index, and slots_used to read by */
	struct rate_limit limit; /* as set; the writer computes the rest */
	struct rate_limit_bucket bucket;
	struct counter stats[HOOK_COUNT][REASON_SLOTS];
	struct rate_limit_stats limit_stats;
};

struct image_rule {
	struct rule_slot slot; /* rule, index, expires_s */
	uint64_t hits;
	char comment[COMMENT_BYTES + 1];
};

struct image_reader {
	uint32_t layout;
	/* Opens and checks the pins NAME`suffix` of a directory that is locked. Logs. */
	int (*open)(void **maps, int dir_fd, const char *pin_path, const char *suffix);
	void (*close)(void *maps);
	/* As it is now: programs may be counting. Logs. */
	int (*read)(const void *maps, struct image *out);
	/* The rule in a slot: 1; 0 when there is none; -EILSEQ, logged. */
	int (*rule)(const void *maps, enum hook hook, enum list list, uint32_t slot,
		    struct image_rule *out);
	/* A map that can go on as it is, or -1: of those that an image does not tell of. */
	int (*map)(const void *maps, enum map map);
};

/* Maps to read from. */
struct image_source {
	const struct image_reader *reader;
	void *maps;
	struct image image; /* as of opening */
};

/* By the layout that config_map`suffix` says. Logs. */
int image_open(struct image_source *out, int dir_fd, const char *pin_path, const char *suffix);
void image_close(struct image_source *source);

/* Whether the layout is this version's, or `start` can read it. */
bool image_layout_known(uint32_t layout);

/*
 * Makes maps of today's layout from the source, in no directory yet: *out is a store open for
 * writing that holds no lock. Logs.
 */
int image_write(struct store **out, const struct image_source *source, const char *pin_path,
		uint32_t max_rules);

/*
 * Makes the store, which was written from this source, show its own counts and those of the source
 * as it was opened, added up; to do so again changes nothing. Logs.
 */
int image_write_counters(struct store *store, const struct image_source *source);

extern const struct image_reader layout1_reader;

#endif
