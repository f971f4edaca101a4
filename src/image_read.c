/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which reader reads a layout, and the reader of today's. See image.h. */
#include <fcntl.h>
#include <string.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "image.h"
#include "log.h"

static int store_image_open(void **maps, int dir_fd, const char *pin_path, const char *suffix)
{
	_cleanup_close_ int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);

	struct store *store = NULL;
	int err;

	if (copy < 0)
		return log_error(-errno, "migrate %s", pin_path);
	err = store_open_pins(&store, pin_path, &copy, STORE_READ, suffix);
	if (!err)
		*maps = store;
	return err;
}

static void store_image_close(void *maps)
{
	store_close(maps);
}

static int store_image_read(const void *maps, struct image *out)
{
	const struct store *store = maps;
	const struct rate_limit_bucket *buckets = store_memory(store, MAP_rate_limit_state_map);
	int err = buckets ? 0 : -ENOMEM;

	if (!err && store->rate_limit->bucket >= RATE_LIMIT_BUCKETS)
		err = log_fail(-EILSEQ,
			       "migrate %s: damaged: its limits use a bucket that does not exist; "
			       "nothing was changed",
			       store->pin_path);
	if (err)
		return err;
	out->config = *store->config;
	out->ruleset = *store->ruleset;
	out->limit = *store->rate_limit;
	out->bucket = buckets[store->rate_limit->bucket];
	for (enum hook hook = 0; !err && hook < HOOK_COUNT; hook++)
		err = store_stats(store, hook, out->stats[hook]);
	return err ? err : store_rate_limit_stats(store, &out->limit_stats);
}

static int store_image_rule(const void *maps, enum hook hook, enum list list, uint32_t number,
			    struct image_rule *out)
{
	const struct store *store = maps;
	const struct rule_view rules = store_rules(store, hook, list);

	if (!rules.slots)
		return -ENOMEM;
	if (!rule_slot_live(&rules.slots[number], rules.generation))
		return 0;
	out->slot = rules.slots[number];
	out->hits = store_hits(store, &out->slot);
	store_comment(store, &out->slot, out->comment);
	return 1;
}

/* Those that image_write.c does not make anew. */
static int store_image_map(const void *maps, enum map map)
{
	return store_map_fd(maps, map);
}

static const struct image_reader store_reader = {
	.layout = BGO_LAYOUT,
	.open = store_image_open,
	.close = store_image_close,
	.read = store_image_read,
	.rule = store_image_rule,
	.map = store_image_map,
};

static const struct image_reader *reader_of(uint32_t layout)
{
	static const struct image_reader *const readers[] = {&layout1_reader, &store_reader};

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (readers[i]->layout == layout)
			return readers[i];
	return NULL;
}

bool image_layout_known(uint32_t layout)
{
	return reader_of(layout) != NULL;
}

int image_open(struct image_source *out, int dir_fd, const char *pin_path, const char *suffix)
{
	struct image_source source = {};
	struct config config;
	int err = store_read_config(dir_fd, pin_path, suffix, &config);

	if (err)
		return log_error(err, "open config_map%s of %s", suffix, pin_path);
	source.reader = config.magic == BGO_MAGIC ? reader_of(config.layout) : NULL;
	if (!source.reader)
		return store_unknown_layout(pin_path, config.layout);
	err = source.reader->open(&source.maps, dir_fd, pin_path, suffix);
	if (err)
		return err;
	*out = source;
	err = out->reader->read(out->maps, &out->image);
	if (err)
		image_close(out);
	return err;
}

void image_close(struct image_source *source)
{
	if (source->maps)
		source->reader->close(source->maps);
	source->maps = NULL;
}
