/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds SSH servers by the names of processes and the sockets they hold. See ssh_sockets.h. */
#include "ssh_sockets.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

/* Sockets of SSH servers' processes, by inode. */
struct inodes {
	uint32_t *items;
	size_t count, capacity;
};

static void inodes_free(struct inodes *inodes)
{
	free(inodes->items);
}

static void closedir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void add_inode(struct inodes *inodes, uint32_t inode)
{
	if (inodes->count == inodes->capacity) {
		const size_t capacity = inodes->capacity ? 2 * inodes->capacity : 64;
		uint32_t *items = reallocarray(inodes->items, capacity, sizeof(*items));

		if (!items)
			return;
		inodes->items = items;
		inodes->capacity = capacity;
	}
	inodes->items[inodes->count++] = inode;
}

static bool has_inode(const struct inodes *inodes, uint32_t inode)
{
	for (size_t i = 0; i < inodes->count; i++)
		if (inodes->items[i] == inode)
			return true;
	return false;
}

/* "sshd", "sshd-session", "dropbear": what SSH servers call themselves. */
static bool is_ssh_server(int proc_fd, const char *pid)
{
	char path[32], name[32];
	_cleanup_close_ int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);
	if (length <= 0)
		return false;
	name[length] = '\0';
	return strncmp(name, "sshd", 4) == 0 || strncmp(name, "dropbear", 8) == 0;
}

static void add_sockets_of(int proc_fd, const char *pid, struct inodes *inodes)
{
	_cleanup_(closedir_cleanup) DIR *dir = NULL;
	char path[32], target[64];
	const struct dirent *entry;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		const ssize_t length = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
		unsigned int inode;

		if (length <= 0)
			continue;
		target[length] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) == 1)
			add_inode(inodes, inode);
	}
}

static void find_sockets(struct inodes *inodes)
{
	_cleanup_(closedir_cleanup) DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    is_ssh_server(dirfd(proc), entry->d_name))
			add_sockets_of(dirfd(proc), entry->d_name, inodes);
}

struct search {
	const struct inodes *inodes;
	struct ssh_ports connected; /* local ends of SSH servers' connections */
	struct ssh_ports *found;
};

static void add_port(struct ssh_ports *ports, uint16_t port)
{
	if (ports->count < SSH_PORTS_MAX && !ssh_ports_have(ports, port))
		ports->ports[ports->count++] = port;
}

static int visit_connection(void *data, const struct tcp_socket *socket)
{
	struct search *search = data;

	if (has_inode(search->inodes, socket->inode))
		add_port(&search->connected, socket->local_port);
	return 0;
}

/* A port that an SSH server's connection has, and on which somebody listens, or it does itself. */
static int visit_listener(void *data, const struct tcp_socket *socket)
{
	struct search *search = data;

	if (has_inode(search->inodes, socket->inode) ||
	    ssh_ports_have(&search->connected, socket->local_port))
		add_port(search->found, socket->local_port);
	return 0;
}

bool ssh_ports_have(const struct ssh_ports *ports, uint16_t port)
{
	for (unsigned int i = 0; i < ports->count; i++)
		if (ports->ports[i] == port)
			return true;
	return false;
}

void ssh_ports_find(struct ssh_ports *out)
{
	_cleanup_(inodes_free) struct inodes inodes = {0};
	struct search search = {.inodes = &inodes, .found = out};

	*out = (struct ssh_ports){0};
	find_sockets(&inodes);
	if (inodes.count) {
		(void)tcp_sockets_list(TCP_SOCKETS_ESTABLISHED, visit_connection, &search);
		(void)tcp_sockets_list(TCP_SOCKETS_LISTENING, visit_listener, &search);
	}
	if (!out->count)
		add_port(out, SSH_DEFAULT_PORT);
}
