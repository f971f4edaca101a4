/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test runs of the real programs on a real store, with nothing attached and nothing left behind. */
#include "firewall.h"

#include <bpf/bpf.h>
#include <err.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "../../src/ruleset_text.h"

#define TEST_MAX_RULES 4096

void firewall_teardown(struct firewall *firewall)
{
	programs_unload(firewall->programs);
	store_close(firewall->store);
	if (umount2(firewall->mount_point, MNT_DETACH) || rmdir(firewall->mount_point))
		err(1, "remove %s", firewall->mount_point);
}

/* Nothing is left behind by a test that could not begin. */
static void fail(struct firewall *firewall, const char *what)
{
	firewall_teardown(firewall);
	errx(1, "%s", what);
}

void firewall_setup(struct firewall *firewall, bool record)
{
	char pin_path[64];
	bool created;

	*firewall = (struct firewall){.mount_point = "/tmp/bgo-prog-XXXXXX"};
	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(1, "make a private mount namespace");
	if (!mkdtemp(firewall->mount_point))
		err(1, "make a directory in /tmp");
	if (mount("bpf", firewall->mount_point, "bpf", 0, "mode=0700"))
		err(1, "mount bpffs on %s", firewall->mount_point);
	snprintf(pin_path, sizeof(pin_path), "%s/firewall", firewall->mount_point);
	if (store_open_or_create(&firewall->store, pin_path, TEST_MAX_RULES, &created))
		fail(firewall, "cannot make a store");
	if (programs_load(&firewall->programs, firewall->store, record))
		fail(firewall, "programs do not load");
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
		fail(firewall, "cannot set rules");
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
