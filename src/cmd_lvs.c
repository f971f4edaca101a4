/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall-lvs: the commands of the load balancer, their options and what they need. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lvs_command.h"

#define OPTION_VIP                                                                                 \
	OPTION(struct lvs_options, vip_text, TEXT, "vip", "ADDRESS",                               \
	       "the virtual address that clients use"),                                            \
		OPTION_RANGE(struct lvs_options, vport, COUNT, "vport", "PORT", "its port", 1,     \
			     65535),                                                               \
		OPTION(struct lvs_options, protocol, CHOICE, "protocol", "tcp|udp",                \
		       "of the service (default tcp)")
#define OPTION_RIP                                                                                 \
	OPTION(struct lvs_options, rip_text, TEXT, "rip", "ADDRESS", "a real server's address"),   \
		OPTION_RANGE(struct lvs_options, rport, COUNT, "rport", "PORT", "its port", 1,     \
			     65535)

static const struct option_spec add_table[] = {
	OPTION_VIP,
	OPTION_RIP,
	OPTION_RANGE(struct lvs_options, weight, COUNT, "weight", "N",
		     "its share of new connections against the others' (default 1)", 1,
		     LVS_WEIGHT_MAX),
	/* In the order of enum lvs_mode. */
	OPTION(struct lvs_options, mode, CHOICE, "mode", "nat|fullnat|dsr",
	       "of the service, see above (default nat)"),
	OPTION(struct lvs_options, enabled, CHOICE, "enabled", "false|true",
	       "whether the service takes connections (default true)"),
	OPTIONS_COMMON,
	{0},
};

static const struct option_spec remove_table[] = {
	OPTION_VIP,
	OPTION_RIP,
	OPTION(struct lvs_options, if_exists, FLAG, "if-exists", NULL,
	       "not there: that is no failure"),
	OPTIONS_COMMON,
	{0},
};

static const struct option_spec drain_table[] = {
	OPTION_VIP,
	OPTION_RIP,
	OPTION(struct lvs_options, undo, FLAG, "undo", NULL, "it takes new connections again"),
	OPTIONS_COMMON,
	{0},
};

static const struct option_spec switch_table[] = {
	OPTION_VIP,
	OPTIONS_COMMON,
	{0},
};

static const struct option_spec set_table[] = {
	OPTION_VIP,
	OPTION_RANGE(struct lvs_options, max_new, QUANTITY, "max-new", "N",
		     "so many connections may begin in a second; 0: any number (the default)", 0,
		     LVS_MAX_NEW),
	/* In the order of enum lvs_check_kind. */
	OPTION(struct lvs_options, check, CHOICE, "check", "none|tcp|http",
	       "how the server looks after the real servers (default none)"),
	OPTION(struct lvs_options, path, PATH, "path", "PATH",
	       "what is asked for with http (default /)"),
	OPTION_RANGE(struct lvs_options, interval, COUNT, "interval", "S",
		     "seconds from one check to the next (default 5)", 1, LVS_CHECK_SECONDS_MAX),
	OPTION_RANGE(struct lvs_options, timeout, COUNT, "timeout", "S",
		     "seconds until a check has failed (default 2)", 1, LVS_CHECK_SECONDS_MAX),
	OPTION_RANGE(struct lvs_options, rise, COUNT, "rise", "N",
		     "good checks in a row that bring a server back (default 2)", 1,
		     LVS_CHECK_RESULTS_MAX),
	OPTION_RANGE(struct lvs_options, fall, COUNT, "fall", "N",
		     "failed ones in a row that make it dead (default 3)", 1,
		     LVS_CHECK_RESULTS_MAX),
	OPTION(struct lvs_options, release, CHOICE, "release", "false|true",
	       "whether connections of a dead server end (default false)"),
	OPTIONS_COMMON,
	{0},
};

static const struct option_spec show_table[] = {
	OPTIONS_COMMON,
	{0},
};

/* An address and a port, which come together. */
static int read_endpoint(const struct command *command, const char *name, const char *text,
			 const struct option_value *port, struct lvs_endpoint *out, bool *given)
{
	const char *error;

	if (!text != !port->given)
		return command_usage(command, "--%cip and --%cport go together", name[0], name[0]);
	*given = text != NULL;
	if (!text)
		return 0;
	if (lvs_parse_addr(text, out, &error))
		return command_usage(command, "--%s '%s': %s", name, text, error);
	out->port_be = htons((uint16_t)port->value);
	return 0;
}

static int lvs_prepare(const struct command *command, struct lvs_options *options, bool needs_vip,
		       bool needs_rip)
{
	int err;

	err = read_endpoint(command, "vip", options->vip_text, &options->vport, &options->vip,
			    &options->has_vip);
	if (!err)
		err = read_endpoint(command, "rip", options->rip_text, &options->rport,
				    &options->rip, &options->has_rip);
	if (err)
		return err;
	options->vip.protocol = options->protocol.value ? IPPROTO_UDP : IPPROTO_TCP;
	options->rip.protocol = options->vip.protocol;
	if (needs_vip && !options->has_vip)
		return command_usage(command, "say which service: --vip ADDRESS --vport PORT");
	if (needs_rip && !options->has_rip)
		return command_usage(command, "say which server: --rip ADDRESS --rport PORT");
	if (!options->has_vip && (options->protocol.given || options->has_rip))
		return command_usage(command, "--protocol and --rip go with --vip");
	return 0;
}

