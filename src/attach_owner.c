/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a loaded program is, told by the maps it uses: one of bgo's works on a config map, which
 * has bgo's magic and says which process served it last. Names prove nothing, so they are for
 * people only.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "log.h"

/* A program of bgo's uses about a dozen maps. */
#define MAPS_MAX 64

int program_id(int program_fd, uint32_t *id)
{
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd, &info, &length))
		return -errno;
	*id = info.id;
	return 0;
}

/* Whether the map is a config map, of whatever layout, and what it holds. */
static int read_config(uint32_t id, bool *is_config, struct config *config)
{
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
	int err;

	if (fd < 0)
		return -errno;
	err = store_map_config(fd, config);
	*is_config = !err && config->magic == BGO_MAGIC;
	return err == -EINVAL ? 0 : err;
}

int program_owner(uint32_t id, struct program_owner *out)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	__u32 map_ids[MAPS_MAX] = {};
	struct bpf_prog_info info = {
		.nr_map_ids = MAPS_MAX,
		.map_ids = (__u64)(uintptr_t)map_ids,
	};
	__u32 length = sizeof(info);
	struct program_owner owner = {};
	struct config config = {};
	bool is_config = false;
	int err;

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	memcpy(owner.name, info.name, sizeof(owner.name) - 1);
	for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++) {
		err = read_config(map_ids[i], &is_config, &config);
		if (err)
			return err;
		if (!is_config)
			continue;
		owner.store_id = config.store_id;
		owner.server_pid = config.daemon_pid;
		break;
	}
	*out = owner;
	return 0;
}

/* The record in the pins tells without privilege; the maps tell of a server that kept none. */
int program_is_ours(uint32_t id, const struct owner *owner)
{
	struct program_owner found = {};
	int err;

	if (link_pins_program(owner->pins, id) >= 0)
		return 1;
	if (!owner->store_id)
		return 0;
	err = program_owner(id, &found);
	if (err)
		return err == -ENOENT ? 0 : err;
	return found.store_id == owner->store_id;
}

int fail_to_ask_owner(int err, const char *interface)
{
	if (err == -EPERM)
		return log_fail(err,
				"cannot tell whose programs interface %s has: needs CAP_SYS_ADMIN",
				interface);
	return log_error(err, "ask whose programs interface %s has", interface);
}
