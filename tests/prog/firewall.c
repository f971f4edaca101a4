/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test runs of the real programs on a real store, with nothing attached and nothing left behind. */
#include "firewall.h"

#include <bpf/bpf.h>
#include <err.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "../../src/ruleset_text.h"
#include "own_bpffs.h"

#define TEST_MAX_RULES 4096

void firewall_teardown(struct firewall *firewall)
{
	programs_unload(firewall->programs);
	store_close(firewall->store);
}

void firewall_setup(struct firewall *firewall, bool record)
{
	bool created;

	*firewall = (struct firewall){0};
	own_bpffs_enter(0);
	if (store_open_or_create(&firewall->store, PIN_PATH, TEST_MAX_RULES, &created))
		errx(1, "cannot make a store");
	if (programs_load(&firewall->programs, firewall->store, record))
		errx(1, "programs do not load");
}

struct firewall the_firewall;

int firewall_group_setup(void **state)
{
	(void)state;
	firewall_setup(&the_firewall, true);
	return 0;
}

int firewall_group_teardown(void **state)
{
	(void)state;
	firewall_teardown(&the_firewall);
	return 0;
}

void firewall_rules(struct firewall *firewall, enum hook hook, const char *statements)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_fclose_ FILE *in = NULL;
	_cleanup_free_ char *text = NULL;
	FILE *out;
	size_t size;

	out = open_memstream(&text, &size);
	if (!out)
		err(1, "rules");
	fprintf(out, "bgo-rules %d\n", RULESET_TEXT_VERSION);
	for (const char *c = statements; *c; c++) {
		if (*c == '@')
			fputs(hook_name(hook), out);
		else
			fputc(*c == ';' ? '\n' : *c, out);
	}
	fputc('\n', out);
	fclose(out);
	in = fmemopen(text, size, "r");
	if (!in)
		err(1, "rules");
	if (transaction_begin(&txn, firewall->store) || transaction_replace_all(txn) ||
	    ruleset_text_restore(in, statements, txn) || transaction_commit(&txn) < 0)
		errx(1, "cannot set rules: %s", statements);
}

/* Programs look at the clock once a jiffy, and the coarse clock moves on with these. */
static void wait_for_jiffies(int count)
{
	struct timespec begun, now;

	while (count--) {
		clock_gettime(CLOCK_MONOTONIC_COARSE, &begun);
		do {
			usleep(1000);
			clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		} while (now.tv_sec == begun.tv_sec && now.tv_nsec == begun.tv_nsec);
	}
}

void firewall_set_clock(struct firewall *firewall, uint32_t now_s)
{
	struct config *config = mmap(NULL, sizeof(*config), PROT_READ | PROT_WRITE, MAP_SHARED,
				     store_map_fd(firewall->store, MAP_config_map), 0);
	struct timespec tai;

	if (config == MAP_FAILED)
		err(1, "config_map");
	clock_gettime(CLOCK_TAI, &tai);
	config->tai_ahead_s = (uint32_t)tai.tv_sec - now_s;
	munmap(config, sizeof(*config));
}

void firewall_clock(struct firewall *firewall, uint32_t now_s)
{
	firewall_set_clock(firewall, now_s);
	wait_for_jiffies(2);
}

void shell(const char *command)
{
	if (system(command))
		errx(1, "failed: %s", command);
}

int firewall_run(const struct firewall *firewall, enum hook hook, const struct packet_bytes *packet,
		 uint32_t gso_size, int repeat, struct run *run)
{
	uint8_t after[PACKET_BYTES_MAX + 256];
	struct __sk_buff skb = {.gso_size = gso_size};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = packet->length, .data_out = after,
		    .data_size_out = sizeof(after), .repeat = repeat);
	int failed;

	if (gso_size) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	failed = bpf_prog_test_run_opts(programs_fd(firewall->programs, hook), &opts);
	if (failed)
		return failed;
	run->dropped = opts.retval == (hook == HOOK_XDP ? (__u32)XDP_DROP : (__u32)TC_ACT_SHOT);
	if (!run->dropped &&
	    opts.retval != (hook == HOOK_XDP ? (__u32)XDP_PASS : (__u32)TC_ACT_UNSPEC))
		return -EPROTO;
	run->changed = opts.data_size_out != packet->length ||
		       memcmp(after, packet->data, packet->length) != 0;
	run->duration_ns = opts.duration;
	return 0;
}
