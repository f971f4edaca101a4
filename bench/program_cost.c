/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firewall costs a packet, in a program alone: the kernel's mean duration of test runs
 *over many sources, above a program that only writes the source. For each number of rules it prints
 *a line per family: ns of the walk, of the whole XDP program and of the kernel's LPM trie, for
 *sources that match and that do not; then what making the graph takes.
 *
 *	program_cost [rules ...]
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../bpf/map_list.h"
#include "../src/classifier.h"
#include "../src/cleanup.h"
#include "bench/program_cost.skel.h"
#include "numbered_rule.h"

#define REPEAT 400000
#define ROUNDS 9
#define ROUNDS_OUT 2 /* so many lowest and highest ones do not count */
#define UPDATES 16
#define TRIE_RULES_MAX 100000 /* filling it takes a system call a rule */

/* Rules of one family and their graph in the maps of the programs. */
struct bench {
	struct program_cost_bpf *programs;
	enum family family;
	uint32_t rules;
	struct rule_slot *slots; /* the rules, then those that updates add */
	struct node_pool pool;
	size_t pool_bytes;
	struct ruleset *set;
};

struct made {
	double compile_ms, update_ms, bytes_per_rule;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void bench_free(struct bench *bench)
{
	free(bench->slots);
	if (bench->pool.nodes)
		munmap(bench->pool.nodes, bench->pool_bytes);
	if (bench->set)
		munmap(bench->set, RULESET_RECORDS * sizeof(*bench->set));
	program_cost_bpf__destroy(bench->programs);
}

/*
 * Gives the rules hit numbers as the store does (transaction_alloc.c): at home while there is room,
 * then what is left.
 */
static int bench_hits(struct bench *bench)
{
	_cleanup_free_ uint8_t *used = calloc(bench->rules + HIT_HOME_SIZE, 1);
	uint32_t anywhere = 0;

	if (!used)
		return -ENOMEM;
	for (uint32_t i = 0; i < bench->rules; i++) {
		const struct rule *rule = &bench->slots[i].rule;
		uint32_t home = hit_home(rule->family == FAMILY_IPV6,
					 (uint64_t)rule->addr_host[0] << 32 | rule->addr_host[1],
					 bench->rules);
		uint32_t hit = home;

		while (hit < home + HIT_HOME_SIZE && (used[hit] || hit >= bench->rules))
			hit++;
		if (hit == home + HIT_HOME_SIZE) {
			while (used[anywhere])
				anywhere++;
			hit = anywhere;
		}
		used[hit] = 1;
		bench->slots[i].hit = hit;
	}
	return 0;
}

/* IPv4 rules are hosts, IPv6 ones networks. */
static int bench_rules(struct bench *bench)
{
	bench->slots = calloc(bench->rules + UPDATES, sizeof(*bench->slots));
	if (!bench->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < bench->rules + UPDATES; i++)
		bench->slots[i] = (struct rule_slot){
			.rule = kind_rule(bench->family,
					  bench->family == FAMILY_IPV6 ? NETS : HOSTS, i),
			.index = i,
			.born = i < bench->rules ? 1 : i - bench->rules + 2,
		};
	return bench_hits(bench);
}

static void *map_memory(const struct bpf_map *map, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Loads the programs on maps of their own, as large as the store would make them. */
static int bench_load(struct bench *bench)
{
	struct program_cost_bpf *programs = program_cost_bpf__open();
	uint32_t nodes = 2 * NODES_PER_HALF(bench->rules);
	int err;

	if (!programs)
		return -errno;
	bench->programs = programs;
	programs->rodata->max_rules = bench->rules;
	bpf_map__set_max_entries(programs->maps.ruleset_map, RULESET_RECORDS);
	bpf_map__set_max_entries(programs->maps.rate_limit_config_map, RULESET_RECORDS);
	bpf_map__set_max_entries(programs->maps.rate_limit_state_map, RATE_LIMIT_BUCKETS);
	bpf_map__set_max_entries(programs->maps.stats_map, REASON_SLOTS);
	bpf_map__set_max_entries(programs->maps.node_map, nodes);
	bpf_map__set_max_entries(programs->maps.rule_hits_map, HIT_STRIPES * bench->rules);
	bpf_map__set_max_entries(programs->maps.trie, bench->rules);
	err = program_cost_bpf__load(programs);
	if (err)
		return err;
	bench->pool_bytes = (size_t)nodes * sizeof(struct node);
	bench->pool.end = nodes;
	bench->pool.nodes = map_memory(programs->maps.node_map, bench->pool_bytes);
	bench->set = map_memory(programs->maps.ruleset_map, RULESET_RECORDS * sizeof(*bench->set));
	return bench->pool.nodes && bench->set ? 0 : -ENOMEM;
}

/* Compiles the rules, and then adds one at a time; what the programs use is the graph without
 * these. */
static int bench_compile(struct bench *bench, struct made *made)
{
	struct graph_list *list =
		&bench->set[0].hooks[HOOK_XDP].lists[LIST_BLACKLIST][bench->family];
	struct rule_view rules = {bench->slots, bench->rules, 1};
	struct graph_list grown;
	double begin = now_ms();
	int err;

	err = classifier_compile(&rules, bench->family, &bench->pool, list);
	if (err)
		return err;
	made->compile_ms = now_ms() - begin;
	made->bytes_per_rule = (double)bench->pool.used * sizeof(struct node) / bench->rules;
	grown = *list;
	begin = now_ms();
	for (uint32_t i = 0; i < UPDATES; i++) {
		const struct rule *changed = &bench->slots[rules.count].rule;

		rules.count++;
		rules.generation++;
		err = classifier_update(&rules, bench->family, &grown, &changed, 1, &bench->pool,
					&grown);
		if (err)
			return err;
	}
	made->update_ms = (now_ms() - begin) / UPDATES;
	return 0;
}

static int bench_fill_trie(const struct bench *bench)
{
	int fd = bpf_map__fd(bench->programs->maps.trie);

	for (uint32_t i = 0; i < bench->rules; i++) {
		const struct rule *rule = &bench->slots[i].rule;
		struct {
			uint32_t prefix_len, addr_be[4];
		} key = {.prefix_len = rule->prefix_len};

		for (int word = 0; word < 4; word++)
			key.addr_be[word] = htonl(rule->addr_host[word]);
		if (bpf_map_update_elem(fd, &key, &i, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* A TCP segment to port 443, of which the programs fill in the source. */
static size_t make_packet(enum family family, uint8_t packet[128])
{
	uint8_t *ip = packet + ETH_HLEN;
	size_t ip_bytes = family == FAMILY_IPV4 ? 20 : 40;

	memset(packet, 0, 128);
	packet[12] = family == FAMILY_IPV4 ? 0x08 : 0x86;
	packet[13] = family == FAMILY_IPV4 ? 0x00 : 0xdd;
	if (family == FAMILY_IPV4) {
		*(struct iphdr *)ip = (struct iphdr){
			.version = 4, .ihl = 5, .tot_len = htons(40), .ttl = 64, .protocol = 6};
	} else {
		*(struct ipv6hdr *)ip = (struct ipv6hdr){
			.version = 6, .payload_len = htons(20), .nexthdr = 6, .hop_limit = 64};
	}
	ip[ip_bytes + 2] = 443 >> 8;
	ip[ip_bytes + 3] = 443 & 255;
	ip[ip_bytes + 12] = 5 << 4;
	return ETH_HLEN + ip_bytes + 20;
}

/* Mean ns of a run; negative errno, also when the last packet's verdict was not the one expected.
 */
static int run_once(const struct bench *bench, const struct bpf_program *program, uint32_t verdict)
{
	uint8_t packet[128];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
		    .data_size_in = (uint32_t)make_packet(bench->family, packet), .repeat = REPEAT);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		return -errno;
	return options.retval == verdict ? (int)options.duration : -EPROTO;
}

/* The mean of the middle ones of some rounds, each above the empty program right before it. */
static int measure(const struct bench *bench, const struct bpf_program *program, bool hit,
		   double *ns)
{
	int above[ROUNDS] = {0};

	bench->programs->bss->first = hit ? 0 : 0x40000000;
	bench->programs->bss->count = hit ? bench->rules : 0x40000000;
	for (int i = 0; i < ROUNDS; i++) {
		int empty = run_once(bench, bench->programs->progs.bench_empty, XDP_DROP);
		int full = run_once(bench, program, hit ? XDP_DROP : XDP_PASS), place = i;

		if (empty < 0 || full < 0)
			return empty < 0 ? empty : full;
		for (; place && above[place - 1] > full - empty; place--)
			above[place] = above[place - 1];
		above[place] = full - empty;
	}
	*ns = 0;
	for (int i = ROUNDS_OUT; i < ROUNDS - ROUNDS_OUT; i++)
		*ns += (double)above[i] / (ROUNDS - 2 * ROUNDS_OUT);
	return 0;
}

static int print_cost(const struct bench *bench, const struct bpf_program *program)
{
	double hit, miss;
	int err;

	err = measure(bench, program, true, &hit);
	if (!err)
		err = measure(bench, program, false, &miss);
	if (!err)
		printf("  %5.1f /%5.1f", hit, miss);
	return err;
}

static int bench_family(enum family family, uint32_t rules)
{
	_cleanup_(bench_free) struct bench bench = {.family = family, .rules = rules};
	struct made made;
	int err;

	err = bench_rules(&bench);
	if (!err)
		err = bench_load(&bench);
	if (!err)
		err = bench_compile(&bench, &made);
	if (err)
		return err;
	printf("%-5s %8u", family == FAMILY_IPV4 ? "IPv4" : "IPv6", rules);
	err = print_cost(&bench, family == FAMILY_IPV4 ? bench.programs->progs.bench_walk_ipv4
						       : bench.programs->progs.bench_walk_ipv6);
	if (!err)
		err = print_cost(&bench, bench.programs->progs.bench_firewall);
	if (!err && rules <= TRIE_RULES_MAX) {
		err = bench_fill_trie(&bench);
		if (!err)
			err = print_cost(&bench, bench.programs->progs.bench_trie);
	} else {
		printf("  %12s", "-");
	}
	printf("  %8.2f  %8.3f  %6.1f\n", made.compile_ms, made.update_ms, made.bytes_per_rule);
	return err;
}

static int bench_all(uint32_t rules)
{
	for (int family = 0; family < FAMILY_COUNT; family++) {
		int err = bench_family(family, rules);

		if (err) {
			fprintf(stderr, "program_cost: %u rules: %s\n", rules, strerror(-err));
			return err;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const uint32_t usual[] = {10, 30, 1000, 10000, 100000, 1000000};

	printf("ns above an empty program, hit / miss; ms; bytes\n");
	printf("%-5s %8s  %12s  %12s  %12s  %8s  %8s  %6s\n", "", "rules", "walk", "firewall",
	       "LPM trie", "compile", "add one", "a rule");
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			if (bench_all((uint32_t)strtoul(argv[i], NULL, 10)))
				return 1;
		return 0;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (bench_all(usual[i]))
			return 1;
	return 0;
}
