/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a store. config_map is pinned first and says "not initialised" until everything else is
 * there, so a creation that was killed is known as one and is begun again.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "log.h"
#include "image.h"
#include "store_internal.h"

int store_map_config(int fd, struct config *out)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info), key = 0;
	_cleanup_free_ struct config *config = NULL;
	size_t bytes;

	if (bpf_obj_get_info_by_fd(fd, &info, &length) || info.type != BPF_MAP_TYPE_ARRAY ||
	    info.max_entries != 1)
		return -EINVAL;
	bytes = info.value_size > sizeof(*config) ? info.value_size : sizeof(*config);
	config = aligned_alloc(_Alignof(struct config),
			       (bytes + _Alignof(struct config) - 1) & -_Alignof(struct config));
	if (!config)
		return -ENOMEM;
	memset(config, 0, sizeof(*config));
	if (bpf_map_lookup_elem(fd, &key, config))
		return -EINVAL;
	/* Zeroes are an unfinished creation of ours, to be made anew, only in a map of our shape.
	 */
	if (!config->magic && info.value_size != sizeof(*config))
		return -EINVAL;
	*out = *config;
	return 0;
}

int store_read_config(int dir_fd, const char *pin_path, const char *suffix, struct config *out)
{
	_cleanup_close_ int fd = map_open_any(MAP_config_map, dir_fd, pin_path, suffix);

	return fd < 0 ? fd : store_map_config(fd, out);
}

int store_unknown_layout(const char *pin_path, uint32_t layout)
{
	return log_fail(-EINVAL,
			"open %s: its maps are of layout %u, this version of bgo has layout %u and "
			"knows no newer one; nothing was changed. Use the version of bgo that made "
			"them, or remove it all with `bgo firewall-server cleanup-maps`",
			pin_path, layout, BGO_LAYOUT);
}

int store_initialised(int dir_fd, const char *pin_path)
{
	struct config config;
	int err = store_read_config(dir_fd, pin_path, "", &config);

	if (err == -EINVAL || (!err && config.magic && config.magic != BGO_MAGIC))
		return log_fail(-EINVAL,
				"open %s: its config_map is not bgo's; nothing was changed",
				pin_path);
	if (err)
		return err == -ENOENT ? err : log_error(err, "open config_map of %s", pin_path);
	if (!config.magic)
		return 0;
	if (!image_layout_known(config.layout))
		return store_unknown_layout(pin_path, config.layout);
	/* Layout 1 was written all at once. */
	return config.layout == 1 || config.initialised;
}

/* A directory without config_map is ours to use when nobody else uses it. */
static int check_empty(int dir_fd, const char *pin_path)
{
	char name[NAME_MAX + 1];
	int err = store_foreign_entry(dir_fd, name);

	if (err == 0)
		return 0;
	if (err < 0)
		return log_error(err, "list pin path %s", pin_path);
	return log_fail(-EEXIST,
			"start on %s: it is not a firewall of bgo: it has %s but no config_map; "
			"nothing was changed. Use another --pin-path, or remove what is there",
			pin_path, name);
}

static int create_maps(int fds[MAP_COUNT], const char *pin_path, uint32_t max_rules)
{
	for (enum map map = 0; map < MAP_COUNT; map++) {
		int err;

		fds[map] = map_create(map, map_entries(map, max_rules));
		if (fds[map] < 0)
			return fds[map];
		/* config_map is the first: its zeroes say "unfinished". */
		err = map_pin(map, fds[map], pin_path, "");
		if (err)
			return err;
	}
	return 0;
}
_Static_assert(MAP_config_map == 0, "config_map is pinned first");

static int write_first_record(int fds[MAP_COUNT], uint32_t max_rules)
{
	_cleanup_free_ struct ruleset *ruleset = calloc(1, sizeof(*ruleset));
	struct rate_limit limit = {.id = 1, .source = SOURCE_LIMIT_INITIAL};
	struct config config = {.magic = BGO_MAGIC,
				.layout = BGO_LAYOUT,
				.max_rules = max_rules,
				.grace = 1,
				.tai_ahead_s = clock_tai_ahead_s(),
				.commit = 1};
	uint32_t key = ruleset_record(1), zero = 0;
	int err;

	if (!ruleset)
		return -ENOMEM;
	if (getrandom(&config.store_id, sizeof(config.store_id), 0) < 0)
		return -errno;
	ruleset->generation = 1;
	ruleset->half_since = 1;
	ruleset->limit_since = 1;
	err = bpf_map_update_elem(fds[MAP_ruleset_map], &key, ruleset, 0);
	if (!err)
		err = bpf_map_update_elem(fds[MAP_rate_limit_config_map], &key, &limit, 0);
	if (!err)
		err = bpf_map_update_elem(fds[MAP_config_map], &zero, &config, 0);
	return err;
}

static int create(int dir_fd, const char *pin_path, uint32_t max_rules)
{
	int fds[MAP_COUNT];
	int err;

	memset(fds, -1, sizeof(fds));
	err = create_maps(fds, pin_path, max_rules);
	if (!err) {
		err = write_first_record(fds, max_rules);
		if (err)
			log_error(err, "write the first rule set of %s", pin_path);
	}
	for (enum map map = 0; map < MAP_COUNT; map++)
		if (fds[map] >= 0)
			close(fds[map]);
	if (err)
		store_unlink_pins(dir_fd, "");
	return err;
}

/* Leaves the directory with a set of pins: one that was there, or a new one that does not count
 * yet. */
