/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts one program of arms.bpf.c on an interface, says "ready" and stays until it is killed, which
 * takes the program away again.
 *
 *	arm drop|pass|parse|trie|tc-drop INTERFACE [LIST-FILE]
 *	arm fill-xdp-filter MAP-PIN LIST-FILE
 *
 * The second fills the map of the real xdp-filter.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../src/cidr.h"
#include "../src/cleanup.h"
#include "../src/log.h"
#include "bench/arms.skel.h"

#define TRIE_RULES_MAX 2000000

/* What a line of a list becomes in a map. */
typedef int list_entry(int map_fd, const struct rule *rule, const void *context);

static int each_in_list(const char *path, list_entry *entry, int map_fd, const void *context)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[CIDR_TEXT_BYTES + 1];

	if (!file)
		return log_error(-errno, "open %s", path);
	while (fgets(line, sizeof(line), file)) {
		struct rule rule = {0};
		const char *error;
		int err;

		line[strcspn(line, "\n")] = '\0';
		if (cidr_parse(line, strlen(line), &rule, &error))
			return log_fail(-EINVAL, "%s: \"%s\": %s", path, line, error);
		err = entry(map_fd, &rule, context);
		if (err)
			return log_error(err, "%s: add %s to a map", path, line);
	}
	return 0;
}

static int add_to_trie(int map_fd, const struct rule *rule, const void *context)
{
	struct {
		uint32_t prefix_len, addr_be[4];
	} key = {.prefix_len = rule->prefix_len};
	const uint32_t value = 1;

	(void)context;
	for (int word = 0; word < 4; word++)
		key.addr_be[word] = htonl(rule->addr_host[word]);
	return bpf_map_update_elem(map_fd, &key, &value, BPF_ANY) ? -errno : 0;
}

static int add_address(int map_fd, const struct rule *rule, const void *value)
{
	uint32_t addr_be[4];

	for (int word = 0; word < 4; word++)
		addr_be[word] = htonl(rule->addr_host[word]);
	return bpf_map_update_elem(map_fd, addr_be, value, BPF_ANY) ? -errno : 0;
}

/* Gives every address of the list the value of the one that is in xdp-filter's map: its command
 * takes one address at a time. */
static int fill_xdp_filter(const char *pin, const char *list)
{
	_cleanup_close_ int map_fd = bpf_obj_get(pin);
	_cleanup_free_ uint64_t *values = calloc((size_t)libbpf_num_possible_cpus(), 8);
	uint32_t addr_be[4];

	if (map_fd < 0)
		return log_error(-errno, "open %s", pin);
	if (!values)
		return -ENOMEM;
	if (bpf_map_get_next_key(map_fd, NULL, addr_be) ||
	    bpf_map_lookup_elem(map_fd, addr_be, values))
		return log_error(-errno, "read the address in %s", pin);
	return each_in_list(list, add_address, map_fd, values);
}

static int attach_tc(const struct bpf_program *program, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program));
	int err = bpf_tc_hook_create(&hook);

	return err ?: bpf_tc_attach(&hook, &options);
}

static int attach_xdp(const struct bpf_program *program, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(bpf_program__fd(program), ifindex, BPF_XDP, &options);

	return fd < 0 ? -errno : 0; /* the link lives as long as this process */
}

static const struct bpf_program *arm_program(const struct arms_bpf *arms, const char *name)
{
	if (!strcmp(name, "drop"))
		return arms->progs.arm_drop;
	if (!strcmp(name, "pass"))
		return arms->progs.arm_pass;
	if (!strcmp(name, "parse"))
		return arms->progs.arm_parse;
	return strcmp(name, "trie") ? arms->progs.arm_tc_drop : arms->progs.arm_trie;
}

static int arm_attach(const struct bpf_program *program, const char *interface)
{
	const int ifindex = (int)if_nametoindex(interface);
	const bool tc = bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS;
	int err = tc ? attach_tc(program, ifindex) : attach_xdp(program, ifindex);

	return err ? log_error(err, "attach %s to %s", bpf_program__name(program), interface) : 0;
}

static int arm_run(const char *name, const char *interface, const char *list)
{
	struct arms_bpf *arms = arms_bpf__open();
	int err;

	if (!arms)
		return log_error(-errno, "open the arms");
	bpf_map__set_max_entries(arms->maps.trie, TRIE_RULES_MAX);
	err = arms_bpf__load(arms);
	if (err)
		return log_error(err, "load the arms");
	err = list ? each_in_list(list, add_to_trie, bpf_map__fd(arms->maps.trie), NULL) : 0;
	if (err)
		return err;
	err = arm_attach(arm_program(arms, name), interface);
	if (err)
		return err;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"drop", "pass", "parse", "trie", "tc-drop"};

	log_program("arm");
	for (size_t i = 0; argc >= 3 && argc <= 4 && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(argv[1], names[i]))
			return arm_run(argv[1], argv[2], argv[3]) ? 1 : 0;
	if (argc == 4 && !strcmp(argv[1], "fill-xdp-filter"))
		return fill_xdp_filter(argv[2], argv[3]) ? 1 : 0;
	fprintf(stderr, "usage: arm drop|pass|parse|trie|tc-drop INTERFACE [LIST-FILE]\n"
			"       arm fill-xdp-filter MAP-PIN LIST-FILE\n");
	return 2;
}