static int add_prepare(void *parsed)
{
	struct lvs_options *options = parsed;
	int err = lvs_prepare(&cmd_lvs_add, options, true, true);

	if (err)
		return err;
	if (options->vip.family != options->rip.family)
		return command_usage(&cmd_lvs_add,
				     "--vip '%s' and --rip '%s': one is IPv4, the other IPv6",
				     options->vip_text, options->rip_text);
	if (options->mode.given && options->mode.value == LVS_DSR &&
	    options->vip.port_be != options->rip.port_be)
		return command_usage(&cmd_lvs_add,
				     "--mode dsr: the server gets the packet as it is, so --rport "
				     "must be the same as --vport");
	if (lvs_endpoint_compare(&options->vip, &options->rip) == 0)
		return command_usage(&cmd_lvs_add, "--vip and --rip are the same");
	return 0;
}

static int remove_prepare(void *parsed)
{
	return lvs_prepare(&cmd_lvs_remove, parsed, true, false);
}

static int drain_prepare(void *parsed)
{
	return lvs_prepare(&cmd_lvs_drain, parsed, true, true);
}

/* What only a check that is one has. */
static bool sets_check_option(const struct lvs_options *options)
{
	return options->path || options->interval.given || options->timeout.given ||
	       options->rise.given || options->fall.given || options->release.given;
}

static int set_prepare(void *parsed)
{
	const struct lvs_options *options = parsed;

	if (!options->max_new.given && !options->check.given && !sets_check_option(options))
		return command_usage(&cmd_lvs_set, "say what to set: --max-new N, --check KIND");
	if (options->check.given && options->check.value != LVS_CHECK_HTTP && options->path)
		return command_usage(&cmd_lvs_set, "--path goes with --check http");
	if (options->check.given && options->check.value == LVS_CHECK_NONE &&
	    sets_check_option(options))
		return command_usage(&cmd_lvs_set, "--check none has no options");
	if (options->path && strlen(options->path) >= LVS_CHECK_PATH_BYTES)
		return command_usage(&cmd_lvs_set, "--path '%s': more than %d characters",
				     options->path, LVS_CHECK_PATH_BYTES - 1);
	return lvs_prepare(&cmd_lvs_set, parsed, true, false);
}

static int enable_prepare(void *parsed)
{
	return lvs_prepare(&cmd_lvs_enable, parsed, false, false);
}

static int disable_prepare(void *parsed)
{
	return lvs_prepare(&cmd_lvs_disable, parsed, false, false);
}

#define LVS_COMMAND(word)                                                                          \
	.name = "firewall-lvs " word, .alias = "lvs " word,                                        \
	.options_size = sizeof(struct lvs_options), .capabilities = COMMAND_NEEDS_BPF

const struct command cmd_lvs_add = {
	LVS_COMMAND("add-dnat"),
	.summary = "add a real server to a service, which is made when it is new",
	.usage = "--vip ADDRESS --vport PORT --rip ADDRESS --rport PORT [OPTION...]",
	.details =
		"New connections to the virtual address and port go to the servers of the service, "
		"in proportion\nto their weights; each stays with its server. Modes:\n"
		"  nat      the destination is rewritten; servers send their replies through this "
		"machine, which\n           must be their gateway, and see the clients' addresses\n"
		"  fullnat  the source becomes the virtual address, too: servers need no route\n"
		"  dsr      only the destination's MAC address: servers have the virtual address "
		"themselves (on\n           lo, without ARP) and reply to the client directly\n"
		"This machine must forward (sysctl net.ipv4.ip_forward=1, "
		"net.ipv6.conf.all.forwarding=1).\n"
		"Packets of services are judged by the rules of XDP first. With another --weight "
		"the server that is\nthere gets that weight.\n",
	.examples = "  bgo firewall-lvs add-dnat --vip 192.0.2.10 --vport 80 --rip 10.0.0.1 "
		    "--rport 8080\n"
		    "  bgo lvs add-dnat --vip 2001:db8::10 --vport 53 --protocol udp --rip "
		    "2001:db8:1::1 --rport 53\n",
	.options = add_table,
	.prepare = add_prepare,
	.run = lvs_run_add,
};

const struct command cmd_lvs_remove = {
	LVS_COMMAND("remove-dnat"),
	.summary = "remove a real server, or a service; its connections end",
	.usage = "--vip ADDRESS --vport PORT [--rip ADDRESS --rport PORT] [OPTION...]",
	.details = "With --rip and --rport one server; without, the whole service. The last "
		   "server takes the service\nwith it. Connections to what is removed end; drain "
		   "first to let them finish.\n",
	.examples = "  bgo firewall-lvs remove-dnat --vip 192.0.2.10 --vport 80 --rip 10.0.0.1 "
		    "--rport 8080\n"
		    "  bgo lvs remove-dnat --vip 192.0.2.10 --vport 80\n",
	.options = remove_table,
	.prepare = remove_prepare,
	.run = lvs_run_remove,
};

