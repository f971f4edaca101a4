/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `bgo firewall-server status`: what the kernel says is attached, who serves it, and what the
 * pinned maps hold. Works with and without a server.
 */
#include <errno.h>
#include <string.h>

#include "attach.h"
#include "cleanup.h"
#include "command.h"
#include "confirm.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "rule.h"
#include "snapshot.h"

struct status_options {
	struct common_options common;
};

static const struct option_spec status_table[] = {
	OPTIONS_COMMON,
	{0},
};

#define LABELS_INDENT 2
#define LABELS_WIDTH 16

/* attached: how many interfaces have something of ours, negative: unknown. */
static void print_server(struct output *out, const struct store *store, int attached)
{
	const int pid = store_server_pid(store);

	output_text(out, "Firewall Server Status:\n");
	output_labels(out, LABELS_INDENT, LABELS_WIDTH);
	output_bool(out, "running", NULL, pid > 0, "", "");
	if (pid > 0)
		output_number_as(out, "pid", "Server", (uint64_t)pid, "running (pid %d)", pid);
	else
		output_null(out, "pid");
	if (pid <= 0)
		output_string(out, NULL, "Server",
			      attached > 0 ? "not running; what is attached goes on filtering"
					   : "not running");
	if (attached >= 0)
		output_bool(out, "filtering", NULL, attached > 0, "", "");
	else
		output_null(out, "filtering");
}

static void print_store(struct output *out, const struct store *store)
{
	const uint32_t rules = store_rule_count(store), max_rules = store_max_rules(store);
	const uint32_t nodes = store_nodes_used(store), max_nodes = store_nodes_capacity(store);
	const uint64_t memory = store_memory_bytes(store);
	char text[OUTPUT_AMOUNT_BYTES];

	output_string(out, "pin_path", "Pin path", store_pin_path(store));
	output_number(out, "generation", "Generation", store_generation(store));
	output_number_as(out, "rules", "Rules", rules, "%u of %u", rules, max_rules);
	output_number(out, "max_rules", NULL, max_rules);
	output_number_as(out, "graph_nodes", "Graph nodes", nodes, "%u of %u", nodes, max_nodes);
	output_number(out, "max_graph_nodes", NULL, max_nodes);
	output_number_as(out, "map_memory_bytes", "Map memory", memory, "%s",
			 output_megabytes(memory, text));
}

/* Whether a reboot would bring back what is in force. */
static void print_snapshot(struct output *out, const struct store *store)
{
	const char *file = store_snapshot(store);
	const unsigned long long generation = store_generation(store);
	struct snapshot_label label = {0};
	const int err = *file ? snapshot_look(file, &label) : 0;
	const bool ours = *file && !err && label.store_id == store_id(store);
	char text[SNAPSHOT_PATH_BYTES + 64];
	const char *state = "stale";

	snprintf(text, sizeof(text), "stale, of other rules than are in force (%s)", file);
	if (!*file) {
		state = "none";
		strcpy(text, "none, a reboot ends all rules");
	} else if (err == -ENOENT) {
		state = "missing";
		snprintf(text, sizeof(text), "missing (%s)", file);
	} else if (ours && store_is_of(store, label.generation)) {
		state = "current";
		strcpy(text, file);
	} else if (ours && store_unconfirmed(store) &&
		   store_unconfirmed(store)->generation == label.generation) {
		state = "confirmed";
		snprintf(text, sizeof(text), "of the last confirmed rules (%s)", file);
	} else if (ours) {
		snprintf(text, sizeof(text), "stale, generation %llu of %llu (%s)",
			 (unsigned long long)label.generation, generation, file);
	}
	output_object(out, "snapshot");
	output_string(out, "state", NULL, state);
	if (*file)
		output_string(out, "file", NULL, file);
	else
		output_null(out, "file");
	if (ours)
		output_number(out, "generation", NULL, label.generation);
	else
		output_null(out, "generation");
	output_string(out, NULL, "Snapshot", text);
	output_close(out);
}

/* A limit in force; one that is disabled is in JSON only, so that its keys are always there. */
static void print_limit(struct output *out, const char *key, const char *label, bool enabled,
			uint64_t limit)
{
	if (limit)
		output_number_as(out, key, enabled ? label : NULL, limit, "%llu",
				 (unsigned long long)limit);
	else
		output_number_as(out, key, enabled ? label : NULL, limit, "no limit");
}

static void print_source_limit(struct output *out, const struct source_limit *limit)
{
	output_object(out, "per_source");
	output_bool(out, "enabled", "Each source", limit->enabled, "enabled", "disabled");
	print_limit(out, "pps", "  Packets/sec", limit->enabled, limit->pps);
	print_limit(out, "bps", "  Bytes/sec", limit->enabled, limit->bps);
	output_close(out);
}

static void print_rate_limit(struct output *out, const struct rate_limit *limit)
{
	output_object(out, "rate_limit");
	output_bool(out, "enabled", "Rate limit", limit->enabled, "enabled", "disabled");
	print_limit(out, "pps", "  Packets/sec", limit->enabled, limit->pps);
	print_limit(out, "bps", "  Bytes/sec", limit->enabled, limit->bps);
	print_source_limit(out, &limit->source);
	output_close(out);
}

