/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory links/ of the pin path: see link_pins.h. */
#include "link_pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "log.h"
#include "pin_dir.h"
#include "rule.h"

/* Names of Linux 6.6 that the headers of Debian 12 do not have. */
#define LINK_TYPE_TCX 11
#define TCX_ATTACH_INGRESS 46

#define PROGRAM_PREFIX "program:"

struct pinned_program {
	int fd;
	uint32_t id;
	bool held; /* see link_pins_hold_program() */
};

struct link_pins {
	char *path;
	struct pinned_link *links;
	size_t link_count;
	struct pinned_program *programs;
	size_t program_count;
};

static int pin_path_of(const struct link_pins *pins, const char *name, char path[static PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", pins->path, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* -- Reading -- */

static int add_program(struct link_pins *pins, int *fd)
{
	struct pinned_program *grown;
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(*fd, &info, &length))
		return -errno;
	grown = reallocarray(pins->programs, pins->program_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	pins->programs = grown;
	pins->programs[pins->program_count++] =
		(struct pinned_program){.fd = take_fd(*fd), .id = info.id};
	return 0;
}

/* -EINVAL: not a link of XDP or TCX. */
static int inspect_link(int fd, struct pinned_link *out)
{
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	out->link_id = info.id;
	out->program_id = info.prog_id;
	/* struct tcx begins as struct xdp does: ifindex, and then the attach type. */
	out->ifindex = info.xdp.ifindex;
	if (info.type == BPF_LINK_TYPE_XDP) {
		out->hook = HOOK_XDP;
	} else if (info.type == LINK_TYPE_TCX) {
		out->hook =
			info.netns.attach_type == TCX_ATTACH_INGRESS ? HOOK_INGRESS : HOOK_EGRESS;
	} else {
		return -EINVAL;
	}
	return 0;
}
_Static_assert(offsetof(struct bpf_link_info, netns.attach_type) ==
		       offsetof(struct bpf_link_info, xdp.ifindex) + sizeof(__u32),
	       "the attach type of struct tcx");

static int add_link(struct link_pins *pins, const char *name, int *fd)
{
	struct pinned_link link = {};
	struct pinned_link *grown;
	int err;

	err = inspect_link(*fd, &link);
	if (err)
		return err;
	grown = reallocarray(pins->links, pins->link_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	pins->links = grown;
	snprintf(link.name, sizeof(link.name), "%s", name);
	link.fd = take_fd(*fd);
	pins->links[pins->link_count++] = link;
	return 0;
}

static int read_pin(struct link_pins *pins, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int err;

	err = pin_path_of(pins, name, path);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	return strncmp(name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) == 0
		       ? add_program(pins, &fd)
		       : add_link(pins, name, &fd);
}

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int read_directory(struct link_pins *pins)
{
	_cleanup_(cleanup_closedir) DIR *dir = opendir(pins->path);
	const struct dirent *entry;
	int err;

	if (!dir)
		return errno == ENOENT ? 0 : log_error(-errno, "open %s", pins->path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		err = read_pin(pins, entry->d_name);
		if (err == -EINVAL)
			log_warning("%s/%s is not bgo's; it was left alone", pins->path,
				    entry->d_name);
		/* ENOENT: removed since; the running server may change its pins. */
		else if (err && err != -ENOENT)
			return log_error(err, "open pin %s/%s", pins->path, entry->d_name);
	}
	return 0;
}

int link_pins_open(struct link_pins **out, const char *pin_path)
{
	_cleanup_link_pins_ struct link_pins *pins = calloc(1, sizeof(*pins));
	int err;

	if (!pins || asprintf(&pins->path, "%s/" PIN_DIR_LINKS, pin_path) < 0)
		return log_error(-ENOMEM, "open %s/" PIN_DIR_LINKS, pin_path);
	err = read_directory(pins);
	if (err)
		return err;
	*out = take(pins);
	return 0;
}

void link_pins_close(struct link_pins *pins)
{
	if (!pins)
		return;
	for (size_t i = 0; i < pins->link_count; i++)
		cleanup_close(&pins->links[i].fd);
	for (size_t i = 0; i < pins->program_count; i++)
		cleanup_close(&pins->programs[i].fd);
	free(pins->links);
	free(pins->programs);
	free(pins->path);
	free(pins);
}

void link_pins_cleanup(struct link_pins **pins)
{
	link_pins_close(*pins);
}

struct pinned_link *link_pins_next(const struct link_pins *pins, const struct pinned_link *after)
{
	struct pinned_link *const end = pins->links + pins->link_count;
	struct pinned_link *link = after ? pins->links + (after - pins->links) + 1 : pins->links;

	while (link < end && link->fd < 0)
		link++;
	return link < end ? link : NULL;
}

/* -- Pinning -- */

/* bpffs takes no dots in names. */
static void escape(const char *interface, char out[static 3 * IF_NAMESIZE])
{
	for (; *interface; interface++) {
		if (*interface == '.' || *interface == '%')
			out += sprintf(out, "%%%02x", (unsigned char)*interface);
		else
			*out++ = *interface;
	}
	*out = '\0';
}

static int pin(const struct link_pins *pins, int fd, const char *name)
{
	char path[PATH_MAX];
	int err;

	if (mkdir(pins->path, 0700) < 0 && errno != EEXIST)
		return log_error(-errno, "make %s", pins->path);
	err = pin_path_of(pins, name, path);
	if (!err)
		err = bpf_obj_pin(fd, path);
	return err ? log_error(err, "pin %s/%s", pins->path, name) : 0;
}

int link_pins_add(const struct link_pins *pins, int link_fd, const char *interface, enum hook hook,
		  char name[static LINK_PIN_BYTES])
{
	char escaped[3 * IF_NAMESIZE], made[LINK_PIN_BYTES];
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);
	int err;

	if (bpf_obj_get_info_by_fd(link_fd, &info, &length))
		return log_error(-errno, "ask for the number of the %s link of interface %s",
				 hook_name(hook), interface);
	escape(interface, escaped);
	snprintf(made, sizeof(made), "%s:%s:%u", escaped, hook_name(hook), info.id);
	err = pin(pins, link_fd, made);
	if (!err)
		strcpy(name, made);
	return err;
}

int link_pins_remove(const struct link_pins *pins, const char *name)
{
	char path[PATH_MAX];
	int err;

	if (!*name)
		return 0;
	err = pin_path_of(pins, name, path);
	if (!err && unlink(path) < 0 && errno != ENOENT)
		err = -errno;
	return err ? log_error(err, "remove pin %s/%s", pins->path, name) : 0;
}

bool link_pins_has(const struct link_pins *pins, const char *name)
{
	char path[PATH_MAX];

	return pin_path_of(pins, name, path) || access(path, F_OK) == 0 || errno != ENOENT;
}

/* -- Programs -- */

static int record_program(struct link_pins *pins, int program_fd)
{
	_cleanup_close_ int fd = fcntl(program_fd, F_DUPFD_CLOEXEC, 0);
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);
	char name[LINK_PIN_BYTES];
	int err;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return log_error(-errno, "record a program in %s", pins->path);
	if (link_pins_program(pins, info.id) >= 0)
		return 0;
	err = add_program(pins, &fd);
	if (err)
		return log_error(err, "record a program in %s", pins->path);
	snprintf(name, sizeof(name), PROGRAM_PREFIX "%u", info.id);
	return pin(pins, program_fd, name);
}

int link_pins_add_programs(struct link_pins *pins, const struct programs *programs)
{
	int fds[PROGRAMS_MAX];
	const size_t count = programs_fds(programs, fds);
	int err = 0;

	for (size_t i = 0; !err && i < count; i++)
		err = record_program(pins, fds[i]);
	return err;
}

static bool is_one_of(uint32_t id, const struct programs *programs)
{
	int fds[PROGRAMS_MAX];
	const size_t count = programs_fds(programs, fds);

	for (size_t i = 0; i < count; i++) {
		struct bpf_prog_info info = {};
		__u32 length = sizeof(info);

		if (bpf_obj_get_info_by_fd(fds[i], &info, &length) == 0 && info.id == id)
			return true;
	}
	return false;
}

static int remove_program(const struct link_pins *pins, struct pinned_program *program)
{
	char name[LINK_PIN_BYTES];
	int err;

	if (program->fd < 0)
		return 0;
	snprintf(name, sizeof(name), PROGRAM_PREFIX "%u", program->id);
	err = link_pins_remove(pins, name);
	if (err)
		return err;
	cleanup_close(&program->fd);
	program->fd = -1;
	return 0;
}

int link_pins_keep_programs(struct link_pins *pins, const struct programs *keep)
{
	int err = 0;

	for (size_t i = 0; !err && i < pins->program_count; i++)
		if (!is_one_of(pins->programs[i].id, keep))
			err = remove_program(pins, &pins->programs[i]);
	return err;
}

int link_pins_remove_programs(struct link_pins *pins, const struct programs *programs)
{
	int err = 0;

	for (size_t i = 0; !err && i < pins->program_count; i++)
		if (!pins->programs[i].held &&
		    (!programs || is_one_of(pins->programs[i].id, programs)))
			err = remove_program(pins, &pins->programs[i]);
	return err;
}

void link_pins_hold_program(struct link_pins *pins, uint32_t program_id)
{
	for (size_t i = 0; i < pins->program_count; i++)
		if (pins->programs[i].id == program_id)
			pins->programs[i].held = true;
}

int link_pins_program(const struct link_pins *pins, uint32_t program_id)
{
	for (size_t i = 0; i < pins->program_count; i++)
		if (pins->programs[i].fd >= 0 && pins->programs[i].id == program_id)
			return pins->programs[i].fd;
	return -ENOENT;
}
