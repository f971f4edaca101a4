/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pinned map: create, pin, open, check. See map_pin.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "log.h"
#include "map_pin.h"

#define MAP_SHAPE(map_name, map_type, key, value, entries, map_flags)                              \
	[MAP_##map_name] = {                                                                       \
		.name = #map_name,                                                                 \
		.type = BPF_MAP_TYPE_##map_type,                                                   \
		.key_bytes = sizeof(key),                                                          \
		.value_bytes = sizeof(value),                                                      \
		.flags = map_flags,                                                                \
	},
static const struct map_shape shapes[MAP_COUNT] = {PROGRAM_MAPS(MAP_SHAPE) USER_MAPS(MAP_SHAPE)};

_Static_assert(2ull * NODES_PER_HALF(STORE_MAX_MAX_RULES) <= ENTRY_PAYLOAD_MASK + 1ull,
	       "an entry of the graph can name every node");

const char *map_name(enum map map)
{
	return shapes[map].name;
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

bool map_holds_connections(enum map map)
{
	return map >= MAP_conn_track_map && map <= MAP_conn_half_open_map;
}

size_t map_stride(enum map map)
{
	return (shapes[map].value_bytes + 7u) & ~7u;
}

int map_create(enum map map, uint32_t entries)
{
	const struct map_shape *shape = &shapes[map];
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape->flags);
	char name[BPF_OBJ_NAME_LEN];
	int fd;

	/* The kernel takes 15 characters; the pin has the whole name. */
	snprintf(name, sizeof(name), "%.*s", BPF_OBJ_NAME_LEN - 1, shape->name);
	fd = bpf_map_create(shape->type, name, shape->key_bytes, shape->value_bytes, entries,
			    &options);
	if (fd < 0)
		return log_error(fd, "create %s with %u entries", shape->name, entries);
	return fd;
}

static int pin_file(const char *name, const char *suffix, const char *pin_path, char **out)
{
	return asprintf(out, "%s%s%s%s", pin_path ? pin_path : "", pin_path ? "/" : "", name,
			suffix) < 0
		       ? -ENOMEM
		       : 0;
}

int map_pin(enum map map, int fd, const char *pin_path, const char *suffix)
{
	_cleanup_free_ char *file = NULL;
	int err;

	err = pin_file(map_name(map), suffix, pin_path, &file);
	if (!err)
		err = bpf_obj_pin(fd, file);
	if (err)
		return log_error(err, "pin %s%s in %s", shapes[map].name, suffix, pin_path);
	return 0;
}

int map_rename(enum map map, int dir_fd, const char *suffix)
{
	_cleanup_free_ char *name = NULL;

	if (pin_file(map_name(map), suffix, NULL, &name))
		return -ENOMEM;
	if (renameat(dir_fd, name, dir_fd, map_name(map)) < 0)
		return log_error(-errno, "rename pin %s to %s", name, map_name(map));
	return 0;
}

int map_unlink(enum map map, int dir_fd, const char *suffix)
{
	_cleanup_free_ char *name = NULL;

	if (pin_file(map_name(map), suffix, NULL, &name))
		return -ENOMEM;
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return log_error(-errno, "remove pin %s", name);
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

static int check_shape(const struct map_shape *shape, int fd, const char *file, uint32_t *entries)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);
	int err;

	if (!is_map(fd))
		return log_fail(-EINVAL, "open pin %s: it is not a map", file);
	err = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (err)
		return log_error(err, "look at map %s", file);
	if (info.type != shape->type || info.key_size != shape->key_bytes ||
	    info.value_size != shape->value_bytes || info.map_flags != shape->flags)
		return log_fail(
			-EINVAL,
			"open %s: it has type %u, key %u, value %u bytes, flags 0x%x; in its "
			"layout it has type %u, key %u, value %u bytes, flags 0x%x; nothing was "
			"changed. Put it right, or remove it all with "
			"`bgo firewall-server cleanup-maps`",
			file, info.type, info.key_size, info.value_size, info.map_flags,
			shape->type, shape->key_bytes, shape->value_bytes, shape->flags);
	*entries = info.max_entries;
	return 0;
}

int map_open_shape(const struct map_shape *shape, int dir_fd, const char *pin_path,
		   const char *suffix, uint32_t *entries)
{
	_cleanup_free_ char *name = NULL, *file = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	if (pin_file(shape->name, suffix, NULL, &name) ||
	    pin_file(shape->name, suffix, pin_path, &file))
		return -ENOMEM;
	err = check_file(dir_fd, name, pin_path);
	if (err)
		return err;
	fd = bpf_obj_get(file);
	if (fd < 0)
		return log_error(fd, "open pin %s", file);
	err = check_shape(shape, fd, file, entries);
	return err ? err : take_fd(fd);
}

int map_open(enum map map, int dir_fd, const char *pin_path, const char *suffix, uint32_t *entries)
{
	return map_open_shape(&shapes[map], dir_fd, pin_path, suffix, entries);
}

int map_open_any(enum map map, int dir_fd, const char *pin_path, const char *suffix)
{
	_cleanup_free_ char *name = NULL, *file = NULL;
	_cleanup_close_ int fd = -1;
	struct stat info;

	if (pin_file(map_name(map), suffix, NULL, &name) ||
	    pin_file(map_name(map), suffix, pin_path, &file))
		return -ENOMEM;
	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	fd = bpf_obj_get(file);
	if (fd < 0)
		return fd;
	return is_map(fd) ? take_fd(fd) : -EINVAL;
}

int map_sum_cpus(int fd, uint32_t key, uint64_t *sums, uint32_t words)
{
	const int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = cpus < 0 ? NULL : calloc(cpus, words * sizeof(*values));
	int err = values ? bpf_map_lookup_elem(fd, &key, values) : -ENOMEM;

	if (err)
		return err;
	memset(sums, 0, words * sizeof(*sums));
	for (uint32_t i = 0; i < cpus * words; i++)
		sums[i % words] += values[i];
	return 0;
}

uint32_t map_max_entries(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.max_entries;
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
