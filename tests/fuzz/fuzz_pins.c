/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pins of an untrusted directory: the store's code on maps whose contents, sizes and shapes are
 * damaged. The maps are files in memory here, behind the few functions of libbpf that the store
 * calls, so that the sanitizers see every access and no privilege is needed. Input: a command, then
 * damages, five or more bytes each. Without damages everything must work; a store that is refused
 * must not have been written to.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "../damaged_pins.h"
#include "fuzz.h"

#define DAMAGES_MAX 6
#define PAGE_BYTES 4096

/* -- libbpf's part -- */

/* A map: a descriptor of its memory, and what the kernel would tell of it. */
struct fake_map {
	int fd;
	ino_t inode;
	struct bpf_map_info info;
};
#define FAKE_MAPS 256 /* pinned ones are named by their number, the content of the pin */
static struct fake_map maps[FAKE_MAPS];
static int map_count;

static struct fake_map *find_map(int fd)
{
	struct stat wanted;

	MUST(fstat(fd, &wanted) == 0);
	for (int i = 0; i < map_count; i++)
		if (maps[i].inode == wanted.st_ino)
			return &maps[i];
	return NULL;
}

static size_t map_bytes(const struct bpf_map_info *info)
{
	return ((info->value_size + 7ULL) & ~7ULL) * info->max_entries;
}

int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size, __u32 value_size,
		   __u32 max_entries, const struct bpf_map_create_opts *opts)
{
	struct fake_map *map = &maps[map_count];
	struct stat file;

	(void)name;
	if (map_count == FAKE_MAPS || !max_entries)
		return -ENOMEM;
	*map = (struct fake_map){
		.fd = memfd_create("bpf-map", MFD_CLOEXEC),
		.info = {.type = type,
			 .key_size = key_size,
			 .value_size = value_size,
			 .max_entries = max_entries,
			 .map_flags = opts ? opts->map_flags : 0},
	};
	MUST(map->fd >= 0 && ftruncate(map->fd, (off_t)map_bytes(&map->info)) == 0);
	MUST(fstat(map->fd, &file) == 0);
	map->inode = file.st_ino;
	map_count++;
	return fcntl(map->fd, F_DUPFD_CLOEXEC, 3);
}

int bpf_obj_pin(int fd, const char *path)
{
	const int number = (int)(find_map(fd) - maps);
	_cleanup_close_ int pin = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return pin >= 0 && write(pin, &number, sizeof(number)) == sizeof(number) ? 0 : -EEXIST;
}

int bpf_obj_get(const char *path)
{
	_cleanup_close_ int pin = open(path, O_RDONLY | O_CLOEXEC);
	int number;

	if (pin < 0 || read(pin, &number, sizeof(number)) != sizeof(number))
		return -ENOENT;
	return fcntl(maps[number].fd, F_DUPFD_CLOEXEC, 3);
}

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *info_len)
{
	memcpy(info, &find_map(fd)->info, *info_len);
	return 0;
}

/* Of maps with a value for each CPU all are 0. */
int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	const struct fake_map *map = find_map(fd);
	const size_t stride = (map->info.value_size + 7ULL) & ~7ULL;

	if (map->info.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		memset(value, 0, stride * (size_t)libbpf_num_possible_cpus());
		return 0;
	}
	return pread(fd, value, map->info.value_size, (off_t)(*(const __u32 *)key * stride)) ==
			       (ssize_t)map->info.value_size
		       ? 0
		       : -ENOENT;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	const struct fake_map *map = find_map(fd);
	const size_t stride = (map->info.value_size + 7ULL) & ~7ULL;

	(void)flags;
	MUST(*(const __u32 *)key < map->info.max_entries);
	return pwrite(fd, value, map->info.value_size, (off_t)(*(const __u32 *)key * stride)) ==
			       (ssize_t)map->info.value_size
		       ? 0
		       : -EFAULT;
}

/* The directory is of a bpf filesystem to whom asks. */
int statfs(const char *path, struct statfs *info)
{
	(void)path;
	*info = (struct statfs){.f_type = BPF_FS_MAGIC};
	return 0;
}

int fstatfs(int fd, struct statfs *info)
{
	(void)fd;
	return statfs("", info);
}

/* -- A store with rules, made once, and as it was before each input -- */

static char pin_path[] = "/dev/shm/bgo-fuzz-XXXXXX/pins";
static struct fake_map pristine_maps[FAKE_MAPS];
static uint8_t *pristine[FAKE_MAPS], *memory[FAKE_MAPS]; /* their contents, and what is now */
static int pristine_count;

static void remove_pins(void)
{
	char *const slash = strrchr(pin_path, '/');

	(void)store_remove(pin_path);
	*slash = '\0';
	(void)rmdir(pin_path);
	*slash = '/';
}

