/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts one program of arms.bpf.c on an interface, says "ready" and stays until it is killed, which
 * takes the program away again.
 *
 *	arm drop|pass|parse|tc-drop INTERFACE
 *	arm trie INTERFACE LIST-FILE
 *	arm redirect INTERFACE TO-INTERFACE
 *	arm server|echo INTERFACE ADDRESS PORT
 *	arm fill-xdp-filter MAP-PIN LIST-FILE
 *
 * The last one fills the map of the real xdp-filter.
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
#include "../src/lvs.h"
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

/* Before its program is loaded: ADDRESS PORT. */
static int set_server(struct arms_bpf *arms, char **arguments)
{
	struct lvs_endpoint server = {0};
	const char *error;

	if (lvs_parse_addr(arguments[0], &server, &error))
		return log_fail(-EINVAL, "%s: %s", arguments[0], error);
	for (int word = 0; word < 4; word++)
		arms->rodata->server_addr_be[word] = server.addr_be[word];
	arms->rodata->server_port_be = htons((uint16_t)atoi(arguments[1]));
	return 0;
}

/* LIST-FILE */
static int fill_trie(struct arms_bpf *arms, char **arguments)
{
	return each_in_list(arguments[0], add_to_trie, bpf_map__fd(arms->maps.trie), NULL);
}

/* TO-INTERFACE */
static int set_redirect(struct arms_bpf *arms, char **arguments)
{
	const uint32_t zero = 0, ifindex = if_nametoindex(arguments[0]);

	if (bpf_map_update_elem(bpf_map__fd(arms->maps.redirect_port), &zero, &ifindex, BPF_ANY))
		return log_error(-errno, "redirect to %s", arguments[0]);
	return 0;
}

/* Each has an INTERFACE, and some arguments behind it. */
typedef int arm_prepare(struct arms_bpf *arms, char **arguments);
static const struct arm {
	const char *name, *program;
	int arguments;
	arm_prepare *before_load, *after_load;
} known_arms[] = {
	{"drop", "arm_drop", 0, NULL, NULL},
	{"pass", "arm_pass", 0, NULL, NULL},
	{"parse", "arm_parse", 0, NULL, NULL},
	{"tc-drop", "arm_tc_drop", 0, NULL, NULL},
	{"trie", "arm_trie", 1, NULL, fill_trie},
	{"redirect", "arm_redirect", 1, NULL, set_redirect},
	{"server", "arm_server", 2, set_server, NULL},
	{"echo", "arm_echo", 2, set_server, NULL},
};

static int arm_attach(const struct arms_bpf *arms, const struct arm *arm, const char *interface)
{
	const struct bpf_program *program =
		bpf_object__find_program_by_name(arms->obj, arm->program);
	const int ifindex = (int)if_nametoindex(interface);
	const bool tc = bpf_program__type(program) == BPF_PROG_TYPE_SCHED_CLS;
	int err = tc ? attach_tc(program, ifindex) : attach_xdp(program, ifindex);

	return err ? log_error(err, "attach %s to %s", arm->program, interface) : 0;
}

static int arm_run(const struct arm *arm, const char *interface, char **arguments)
{
	struct arms_bpf *arms = arms_bpf__open();
	int err;

	if (!arms)
		return log_error(-errno, "open the arms");
	bpf_map__set_max_entries(arms->maps.trie, TRIE_RULES_MAX);
	err = arm->before_load ? arm->before_load(arms, arguments) : 0;
	if (err)
		return err;
	err = arms_bpf__load(arms);
	if (err)
		return log_error(err, "load the arms");
	err = arm->after_load ? arm->after_load(arms, arguments) : 0;
	if (!err)
		err = arm_attach(arms, arm, interface);
	if (err)
		return err;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	log_program("arm");
	for (size_t i = 0; argc >= 3 && i < sizeof(known_arms) / sizeof(*known_arms); i++)
		if (!strcmp(argv[1], known_arms[i].name) && argc == 3 + known_arms[i].arguments)
			return arm_run(&known_arms[i], argv[2], argv + 3) ? 1 : 0;
	if (argc == 4 && !strcmp(argv[1], "fill-xdp-filter"))
		return fill_xdp_filter(argv[2], argv[3]) ? 1 : 0;
	fprintf(stderr, "usage: arm drop|pass|parse|tc-drop INTERFACE\n"
			"       arm trie INTERFACE LIST-FILE\n"
			"       arm redirect INTERFACE TO-INTERFACE\n"
			"       arm server|echo INTERFACE ADDRESS PORT\n"
			"       arm fill-xdp-filter MAP-PIN LIST-FILE\n");
	return 2;
}
