/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `bgo firewall-server start` and `cleanup-maps`: what the user asked for, checked and handed to
 * server.c and the store. `status` is in cmd_status.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "command.h"
#include "config_file.h"
#include "log.h"
#include "options.h"
#include "server.h"
#include "snapshot.h"

/* -- start -- */

struct start_options {
	struct common_options common;
	const char *config;
	struct option_texts interfaces;
	struct option_value mode, max_rules, max_connections, on_exit;
	bool wait;
	const char *state_dir;
	enum tc_kind tc_kind;
};

static const struct option_spec start_table[] = {
	OPTION(struct start_options, interfaces, TEXTS, "interface", "IF",
	       "filter the packets of IF; may be repeated"),
	/* In the order of enum xdp_mode. */
	OPTION(struct start_options, mode, CHOICE, "mode", "auto|native|generic",
	       "how XDP is attached (default auto: native, else generic)"),
	OPTION_RANGE(struct start_options, max_rules, COUNT, "max-rules", "N",
		     "room for N rules in all lists (default 262144; grows existing maps)", 1,
		     STORE_MAX_MAX_RULES),
	OPTION(struct start_options, config, PATH, "config", "FILE",
	       "take options from FILE, one `option = value` a line, too"),
	OPTION(struct start_options, wait, FLAG, "wait", NULL,
	       "start also when an interface is not there yet"),
	OPTION(struct start_options, state_dir, TEXT, "state-dir", "DIR|none",
	       "where the rules are kept over a reboot\n(default " SNAPSHOT_DEFAULT_STATE_DIR ")"),
	OPTION(struct start_options, on_exit, CHOICE, "on-exit", "detach|keep",
	       "whether filtering ends with the server (default detach)"),
	OPTION_RANGE(struct start_options, max_connections, COUNT, "max-connections", "N",
		     "room for N connections of services and of this host\n(default 16384)", 1024,
		     CONNECTIONS_MAX),
	OPTIONS_COMMON,
	{0},
};

/* For tests: the kind of TC attachment that the kernel's age would else decide. */
static int parse_tc_kind(enum tc_kind *out)
{
	const char *text = getenv("BGO_TC");

	*out = TC_KIND_AUTO;
	if (!text || !*text)
		return 0;
	for (enum tc_kind kind = TC_KIND_TCX; kind <= TC_KIND_CLSACT; kind++) {
		if (strcmp(text, tc_kind_name(kind)) == 0) {
			*out = kind;
			return 0;
		}
	}
	return command_usage(&cmd_server_start, "BGO_TC is '%s': it must be tcx or clsact", text);
}

static int start_prepare(void *parsed)
{
	struct start_options *options = parsed;
	const struct option_texts *interfaces = &options->interfaces;
	int err;

	if (options->config) {
		err = config_file_read(&cmd_server_start, NULL, options->config, options);
		if (err)
			return err;
	}
	if (!options->state_dir)
		options->state_dir = SNAPSHOT_DEFAULT_STATE_DIR;
	if (strcmp(options->state_dir, "none") == 0)
		options->state_dir = NULL;
	else if (options->state_dir[0] != '/')
		return command_usage(&cmd_server_start,
				     "--state-dir: '%s' is neither an absolute path nor none",
				     options->state_dir);
	if (!interfaces->count)
		return command_usage(&cmd_server_start, "say which interface: --interface IF%s%s",
				     options->config ? ", or `interface = IF` in " : "",
				     options->config ?: "");
	for (size_t i = 0; i < interfaces->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(interfaces->items[i], interfaces->items[j]) == 0)
				return command_usage(&cmd_server_start,
						     "--interface %s is given twice",
						     interfaces->items[i]);
	return parse_tc_kind(&options->tc_kind);
}

static int start_run(const void *parsed)
{
	const struct start_options *options = parsed;
	const struct server_options server = {
		.pin_path = options->common.pin_path,
		.interfaces = options->interfaces.items,
		.interface_count = options->interfaces.count,
		.mode = (enum xdp_mode)options->mode.value,
		.tc_kind = options->tc_kind,
		.max_rules = (uint32_t)options->max_rules.value,
		.state_dir = options->state_dir,
		.keep = options->on_exit.value == 1,
		.wait = options->wait,
		.max_connections = (uint32_t)options->max_connections.value,
	};

	return server_run(&server);
}