static void make_pristine(void)
{
	_cleanup_store_ struct store *store = NULL;
	char *const slash = strrchr(pin_path, '/');
	bool created;

	*slash = '\0';
	MUST(mkdtemp(pin_path));
	*slash = '/';
	atexit(remove_pins);
	MUST(store_open_or_create(&store, pin_path, DAMAGED_MAX_RULES, &created) == 0 && created);
	MUST(add_rules(store, 0, DAMAGED_RULES, false) == 1);
	pristine_count = map_count;
	memcpy(pristine_maps, maps, sizeof(maps));
	for (int i = 0; i < map_count; i++) {
		const size_t bytes = map_bytes(&maps[i].info);

		memory[i] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, maps[i].fd, 0);
		pristine[i] = malloc(bytes);
		MUST(memory[i] != MAP_FAILED && pristine[i]);
		memcpy(pristine[i], memory[i], bytes);
	}
}

/* What commands made is closed, what they or damages changed is put back: pins too. */
static void put_back(void)
{
	while (map_count > pristine_count)
		close(maps[--map_count].fd);
	for (int i = 0; i < map_count; i++) {
		const size_t bytes = map_bytes(&pristine_maps[i].info);

		maps[i] = pristine_maps[i];
		MUST(ftruncate(maps[i].fd, (off_t)bytes) == 0);
		for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
			const size_t length = bytes - at < PAGE_BYTES ? bytes - at : PAGE_BYTES;

			if (memcmp(memory[i] + at, pristine[i] + at, length) != 0)
				memcpy(memory[i] + at, pristine[i] + at, length);
		}
	}
	/* The pins were made in the order of the maps. */
	for (enum map map = 0; map < MAP_COUNT; map++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s" MAP_NEXT, pin_path, map_name(map));
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s", pin_path, map_name(map));
		unlink(path);
		rmdir(path);
		MUST(bpf_obj_pin(maps[map].fd, path) == 0);
	}
}

/* -- Damages -- */

/* One field of what is in use: filled with a byte, or one bit of it. */
static void damage_content(struct input *input, enum map map)
{
	_cleanup_store_ struct store *store = NULL;
	const size_t width = (size_t)1 << input_u8(input) % 4;
	const uint32_t place = input_u16(input), value = input_u8(input);
	struct region region;
	uint8_t *at;

	/* Damaged so far that it does not open: then this one is not needed. */
	if (store_open(&store, pin_path, STORE_WRITE))
		return;
	region = region_of(store, map);
	MUST(region.bytes);
	if (region.size < width)
		return;
	at = region.bytes + place % (region.size / width) * width;
	if (input_u8(input) & 1)
		memset(at, (int)value, width);
	else
		at[value / 8 % width] ^= (uint8_t)(1u << value % 8);
}

/* What the kernel says of it, its memory along. */
static void damage_shape(struct input *input, struct fake_map *map)
{
	uint32_t *const fields[] = {&map->info.type, &map->info.key_size, &map->info.value_size,
				    &map->info.max_entries, &map->info.map_flags};

	*fields[input_u8(input) % 5] = input_u16(input);
	if (!map->info.max_entries || !map->info.value_size)
		map->info.max_entries = map->info.value_size = 1; /* there is no empty map */
	MUST(ftruncate(map->fd, (off_t)map_bytes(&map->info)) == 0);
}

/* What stands in its place. */
static void damage_pin(struct input *input, enum map map)
{
	char path[128], other[128];

	snprintf(path, sizeof(path), "%s/%s", pin_path, map_name(map));
	snprintf(other, sizeof(other), "%s/%s", pin_path, map_name(input_u8(input) % MAP_COUNT));
	switch (input_u8(input) % 5) {
	case 0:
		unlink(path);
		break;
	case 1:
		unlink(path);
		MUST(symlink(other, path) == 0);
		break;
	case 2:
		unlink(path);
		MUST(mkdir(path, 0700) == 0);
		break;
	case 3:
		(void)rename(other, path);
		break;
	default:
		strcat(path, MAP_NEXT); /* somebody died while he grew it or all of them */
		(void)rename(other, path);
		break;
	}
}

static void damage(struct input *input)
{
	static const enum map with_content[] = {MAP_config_map, MAP_ruleset_map,
						MAP_rate_limit_config_map, MAP_node_map,
						MAP_blacklist_map};
	const uint32_t kind = input_u8(input);
	const enum map map = input_u8(input) % MAP_COUNT;

	if (kind < 192)
		damage_content(input, with_content[kind % 5]);
	else if (kind < 224)
		damage_shape(input, &maps[map]);
	else
		damage_pin(input, map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	const uint32_t command = input_u8(&input) % DAMAGED_COMMANDS;
	int result;

	if (!pristine_count)
		make_pristine();
	put_back();
	for (int i = 0; i < DAMAGES_MAX && input.at < input.end; i++)
		damage(&input);
	result = damaged_commands[command].run(pin_path);
	MUST(result >= 0 || size > 1);
	/* Whatever it made of them, the next one does not break either. */
	(void)list_and_save(pin_path);
	return 0;
}
