/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing a store: only what bgo made, and in one step for everybody who looks. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "log.h"
#include "store_internal.h"

int store_unlink_pins(int dir_fd, const char *suffix)
{
	int err = 0;

	for (int map = MAP_COUNT - 1; !err && map >= 0; map--)
		err = map_unlink(map, dir_fd, suffix);
	return err;
}

/*
 * While pins are removed, config_map has this name: one rename ends the firewall, and whoever comes
 * after a removal that was killed knows the rest as what it is.
 */
#define REMOVED "removed"

static bool exists(int dir_fd, const char *name)
{
	struct stat info;

	return fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int store_foreign_entry(int dir_fd, char name[static NAME_MAX + 1])
{
	_cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(cleanup_closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	take_fd(fd);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, PIN_DIR_SERVER) == 0 ||
		    strcmp(entry->d_name, PIN_DIR_LINKS) == 0)
			continue;
		strcpy(name, entry->d_name);
		return 1;
	}
	return 0;
}

int store_lock(struct store_lock *out, const char *pin_path)
{
	_cleanup_close_ int dir_fd = pin_dir_open(pin_path, STORE_LOCK_SECONDS);
	struct config config = {};
	int err;

	if (dir_fd < 0)
		return dir_fd == -ENOENT ? 0 : dir_fd;
	err = store_read_config(dir_fd, pin_path, "", &config);
	*out = (struct store_lock){
		.id = !err && config.magic == BGO_MAGIC ? config.store_id : 0,
		.running = pin_dir_server_runs(dir_fd),
		.server_pid = pin_dir_server_pid(dir_fd),
	};
	out->dir_fd = take_fd(dir_fd);
	return 0;
}

void store_unlock(struct store_lock *lock)
{
	cleanup_close(&lock->dir_fd);
	*lock = (struct store_lock)STORE_LOCK_NONE;
}

static int check_removable(int dir_fd, const char *pin_path)
{
	struct config config = {};
	char name[NAME_MAX + 1];
	int err = store_read_config(dir_fd, pin_path, "", &config);

	/* A removal that was killed: half way, or before the last step. */
	if (err == -ENOENT && (exists(dir_fd, REMOVED) || store_foreign_entry(dir_fd, name) == 0))
		return 0;
	if (err && err != -ENOENT && err != -EINVAL)
		return log_error(err, "remove %s: open its config_map", pin_path);
	if (err || (config.magic && config.magic != BGO_MAGIC))
		return log_fail(-EINVAL,
				"remove %s: it is not a firewall of bgo: it has no config_map of "
				"bgo's; nothing was "
				"changed",
				pin_path);
	if (pin_dir_server_runs(dir_fd))
		return log_fail(
			-EBUSY,
			"remove %s: a firewall server is running there (pid %u); stop it first",
			pin_path, config.daemon_pid);
	return 0;
}

static int open_removable(const char *pin_path)
{
	_cleanup_close_ int dir_fd = pin_dir_open(pin_path, STORE_LOCK_SECONDS);
	int err;

	if (dir_fd == -ENOENT)
		return log_fail(-ENOENT, "no firewall at %s: nothing to remove", pin_path);
	if (dir_fd < 0)
		return dir_fd;
	err = check_removable(dir_fd, pin_path);
	return err ? err : take_fd(dir_fd);
}

int store_removable(const char *pin_path)
{
	_cleanup_close_ int dir_fd = open_removable(pin_path);

	return dir_fd < 0 ? dir_fd : 0;
}

int store_finish_removal(int dir_fd)
{
	int err;

	if (!exists(dir_fd, REMOVED))
		return 0;
	err = store_unlink_pins(dir_fd, MAP_NEXT);
	if (!err)
		err = store_unlink_pins(dir_fd, MAP_OLD);
	if (!err)
		err = store_unlink_pins(dir_fd, "");
	if (!err && unlinkat(dir_fd, REMOVED, 0) < 0)
		err = log_error(-errno, "remove pin " REMOVED);
	return err;
}

int store_remove(const char *pin_path)
{
	_cleanup_close_ int dir_fd = open_removable(pin_path);
	char name[NAME_MAX + 1];
	int err;

	if (dir_fd < 0)
		return dir_fd;
	if (renameat(dir_fd, map_name(MAP_config_map), dir_fd, REMOVED) < 0 && errno != ENOENT)
		return log_error(-errno, "remove pin %s", map_name(MAP_config_map));
	err = store_finish_removal(dir_fd);
	if (err)
		return err;
	if (unlinkat(dir_fd, PIN_DIR_LINKS, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return log_error(-errno, "remove %s/%s", pin_path, PIN_DIR_LINKS);
	if (unlinkat(dir_fd, PIN_DIR_SERVER, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return log_error(-errno, "remove %s/%s", pin_path, PIN_DIR_SERVER);
	if (store_foreign_entry(dir_fd, name) == 1) {
		log_warning("%s was left: it has %s, which is not bgo's", pin_path, name);
		return 0;
	}
	return rmdir(pin_path) < 0 ? log_error(-errno, "remove %s", pin_path) : 0;
}