const struct command cmd_server_start = {
	.name = "firewall-server start",
	.alias = "start",
	.summary = "attach the firewall to interfaces and stay",
	.usage = "(--interface IF ... | --config FILE) [OPTION...]",
	.details = "Attaches XDP, TC ingress and TC egress programs to every interface, or to "
		   "none, and "
		   "stays in the\nforeground until SIGINT or SIGTERM. Rules live in the pinned "
		   "maps: they "
		   "are in force at once, and\nare kept when the server ends.\n"
		   "A --config FILE has the same options without dashes, flags as yes or no, and "
		   "# comments;\nwhat the command line gives counts, not what FILE says of it. A "
		   "mistake in it is wrong usage.\n"
		   "The server keeps a snapshot of the rules in --state-dir, and a start that "
		   "finds no "
		   "maps begins with it.\n"
		   "For tests, the environment variable BGO_TC=tcx|clsact chooses how TC is "
		   "attached.\n",
	.examples = "  bgo firewall-server start --interface eth0\n"
		    "  bgo start --interface eth0 --interface eth1 --mode native\n"
		    "  bgo start --config /etc/bgo/firewall.conf\n"
		    "  bgo start --interface eth0 --on-exit keep\n",
	.options = start_table,
	.options_size = sizeof(struct start_options),
	.capabilities = COMMAND_NEEDS_BPF | COMMAND_NEEDS_NET_ADMIN,
	.prepare = start_prepare,
	.run = start_run,
};

/* -- cleanup-maps -- */

struct cleanup_options {
	struct common_options common;
	bool force;
};

static const struct option_spec cleanup_table[] = {
	OPTION(struct cleanup_options, force, FLAG, "force", NULL, "do not ask"),
	OPTIONS_COMMON,
	{0},
};

/* Everything but a line "yes" is no, so is the end of input. */
static bool confirmed(const char *pin_path)
{
	_cleanup_free_ char *answer = NULL;
	size_t size = 0;
	ssize_t length;

	fprintf(stderr,
		"WARNING: This will remove all firewall configuration and statistics!\n"
		"All pinned BPF maps at %s will be deleted.\n"
		"This includes:\n"
		"- Firewall rules (whitelist/blacklist)\n"
		"- Rate limiting configuration\n"
		"- Connection tracking data\n"
		"- All statistics\n"
		"\n"
		"Continue? (yes/no): ",
		pin_path);
	length = getline(&answer, &size, stdin);
	/* Only a terminal shows the user's own end of line. */
	if (!isatty(STDIN_FILENO) || length <= 0)
		fputc('\n', stderr);
	fputc('\n', stderr);
	if (length > 0 && answer[length - 1] == '\n')
		answer[--length] = '\0';
	return length == 3 && memcmp(answer, "yes", 3) == 0;
}

/* What was kept filters by rules nobody could change any more. */
static int end_filtering(const char *pin_path)
{
	_cleanup_store_lock_ struct store_lock lock = STORE_LOCK_NONE;
	int err;

	err = store_lock(&lock, pin_path);
	if (err)
		return err;
	/* One that came since we asked: the removal will name it. */
	if (lock.running)
		return 0;
	err = attach_remove_all(pin_path, &lock);
	return err < 0 ? err : 0;
}

static int warn_kept(const char *pin_path)
{
	_cleanup_link_pins_ struct link_pins *pins = NULL;
	int err;

	err = link_pins_open(&pins, pin_path);
	if (!err && link_pins_next(pins, NULL))
		log_warning("interfaces are filtered with no server (kept): removing the maps ends "
			    "that");
	return err;
}

static int cleanup_run(const void *parsed)
{
	const struct cleanup_options *options = parsed;
	const char *pin_path = options->common.pin_path;
	int err;

	err = store_removable(pin_path);
	if (!err)
		err = warn_kept(pin_path);
	if (err)
		return err;
	if (!options->force && !confirmed(pin_path))
		return log_fail(-ECANCELED, "cleanup-maps: not confirmed; nothing was changed");
	if (!options->common.quiet)
		fprintf(stderr, "Removing pinned maps from %s...\n", pin_path);
	err = end_filtering(pin_path);
	if (!err)
		err = snapshot_remove_store(pin_path);
	if (err)
		return err;
	if (!options->common.quiet)
		fputs("Successfully removed all pinned maps\n", stderr);
	return 0;
}

const struct command cmd_server_cleanup_maps = {
	.name = "firewall-server cleanup-maps",
	.alias = "cleanup-maps",
	.summary = "remove the pinned maps: rules, limits, statistics",
	.usage = "[--force] [OPTION...]",
	.details =
		"Asks before; only `yes` goes on. Refused while a server runs on these maps. "
		"Programs that were kept\nare detached first: the filtering ends. The snapshot on "
		"disk is removed, too.\n",
	.examples = "  bgo firewall-server cleanup-maps\n"
		    "  bgo cleanup-maps --force\n",
	.options = cleanup_table,
	.options_size = sizeof(struct cleanup_options),
	.capabilities = COMMAND_NEEDS_BPF | COMMAND_NEEDS_NET_ADMIN,
	.run = cleanup_run,
};
