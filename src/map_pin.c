/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pinned map: create, pin, open, check. See map_pin.h. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "log.h"
#include "map_pin.h"

struct map_spec {
	const char *name;
	uint32_t type, key_bytes, value_bytes, flags;
};

#define MAP_SPEC(map_name, map_type, key, value, entries, map_flags)                               \
	[MAP_##map_name] = {                                                                       \
		.name = #map_name,                                                                 \
		.type = BPF_MAP_TYPE_##map_type,                                                   \
		.key_bytes = sizeof(key),                                                          \
		.value_bytes = sizeof(value),                                                      \
		.flags = map_flags,                                                                \
	},
static const struct map_spec specs[MAP_COUNT] = {PROGRAM_MAPS(MAP_SPEC) USER_MAPS(MAP_SPEC)};

_Static_assert(2ull * NODES_PER_HALF(STORE_MAX_MAX_RULES) <= ENTRY_PAYLOAD_MASK + 1ull,
	       "an entry of the graph can name every node");

const char *map_name(enum map map)
{
	return specs[map].name;
}

uint32_t map_entries(enum map map, uint32_t max_rules)
{
	const uint32_t n = max_rules;

	switch (map) {
#define MAP_ENTRIES(name, type, key, value, entries, flags)                                        \
	case MAP_##name:                                                                           \
		return entries;
		PROGRAM_MAPS(MAP_ENTRIES)
		USER_MAPS(MAP_ENTRIES)
	case MAP_COUNT:
		break;
	}
	return 0;
}

bool map_grows(enum map map)
{
	return map >= MAP_whitelist_map && map <= MAP_comment_map;
}

size_t map_stride(enum map map)
{
	return (specs[map].value_bytes + 7u) & ~7u;
}

int map_create(enum map map, uint32_t entries)
{
	const struct map_spec *spec = &specs[map];
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = spec->flags);
	char name[BPF_OBJ_NAME_LEN];
	int fd;

	/* The kernel takes 15 characters; the pin has the whole name. */
	snprintf(name, sizeof(name), "%.*s", BPF_OBJ_NAME_LEN - 1, spec->name);
	fd = bpf_map_create(spec->type, name, spec->key_bytes, spec->value_bytes, entries,
			    &options);
	if (fd < 0)
		return log_error(fd, "create %s with %u entries", spec->name, entries);
	return fd;
}

static int pin_file(enum map map, const char *suffix, const char *pin_path, char **out)
{
	return asprintf(out, "%s%s%s%s", pin_path ? pin_path : "", pin_path ? "/" : "",
			specs[map].name, suffix) < 0
		       ? -ENOMEM
		       : 0;
}

int map_pin(enum map map, int fd, const char *pin_path, const char *suffix)
{
	_cleanup_free_ char *file = NULL;
	int err;

	err = pin_file(map, suffix, pin_path, &file);
	if (!err)
		err = bpf_obj_pin(fd, file);
	if (err)
		return log_error(err, "pin %s%s in %s", specs[map].name, suffix, pin_path);
	return 0;
}

int map_rename_next(enum map map, int dir_fd)
{
	_cleanup_free_ char *next = NULL;

	if (pin_file(map, MAP_NEXT, NULL, &next))
		return -ENOMEM;
	if (renameat(dir_fd, next, dir_fd, specs[map].name) < 0)
		return log_error(-errno, "rename pin %s to %s", next, specs[map].name);
	return 0;
}

/* bpf_obj_get() takes programs and links as well, and follows symbolic links. */
static int check_file(int dir_fd, const char *name, const char *pin_path)
{
	struct stat info, dir;

	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ENOENT
				       : log_error(-errno, "look at pin %s/%s", pin_path, name);
	if (!S_ISREG(info.st_mode))
		return log_fail(-EINVAL, "open pin %s/%s: it is not a pinned map", pin_path, name);
	if (fstat(dir_fd, &dir) < 0)
		return log_error(-errno, "look at pin path %s", pin_path);
	if (info.st_uid != dir.st_uid || (info.st_mode & 0077))
		return log_fail(
			-EPERM,
			"open pin %s/%s: owner %u, mode %04o; it must be yours and mode 0600",
			pin_path, name, info.st_uid, info.st_mode & 07777);
	return 0;
}

static bool is_map(int fd)
{
	char link[64], path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return false;
	link[length] = '\0';
	return strstr(link, "bpf-map") != NULL;
}

static int check_shape(enum map map, int fd, const char *pin_path, uint32_t *entries)
{
	const struct map_spec *spec = &specs[map];
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int err;

	if (!is_map(fd))
		return log_fail(-EINVAL, "open pin %s/%s: it is not a map", pin_path, spec->name);
	err = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (err)
		return log_error(err, "look at map %s/%s", pin_path, spec->name);
	if (info.type != spec->type || info.key_size != spec->key_bytes ||
	    info.value_size != spec->value_bytes || info.map_flags != spec->flags)
		return log_fail(
			-EINVAL,
			"open %s/%s: layout differs: it has type %u, key %u, value %u bytes, flags "
			"0x%x; "
			"this version (layout %u) has type %u, key %u, value %u bytes, flags 0x%x; "
			"nothing "
			"was changed. Use the version of bgo that made it, or remove it all with "
			"`bgo firewall-server cleanup-maps`",
			pin_path, spec->name, info.type, info.key_size, info.value_size,
			info.map_flags, BGO_LAYOUT, spec->type, spec->key_bytes, spec->value_bytes,
			spec->flags);
	*entries = info.max_entries;
	return 0;
}

int map_open(enum map map, int dir_fd, const char *pin_path, const char *suffix, uint32_t *entries)
{
	_cleanup_free_ char *name = NULL, *file = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	if (pin_file(map, suffix, NULL, &name) || pin_file(map, suffix, pin_path, &file))
		return -ENOMEM;
	err = check_file(dir_fd, name, pin_path);
	if (err)
		return err;
	fd = bpf_obj_get(file);
	if (fd < 0)
		return log_error(fd, "open pin %s", file);
	err = check_shape(map, fd, pin_path, entries);
	if (err)
		return err;
	return take_fd(fd);
}

int map_open_any(enum map map, int dir_fd, const char *pin_path)
{
	_cleanup_free_ char *file = NULL;
	_cleanup_close_ int fd = -1;
	struct stat info;

	if (fstatat(dir_fd, specs[map].name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	if (pin_file(map, "", pin_path, &file))
		return -ENOMEM;
	fd = bpf_obj_get(file);
	if (fd < 0)
		return fd;
	return is_map(fd) ? take_fd(fd) : -EINVAL;
}

uint64_t map_memory_bytes(int fd)
{
	struct bpf_map_info shape = {};
	__u32 shape_size = sizeof(shape);
	_cleanup_fclose_ FILE *info = NULL;
	char path[64], line[128];
	uint64_t bytes;

	/* Before Linux 6.4 fdinfo counts a key with each value, which arrays do not store. */
	if (!bpf_obj_get_info_by_fd(fd, &shape, &shape_size) && shape.type == BPF_MAP_TYPE_ARRAY)
		return (shape.value_size + 7ULL) / 8 * 8 * shape.max_entries;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			return bytes;
	return 0;
}
