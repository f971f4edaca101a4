/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots on disk: where, whose, in which order. See snapshot.h. */
#include "snapshot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "log.h"
#include "pin_dir.h"
#include "ruleset_text.h"
#include "write_all.h"

/* -- The state directory -- */

struct state_dir {
	int fd; /* may hold its lock */
	char path[SNAPSHOT_PATH_BYTES];
	const char *name; /* of the snapshot in it */
};

static void state_dir_close(struct state_dir *dir)
{
	cleanup_close(&dir->fd);
}

/* Whoever may write there decides what the firewall lets through after a reboot. */
static bool is_trusted(int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && (info.st_uid == geteuid() || info.st_uid == 0) &&
	       !(info.st_mode & 0022);
}

/* Makes the directory unless it is there, and sees that a power failure leaves it there. */
static int make_dir(const char *path)
{
	_cleanup_free_ char *parent = NULL;
	_cleanup_close_ int fd = -1;

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	parent = strndup(path, (size_t)(strrchr(path, '/') + 1 - path));
	fd = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return fd >= 0 && fsync(fd) ? -errno : 0;
}

/*
 * The directory of a snapshot, as *dir. 0 or negative errno, -ENOENT when it is not there and not
 * to be made; then *why is what could not be done.
 */
static int state_dir_open(struct state_dir *dir, const char *file, bool make, const char **why)
{
	char *slash;

	*why = "open its directory";
	dir->fd = -1;
	strcpy(dir->path, file);
	slash = strrchr(dir->path, '/');
	*slash = '\0';
	dir->name = slash + 1;
	if (make) {
		int err = make_dir(dir->path);

		if (err) {
			*why = "make its directory";
			return err;
		}
	}
	dir->fd = open(*dir->path ? dir->path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		return -errno;
	if (is_trusted(dir->fd))
		return 0;
	*why = "trust its directory, which others may write";
	return -EPERM;
}

/* Where the snapshot of the pins is: by the pin path's real name, however it was written. */
static int snapshot_file(const char *state_dir, const char *pin_path,
			 char file[static SNAPSHOT_PATH_BYTES])
{
	_cleanup_free_ char *real = realpath(pin_path, NULL);
	int length = (int)strlen(state_dir);
	char name[NAME_MAX + 1];
	int err;

	if (!real)
		return log_error(-errno, "start: find pin path %s", pin_path);
	while (length && state_dir[length - 1] == '/')
		length--;
	err = snapshot_text_name(real, name);
	if (!err && snprintf(file, SNAPSHOT_PATH_BYTES, "%.*s/%s", length, state_dir, name) >=
			    SNAPSHOT_PATH_BYTES)
		err = -ENAMETOOLONG;
	return err ? log_error(err,
			       "start: name the snapshot of %s in %s; use a shorter "
			       "--pin-path or --state-dir, or --state-dir none",
			       pin_path, state_dir)
		   : 0;
}

/* -- Reading -- */

int snapshot_look(const char *file, struct snapshot_label *label)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[SNAPSHOT_LABEL_BYTES];
	ssize_t bytes;

	if (fd < 0)
		return -errno;
	bytes = read(fd, text, sizeof(text));
	return bytes < 0 ? -errno : snapshot_text_label(text, (size_t)bytes, label);
}