static void print_hooks(struct output *out, const struct store *store)
{
	const struct ruleset *ruleset = store_ruleset(store);
	static const struct output_column columns[] = {
		{"hook", "Hook", 8},
		{"whitelist_rules", "Whitelist", 9},
		{"blacklist_rules", "Blacklist", 9},
		{"policy", "Policy", 6},
		{"stateful", "Stateful", 8},
		{"fragments", "Fragments", 9},
	};

	output_text(out, "\n");
	output_table(out, "hooks", columns, sizeof(columns) / sizeof(columns[0]));
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		output_cell_string(out, hook_name(hook));
		for (enum list list = 0; list < LIST_COUNT; list++)
			output_cell_number(out, store_list_count(store, hook, list));
		output_cell_string(out, ruleset->hooks[hook].default_deny ? "deny" : "allow");
		output_cell_bool(out, ruleset_is_stateful(ruleset, hook),
				 ruleset_is_stateful(ruleset, hook) ? "yes" : "no");
		output_cell_string(out, ruleset->hooks[hook].drop_fragments ? "drop" : "match");
	}
	output_table_end(out);
}

static void print_id(struct output *out, uint32_t id)
{
	if (id)
		output_cell_number(out, id);
	else
		output_cell_null(out, "-");
}

static void print_name(struct output *out, const char *name)
{
	if (name)
		output_cell_string(out, name);
	else
		output_cell_null(out, "-");
}

static void print_interfaces(struct output *out, const struct attach_status *interfaces, int count)
{
	static const struct output_column columns[] = {
		{"interface", "Interface", 9},
		{"state", "State", 8},
		{"xdp_mode", "XDP", 7},
		{"xdp_program_id", "Program", 7},
		{"tc_kind", "TC", 6},
		{"tc_ingress_program_id", "Ingress", 7},
		{"tc_egress_program_id", "Egress", 6},
		{"kept", "Kept", 4},
		{"foreign_xdp_program_id", NULL, 0},
	};

	if (!count && !output_is_json(out)) {
		output_text(out, "\nInterfaces: none, nothing is filtered\n");
		return;
	}
	output_text(out, "\n");
	output_table(out, "interfaces", columns, sizeof(columns) / sizeof(columns[0]));
	for (const struct attach_status *i = interfaces; i < interfaces + count; i++) {
		output_cell_string(out, i->interface);
		output_cell_string(out, attach_status_complete(i) ? "attached" : "half attached");
		print_name(out, i->xdp_mode);
		print_id(out, i->xdp_program_id);
		print_name(out, i->tc_kind);
		print_id(out, i->tc_ingress_program_id);
		print_id(out, i->tc_egress_program_id);
		output_cell_bool(out, i->kept, i->kept ? "yes" : "no");
		print_id(out, i->foreign_xdp_program_id);
	}
	output_table_end(out);
}

/* What people should do about half a firewall. */
static void warn_half_attached(const struct attach_status *interfaces, int count)
{
	for (int i = 0; i < count; i++)
		if (!attach_status_complete(&interfaces[i]))
			log_warning(
				"%s is half attached: not every hook filters; (re)start the server "
				"to attach all of them",
				interfaces[i].interface);
}

/* How many, -EPERM when it needs more privilege to know, or another negative errno; logged. */
static int ask_interfaces(const struct store *store, struct attach_status **out)
{
	_cleanup_link_pins_ struct link_pins *pins = NULL;
	int err;

	err = link_pins_open(&pins, store_pin_path(store));
	return err ? err : attach_status(store, pins, out);
}

static int status_run(const void *parsed)
{
	const struct status_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	_cleanup_free_ struct attach_status *interfaces = NULL;
	struct confirm_state waits;
	int count, err;

	err = store_open(&store, options->common.pin_path, STORE_READ);
	if (err)
		return err;
	count = ask_interfaces(store, &interfaces);
	if (count < 0 && count != -EPERM)
		return count;
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	print_server(out, store, count);
	print_store(out, store);
	print_snapshot(out, store);
	waits = confirm_look(store);
	confirm_print(out, "Last change", &waits);
	print_rate_limit(out, store_rate_limit(store));
	print_hooks(out, store);
	/* Not permitted to ask, which was logged: unknown is not none. */
	if (count < 0) {
		output_null(out, "interfaces");
		output_text(out, "\nInterfaces: unknown\n");
	} else {
		print_interfaces(out, interfaces, count);
		warn_half_attached(interfaces, count);
	}
	return output_end(&out);
}

const struct command cmd_server_status = {
	.name = "firewall-server status",
	.alias = "status",
	.summary = "what is attached where, and what the maps hold",
	.usage = "[OPTION...]",
	.details = "Works with and without a running server. What is attached is asked of the "
		   "kernel, so a "
		   "killed\nserver's leftovers are seen, as `half attached`. `Kept` programs go on "
		   "filtering when the server ends.\n",
	.examples = "  bgo firewall-server status\n"
		    "  bgo status --json\n",
	.options = status_table,
	.options_size = sizeof(struct status_options),
	.capabilities = COMMAND_NEEDS_BPF | COMMAND_NEEDS_NET_ADMIN,
	.run = status_run,
};