static int create_if_needed(int dir_fd, const char *pin_path, uint32_t max_rules,
			    const struct store_origin *origin, bool *created)
{
	int state = store_initialised(dir_fd, pin_path);
	int err = 0;

	*created = false;
	if (state == 1)
		return 0;
	if (state < 0 && state != -ENOENT)
		return state;
	if (state == -ENOENT) {
		err = store_finish_removal(dir_fd);
		if (!err)
			err = check_empty(dir_fd, pin_path);
	}
	if (!err && origin)
		err = origin->read(origin->data, &max_rules);
	if (!err && state == 0) {
		log_info("An interrupted start left unfinished maps at %s: making them anew",
			 pin_path);
		err = store_unlink_pins(dir_fd, "");
	}
	if (err)
		return err;
	*created = true;
	return create(dir_fd, pin_path, max_rules ? max_rules : STORE_DEFAULT_MAX_RULES);
}

/* Everything is in place once the origin's content is: this makes it a firewall. */
static int finish_creation(struct store *store, const struct store_origin *origin)
{
	int err = origin ? origin->fill(origin->data, store) : 0;

	if (!err)
		__atomic_store_n(&store->config->initialised, 1, __ATOMIC_SEQ_CST);
	return err;
}

/*
 * Back to what was there before, of which the caller has nothing open any more: no maps
 * (`created`), or no directory either (`made`), which goes only when it is empty.
 */
static void undo_create(const char *pin_path, bool made, bool created)
{
	if (created)
		store_remove(pin_path);
	else if (made)
		rmdir(pin_path);
}

static int open_new(struct store **out, const char *pin_path, int *dir_fd,
		    const struct store_origin *origin)
{
	_cleanup_store_ struct store *store = NULL;
	int err = store_open_pins(&store, pin_path, dir_fd, STORE_WRITE, "");

	if (!err)
		err = finish_creation(store, origin);
	if (!err)
		*out = take(store);
	return err;
}

/* To a larger --max-rules; not while what only these maps hold is still needed. */
static int grow(struct store **store, const char *pin_path, uint32_t max_rules)
{
	const char *why = store_pending(*store)	      ? "an interrupted start left them so"
			  : store_unconfirmed(*store) ? "a change waits to be confirmed"
						      : NULL;
	_cleanup_close_ int dir_fd = -1;

	if (why) {
		log_info("The maps at %s keep --max-rules %u until the next start: %s", pin_path,
			 store_max_rules(*store), why);
		return 0;
	}
	/* The lock goes on living in dir_fd. */
	dir_fd = take_fd((*store)->dir_fd);
	store_close(take(*store));
	return store_migrate(store, pin_path, &dir_fd, max_rules);
}

/* Maps that are there and count. */
static int open_or_migrate(struct store **out, const char *pin_path, int *dir_fd,
			   uint32_t max_rules)
{
	const bool served = pin_dir_server_runs(*dir_fd);
	_cleanup_store_ struct store *store = NULL;
	struct config config;
	int err = store_read_config(*dir_fd, pin_path, "", &config);

	if (err)
		return log_error(err, "open config_map of %s", pin_path);
	if (config.layout != BGO_LAYOUT)
		return served ? store_server_busy(pin_path, config.daemon_pid)
			      : store_migrate(out, pin_path, dir_fd, max_rules);
	err = store_open_pins(&store, pin_path, dir_fd, STORE_WRITE, "");
	if (!err)
		err = store_revert_expired(&store);
	/* A server that runs will be told of when its lock is wanted. */
	if (!err && !served && max_rules > store_max_rules(store))
		err = grow(&store, pin_path, max_rules);
	if (!err)
		*out = take(store);
	return err;
}

/* Under the lock, which is then the store's. */
static int open_or_create(struct store **out, const char *pin_path, uint32_t max_rules,
			  const struct store_origin *origin, bool *created)
{
	_cleanup_close_ int dir_fd = pin_dir_open(pin_path, STORE_LOCK_SECONDS);
	_cleanup_store_ struct store *store = NULL;
	int err;

	if (dir_fd < 0)
		return dir_fd == -ENOENT ? log_error(dir_fd, "open pin path %s", pin_path) : dir_fd;
	err = create_if_needed(dir_fd, pin_path, max_rules, origin, created);
	if (!err)
		err = store_finish_migration(dir_fd, pin_path);
	if (!err)
		err = *created ? open_new(&store, pin_path, &dir_fd, origin)
			       : open_or_migrate(&store, pin_path, &dir_fd, max_rules);
	if (err)
		return err;
	*out = take(store);
	return 0;
}

int store_open_or_create(struct store **out, const char *pin_path, uint32_t max_rules,
			 bool *created)
{
	return store_open_or_create_from(out, pin_path, max_rules, NULL, created);
}

int store_open_or_create_from(struct store **out, const char *pin_path, uint32_t max_rules,
			      const struct store_origin *origin, bool *created)
{
	_cleanup_store_ struct store *store = NULL;
	bool is_new = false;
	int made, err;

	made = pin_dir_make(pin_path);
	if (made < 0)
		return made;
	err = open_or_create(&store, pin_path, max_rules, origin, &is_new);
	if (err) {
		undo_create(pin_path, made, is_new);
		return err;
	}
	if (max_rules && max_rules < store_max_rules(store))
		log_info("The maps at %s hold %u rules; --max-rules %u does not shrink them",
			 pin_path, store_max_rules(store), max_rules);
	*created = is_new;
	*out = take(store);
	return 0;
}