static int read_all(int fd, char **out, size_t *bytes)
{
	_cleanup_free_ char *text = NULL;
	struct stat info;
	size_t length = 0;

	if (fstat(fd, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || !is_trusted(fd))
		return -EPERM;
	text = malloc((size_t)info.st_size + 1); /* one more, for an empty file */
	if (!text)
		return -ENOMEM;
	while (length < (size_t)info.st_size) {
		const ssize_t got = read(fd, text + length, (size_t)info.st_size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		length += (size_t)got;
	}
	*out = take(text);
	*bytes = length;
	return 0;
}

static int read_text(const char *file, char **text, size_t *bytes)
{
	_cleanup_(state_dir_close) struct state_dir dir = {.fd = -1};
	_cleanup_close_ int fd = -1;
	const char *why;
	int err;

	err = state_dir_open(&dir, file, false, &why);
	if (err == -ENOENT)
		return err;
	if (!err) {
		why = "open it";
		fd = openat(dir.fd, dir.name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		err = fd < 0 ? -errno : 0;
	}
	if (err == -ENOENT)
		return err;
	if (!err) {
		why = "read it (it must be a file of yours that others may not write)";
		err = read_all(fd, text, bytes);
	}
	return err ? log_fail(err,
			      "start: there are no maps, and the snapshot %s that may hold their "
			      "rules cannot be read: %s: %s; nothing was changed. --state-dir none "
			      "starts without it",
			      file, why, strerror(-err))
		   : 0;
}

/* A start's snapshot: what a new store begins with. */
struct origin {
	const char *state_dir, *pin_path;
	char file[SNAPSHOT_PATH_BYTES];
	bool found;
	struct ruleset_file rules;
};

static void origin_free(struct origin *origin)
{
	ruleset_file_free(&origin->rules);
}

static int parse(struct origin *origin, const char *text, size_t bytes,
		 struct snapshot_label *label)
{
	_cleanup_fclose_ FILE *in = bytes ? fmemopen((void *)text, bytes, "r") : NULL;
	int err = 0;

	if (bytes && !in)
		return log_error(-errno, "read %s", origin->file);
	/* The parser first: it knows better in which line what is wrong. */
	if (in)
		err = ruleset_file_parse(in, origin->file, &origin->rules);
	return err ? err : snapshot_text_check(text, bytes, origin->file, label);
}

static int origin_read(void *data, uint32_t *max_rules)
{
	struct origin *origin = data;
	_cleanup_free_ char *text = NULL;
	struct snapshot_label label = {0};
	size_t bytes = 0;
	int err;

	err = snapshot_file(origin->state_dir, origin->pin_path, origin->file);
	if (!err)
		err = read_text(origin->file, &text, &bytes);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = parse(origin, text, bytes, &label);
	if (err)
		return log_fail(err,
				"start: there are no maps, and the snapshot of their rules cannot "
				"be restored; nothing was changed. To start without any rules move "
				"%s away; its text is as `bgo firewall-update --action restore` "
				"takes it",
				origin->file);
	origin->found = true;
	if (label.max_rules > *max_rules)
		*max_rules = label.max_rules;
	return 0;
}

static int origin_fill(void *data, struct store *store)
{
	struct origin *origin = data;
	_cleanup_transaction_ struct transaction *txn = NULL;
	int err;

	store_set_snapshot(store, origin->file);
	if (!origin->found)
		return 0;
	err = transaction_begin(&txn, store);
	if (!err)
		err = transaction_replace_all(txn);
	if (!err)
		err = ruleset_text_apply(&origin->rules, origin->file, txn);
	if (!err)
		err = transaction_commit(&txn);
	if (err < 0)
		return err;
	log_info("Restored %zu rule%s from %s", origin->rules.rule_count,
		 origin->rules.rule_count == 1 ? "" : "s", origin->file);
	return 0;
}

/* Whether there is a file that is not also the second one by another name. */
static bool is_other_file(const char *file, const char *second)
{
	struct stat is, other;

	if (!*file || strcmp(file, second) == 0 || stat(file, &is) < 0)
		return false;
	return stat(second, &other) < 0 || is.st_ino != other.st_ino || is.st_dev != other.st_dev;
}

/* Maps that were there: from now on their snapshot is in this directory. */
static int adopt(struct store *store, struct origin *origin)
{
	const char *before = store_snapshot(store);

	if (origin->state_dir) {
		int err = snapshot_file(origin->state_dir, origin->pin_path, origin->file);

		if (err)
			return err;
	}
	if (is_other_file(before, origin->file))
		log_info("The snapshot %s is not kept up to date any more: remove it", before);
	store_set_snapshot(store, origin->file);
	return 0;
}

int snapshot_open_or_create(struct store **out, const char *pin_path, uint32_t max_rules,
			    const char *state_dir, bool *created)
{
	_cleanup_(origin_free) struct origin origin = {
		.state_dir = state_dir,
		.pin_path = pin_path,
	};
	const struct store_origin from = {origin_read, origin_fill, &origin};
	_cleanup_store_ struct store *store = NULL;
	bool is_new;
	int err;

	err = store_open_or_create_from(&store, pin_path, max_rules, state_dir ? &from : NULL,
					&is_new);
	if (!err && !is_new && !store_server_pid(store))
		err = adopt(store, &origin);
	if (err)
		return err;
	*created = is_new;
	*out = take(store);
	return 0;
}

/* -- Writing -- */

static int write_file(const struct state_dir *dir, const char *text, size_t bytes, const char **why)
{
	char beside[NAME_MAX + 8];
	_cleanup_close_ int fd = -1;
	int err;

	/* Under the lock: one left by a writer that was killed is nobody's any more. */
	snprintf(beside, sizeof(beside), ".%.*s.new", NAME_MAX - 5, dir->name);
	*why = "write beside it";
	if (unlinkat(dir->fd, beside, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir->fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, bytes);
	if (!err && fsync(fd))
		err = -errno;
	if (!err && renameat(dir->fd, beside, dir->fd, dir->name)) {
		*why = "rename over it";
		err = -errno;
	}
	if (err) {
		unlinkat(dir->fd, beside, 0);
		return err;
	}
	*why = "fsync its directory";
	return fsync(dir->fd) ? -errno : 0;
}

/*
 * Under both locks. *text stays NULL when what is on disk is of this state, or of the one to go
 * back to while a change waits to be confirmed: a reboot is one way back.
 */
static int take_state(const struct store *store, const char *file, char **text, size_t *bytes,
		      struct snapshot_label *label)
{
	struct snapshot_label there = {0};
	int err = snapshot_look(file, &there);

	*label = (struct snapshot_label){store_id(store), store_generation(store),
					 store_max_rules(store)};
	if (store_unconfirmed(store) ||
	    (!err && there.store_id == label->store_id && store_is_of(store, there.generation)))
		return 0;
	return snapshot_text_write(store, text, bytes);
}

/*
 * The state directory's lock, while the store is open. When others hold it the store is closed
 * while we wait, and opened again: the other order would be theirs.
 */
static int lock_dir(const struct state_dir *dir, struct store **store, unsigned int seconds,
		    const char **why)
{
	_cleanup_free_ char *pin_path = strdup(store_pin_path(*store));
	int err;

	if (!pin_path)
		return -ENOMEM;
	*why = NULL; /* all of these log their failure */
	err = dir_lock("state directory", dir->path, dir->fd, 0);
	if (err != -EWOULDBLOCK || !seconds)
		return err;
	store_close(take(*store));
	err = dir_lock("state directory", dir->path, dir->fd, seconds);
	return err ? err : store_try_open(store, pin_path, STORE_READ, seconds);
}

/* Under both locks; the store's is given up before the disk works. */
static int write_state(struct store **store, const struct state_dir *dir, const char *file,
		       struct snapshot_label *label, const char **why)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes = 0;
	int err;

	*why = "take the rules as text";
	err = take_state(*store, file, &text, &bytes, label);
	store_close(take(*store));
	return err || !text ? err : write_file(dir, text, bytes, why);
}

int snapshot_write(struct store **open_store, unsigned int seconds, struct snapshot_label *label,
		   const char **why)
{
	_cleanup_store_ struct store *store = take(*open_store);
	_cleanup_(state_dir_close) struct state_dir dir = {.fd = -1};
	char file[SNAPSHOT_PATH_BYTES];
	int err;

	*label = (struct snapshot_label){0};
	strcpy(file, store_snapshot(store));
	err = state_dir_open(&dir, file, true, why);
	if (!err)
		err = lock_dir(&dir, &store, seconds, why);
	if (err)
		return err;
	/* Somebody may have started another server meanwhile, which then sees to it. */
	if (strcmp(file, store_snapshot(store)) != 0)
		return 0;
	return write_state(&store, &dir, file, label, why);
}

void snapshot_after_change(struct store **store)
{
	char file[SNAPSHOT_PATH_BYTES];
	struct snapshot_label label;
	const char *why = NULL;
	int err;

	strcpy(file, store_snapshot(*store));
	if (!*file || store_server_pid(*store)) {
		store_close(take(*store));
		return;
	}
	err = snapshot_write(store, STORE_LOCK_SECONDS, &label, &why);
	if (err == -ENOENT && !why) /* the firewall was removed meanwhile */
		return;
	if (err)
		log_warning("the change is in force, but its snapshot %s was not written: %s%s%s; "
			    "a reboot now would bring back older rules",
			    file, why ? why : "see above", why ? ": " : "",
			    why ? strerror(-err) : "");
}

/* -- Removing -- */

/* Holds the directory's lock in *dir, so that nobody writes the snapshot anew. */
static int remove_file(struct state_dir *dir, const char *file)
{
	const char *why;
	int err;

	err = state_dir_open(dir, file, false, &why);
	if (err == -ENOENT)
		return 0;
	if (!err) {
		err = dir_lock("state directory", dir->path, dir->fd, STORE_LOCK_SECONDS);
		if (err)
			return err;
		why = "remove it";
		if (unlinkat(dir->fd, dir->name, 0) < 0)
			err = errno == ENOENT ? 0 : -errno;
		else if (fsync(dir->fd))
			err = -errno;
	}
	return err ? log_error(err,
			       "cleanup-maps: the next start would bring back the rules of the "
			       "snapshot %s; nothing was changed, because this failed: %s",
			       file, why)
		   : 0;
}

/* The file goes first: killed between the two, the firewall is still there and writes it anew. */
int snapshot_remove_store(const char *pin_path)
{
	_cleanup_(state_dir_close) struct state_dir dir = {.fd = -1};
	char file[SNAPSHOT_PATH_BYTES];
	int err = 0;

	store_snapshot_of(pin_path, file);
	if (*file)
		err = remove_file(&dir, file);
	return err ? err : store_remove(pin_path);
}