const struct command cmd_lvs_list = {
	LVS_COMMAND("list-dnat"),
	.summary = "print services and their real servers",
	.usage = "[OPTION...]",
	.examples = "  bgo firewall-lvs list-dnat\n"
		    "  bgo lvs list-dnat --json\n",
	.options = show_table,
	.run = lvs_run_list,
};

const struct command cmd_lvs_set = {
	LVS_COMMAND("set"),
	.summary = "set what a service allows, and how its servers are checked",
	.usage = "--vip ADDRESS --vport PORT [OPTION...]",
	.details = "What is not named stays as it is. With --max-new a burst of as many may begin "
		   "at once; what would\nbegin more is dropped (lvs_limited), connections that are "
		   "there go on.\n"
		   "Checks are made by the running server, to the address and port of each real "
		   "server, over TCP:\n"
		   "  tcp      a connection is accepted\n"
		   "  http     a GET of --path is answered with a status from 200 to 399\n"
		   "A real server that fails is dead: new connections go to the others; when all "
		   "are dead they are\ndropped (lvs_no_server). Connections it has go on, unless "
		   "--release true.\n",
	.examples = "  bgo firewall-lvs set --vip 192.0.2.10 --vport 80 --max-new 1000\n"
		    "  bgo lvs set --vip 192.0.2.10 --vport 80 --check http --path /health "
		    "--interval 2\n",
	.options = set_table,
	.prepare = set_prepare,
	.run = lvs_run_set,
};

const struct command cmd_lvs_enable = {
	LVS_COMMAND("enable"),
	.summary = "services take new connections",
	.usage = "[--vip ADDRESS --vport PORT] [OPTION...]",
	.details = "All services, or one.\n",
	.examples = "  bgo firewall-lvs enable\n"
		    "  bgo lvs enable --vip 192.0.2.10 --vport 80\n",
	.options = switch_table,
	.prepare = enable_prepare,
	.run = lvs_run_enable,
};

const struct command cmd_lvs_disable = {
	LVS_COMMAND("disable"),
	.summary = "services take no new connections",
	.usage = "[--vip ADDRESS --vport PORT] [OPTION...]",
	.details = "All services, or one. New packets to its address go to this machine; "
		   "connections that exist\ngo on.\n",
	.examples = "  bgo firewall-lvs disable\n"
		    "  bgo lvs disable --vip 192.0.2.10 --vport 80\n",
	.options = switch_table,
	.prepare = disable_prepare,
	.run = lvs_run_disable,
};

const struct command cmd_lvs_drain = {
	LVS_COMMAND("drain"),
	.summary = "a real server gets no new connections, old ones finish",
	.usage = "--vip ADDRESS --vport PORT --rip ADDRESS --rport PORT [--undo] [OPTION...]",
	.details = "When `status` shows no connection of it any more, it can be removed.\n",
	.examples = "  bgo firewall-lvs drain --vip 192.0.2.10 --vport 80 --rip 10.0.0.1 --rport "
		    "8080\n"
		    "  bgo lvs drain --vip 192.0.2.10 --vport 80 --rip 10.0.0.1 --rport 8080 "
		    "--undo\n",
	.options = drain_table,
	.prepare = drain_prepare,
	.run = lvs_run_drain,
};

const struct command cmd_lvs_status = {
	LVS_COMMAND("status"),
	.summary = "print how many connections there are, of each server and state",
	.usage = "[OPTION...]",
	.details = "Also those that this host opened: with `firewall-update --action policy "
		   "--policy deny --stateful`.\n",
	.examples = "  bgo firewall-lvs status\n"
		    "  bgo lvs status --json\n",
	.options = show_table,
	.run = lvs_run_status,
};

const struct command cmd_lvs_stats = {
	LVS_COMMAND("stats"),
	.summary = "print connections, packets and bytes of each server since it was added",
	.usage = "[OPTION...]",
	.examples = "  bgo firewall-lvs stats\n"
		    "  bgo lvs stats --json\n",
	.options = show_table,
	.run = lvs_run_stats,
};

const struct command cmd_lvs_cleanup = {
	LVS_COMMAND("cleanup"),
	.summary = "remove connections that have expired",
	.usage = "[OPTION...]",
	.details = "A running server does so by itself every ten seconds.\n",
	.examples = "  bgo firewall-lvs cleanup\n"
		    "  bgo lvs cleanup --json\n",
	.options = show_table,
	.run = lvs_run_cleanup,
};

const struct command cmd_lvs_debug = {
	LVS_COMMAND("debug"),
	.summary = "print each server's part of its table, and every connection",
	.usage = "[OPTION...]",
	.examples = "  bgo firewall-lvs debug\n"
		    "  bgo lvs debug --json\n",
	.options = show_table,
	.run = lvs_run_debug,
};
