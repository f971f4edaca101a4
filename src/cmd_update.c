/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall-update: its options and what they mean together. The actions are in update_*.c. */
#include <string.h>

#include "cidr.h"
#include "command.h"
#include "log.h"
#include "rule.h"
#include "time_text.h"
#include "update.h"

static const struct update_action actions[] = {
	{"add", "type ip", "port protocol comment ttl force confirm", true, update_add},
	{"remove", "type", "index ip port protocol comment if-exists force confirm", true,
	 update_remove},
	{"list", "", "type ip port protocol", true, update_list},
	{"stats", "", "", true, update_stats},
	{"reset-stats", "", "", true, update_reset_stats},
	{"clear", "", "type all comment force confirm", true, update_clear},
	{"policy", "", "policy stateful fragments force confirm", true, update_policy},
	{"load", "type file", "ttl force confirm", true, update_load},
	{"save", "file", "", false, update_save},
	{"restore", "file", "check force confirm", false, update_restore},
	{"confirm", "", "", false, update_confirm},
	{"revert", "", "force", false, update_revert},
};
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static const struct option_spec table[] = {
	OPTION(struct update_options, xdp, FLAG, "xdp", NULL,
	       "the rules at XDP, before the network stack:\n--ip is the source, --port the "
	       "destination port"),
	OPTION(struct update_options, ingress, FLAG, "ingress", NULL,
	       "the rules at TC ingress: matches like --xdp"),
	OPTION(struct update_options, egress, FLAG, "egress", NULL,
	       "the rules at TC egress: --ip is the destination"),
	OPTION(struct update_options, action_name, TEXT, "action", "ACTION",
	       "what to do: see above"),
	OPTION(struct update_options, type, CHOICE, "type", "whitelist|blacklist", "which list"),
	OPTION(struct update_options, ip, TEXT, "ip", "CIDR",
	       "address or network, IPv4 or IPv6; 0.0.0.0/0 and ::/0\nare all addresses of their "
	       "family"),
	OPTION(struct update_options, port, TEXT, "port", "P|P-Q|P,Q",
	       "port, range of ports, or several of these:\none rule each"),
	OPTION(struct update_options, protocol, TEXT, "protocol", "NAME",
	       "tcp, udp, icmp, sctp, gre, ... or a number 0 to 255;\nwithout it any"),
	OPTION(struct update_options, comment, TEXT, "comment", "TEXT",
	       "at most 64 bytes of UTF-8"),
	OPTION(struct update_options, ttl, TEXT, "ttl", "TIME",
	       "for so long, like 90s, 10m, 2h, 7d or 1h30m; without\nit for good"),
	OPTION_RANGE(struct update_options, index, COUNT, "index", "N",
		     "the rule's index, as `list` shows it", 0, UINT32_MAX),
	OPTION(struct update_options, if_exists, FLAG, "if-exists", NULL,
	       "remove: a rule that is not there is no failure"),
	OPTION(struct update_options, all, FLAG, "all", NULL, "clear: both lists"),
	OPTION(struct update_options, policy, CHOICE, "policy", "allow|deny",
	       "for packets that no rule matches"),
	OPTION(struct update_options, stateful, FLAG, "stateful", NULL,
	       "with --policy deny: replies to what this host sends\npass"),
	OPTION(struct update_options, fragments, CHOICE, "fragments", "match|drop",
	       "judge fragments by the rules, or drop them all"),
	OPTION(struct update_options, file, TEXT, "file", "FILE",
	       "`-` is standard input or output"),
	OPTION(struct update_options, check, FLAG, "check", NULL,
	       "restore: read and validate only; needs no privilege"),
	OPTION(struct update_options, confirm, TEXT, "confirm", "TIME",
	       "undo the change after TIME (90s, 10m, 2h) unless it is\nconfirmed until then"),
	OPTION(struct update_options, force, FLAG, "force", NULL,
	       "also if it cuts off a live SSH connection"),
	OPTIONS_COMMON,
	{0},
};

/* `options` is struct update_options in all of these. */

static int choose_action(struct update_options *options)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	if (!options->action_name)
		return command_usage(&cmd_update, "say what to do with --action ACTION");
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (strcmp(options->action_name, actions[i].name) == 0) {
			options->action = &actions[i];
			return 0;
		}
		if (options_nearer(options->action_name, actions[i].name, &best))
			nearest = actions[i].name;
	}
	if (nearest)
		return command_usage(&cmd_update, "--action: unknown '%s' (did you mean %s?)",
				     options->action_name, nearest);
	return command_usage(&cmd_update, "--action: unknown '%s'", options->action_name);
}

static int choose_hook(struct update_options *options)
{
	const int given = options->xdp + options->ingress + options->egress;

	if (!options->action->has_hook)
		return given ? command_usage(&cmd_update,
					     "--action %s is about all hooks: leave out --xdp, "
					     "--ingress, "
					     "--egress",
					     options->action->name)
			     : 0;
	if (given != 1)
		return command_usage(&cmd_update,
				     "--action %s needs %s of --xdp, --ingress, --egress",
				     options->action->name, given ? "only one" : "one");
	options->hook = options->xdp ? HOOK_XDP : options->ingress ? HOOK_INGRESS : HOOK_EGRESS;
	options->list = (enum list)options->type.value;
	return 0;
}

/* One of the ports of --port. */
static int add_port(struct update_options *options, const struct rule *rule, const char *port)
{
	struct rule with_port = *rule;
	const char *error;

	if (options->rule_count == UPDATE_PORTS_MAX)
		return command_usage(&cmd_update, "--port: more than %d ports", UPDATE_PORTS_MAX);
	if (rule_parse_port(port, &with_port, &error))
		return command_usage(&cmd_update, "--port: '%s': %s", port, error);
	if (rule_check(&with_port, &error))
		return command_usage(&cmd_update, "--port %s --protocol %s: %s", port,
				     options->protocol, error);
	options->rules[options->rule_count++] = with_port;
	return 0;
}

static int add_ports(struct update_options *options, const struct rule *rule)
{
	char port[RULE_TEXT_BYTES];
	const char *at = options->port;
	int err;

	for (;;) {
		const size_t length = strcspn(at, ",");

		/* What does not fit is no port either way: the cut text is refused. */
		snprintf(port, sizeof(port), "%.*s", (int)length, at);
		err = add_port(options, rule, port);
		if (err || !at[length])
			return err;
		at += length + 1;
	}
}

/* --ip, --port and --protocol to rules. */
static int build_rules(struct update_options *options)
{
	struct rule rule = {.any_protocol = 1};
	const char *error;

	if (!options->ip)
		return options->port || options->protocol
			       ? command_usage(&cmd_update, "--port and --protocol need --ip CIDR")
			       : 0;
	if (cidr_parse(options->ip, strlen(options->ip), &rule, &error))
		return command_usage(&cmd_update, "--ip: '%s': %s", options->ip, error);
	if (options->protocol && rule_parse_protocol(options->protocol, &rule, &error))
		return command_usage(&cmd_update, "--protocol: '%s': %s", options->protocol, error);
	if (options->port)
		return add_ports(options, &rule);
	options->rules[options->rule_count++] = rule;
	return 0;
}

/* What goes together depends on the action; the table says the rest. */
static int check_combination(const struct update_options *options)
{
	const bool by_index = options->index.given, by_rule = options->ip != NULL;
	const struct update_action *action = options->action;

	if (action->run == update_remove && by_index == by_rule)
		return command_usage(&cmd_update, "--action remove needs --index N or --ip CIDR%s",
				     by_index ? ", not both" : "");
	if (action->run == update_clear && options->type.given == options->all)
		return command_usage(&cmd_update,
				     "--action clear needs --type whitelist|blacklist or --all%s",
				     options->all ? ", not both" : "");
	if (options->stateful && (options->policy.value != 1 || options->hook == HOOK_EGRESS))
		return command_usage(&cmd_update,
				     "--stateful goes with --policy deny, of --xdp or --ingress");
	if (action->run == update_policy && !options->policy.given && !options->fragments.given)
		return command_usage(
			&cmd_update,
			"--action policy needs --policy allow|deny or --fragments match|drop");
	if (action->run == update_save && options->common.json && strcmp(options->file, "-") == 0)
		return command_usage(&cmd_update,
				     "--file - prints the rule file itself: leave out --json");
	if (action->run == update_list && options->rule_count > 1)
		return command_usage(&cmd_update, "--action list asks for one --port");
	return 0;
}

static int parse_confirm(struct update_options *options)
{
	const char *error;

	if (!options->confirm)
		return 0;
	if (duration_parse(options->confirm, &options->confirm_s, &error))
		return command_usage(&cmd_update, "--confirm: '%s': %s", options->confirm, error);
	if (options->confirm_s > UPDATE_CONFIRM_MAX_S)
		return command_usage(&cmd_update, "--confirm: '%s': more than a day",
				     options->confirm);
	return 0;
}

static int prepare(void *parsed)
{
	struct update_options *options = parsed;
	char what[64], allowed[128];
	const char *error;
	int err;

	err = choose_action(options);
	if (err)
		return err;
	err = choose_hook(options);
	if (err)
		return err;
	snprintf(what, sizeof(what), "--action %s", options->action->name);
	snprintf(allowed, sizeof(allowed), "action xdp ingress egress %s",
		 options->action->allowed);
	err = options_check(&cmd_update, options, what, options->action->needed, allowed);
	if (!err)
		err = build_rules(options);
	if (!err)
		err = check_combination(options);
	if (err)
		return err;
	if (options->comment &&
	    rule_check_comment(options->comment, strlen(options->comment), &error))
		return command_usage(&cmd_update, "--comment: '%s': %s", options->comment, error);
	if (options->ttl && duration_parse(options->ttl, &options->ttl_s, &error))
		return command_usage(&cmd_update, "--ttl: '%s': %s", options->ttl, error);
	options->common.needs_capability = !options->check;
	return parse_confirm(options);
}

static int run(const void *parsed)
{
	const struct update_options *options = parsed;

	return options->action->run(options);
}

static const char *action(size_t position)
{
	return position < ACTION_COUNT ? actions[position].name : NULL;
}

const struct command cmd_update = {
	.name = "firewall-update",
	.alias = "update",
	.summary = "change, list, load and save rules; counters; policies",
	.usage = "(--xdp | --ingress | --egress) --action ACTION [OPTION...]\n"
		 "       bgo firewall-update --action (save | restore) --file FILE\n"
		 "       bgo firewall-update --action (confirm | revert)",
	.details =
		"Works with and without a running server. A change is one transaction: packets see "
		"all of\n"
		"it or nothing. Whitelist comes before blacklist, then the default policy "
		"decides.\n"
		"\n"
		"Actions:\n"
		"  add --type T --ip CIDR [--port P] [--protocol NAME] [--ttl TIME] [--comment "
		"TEXT]\n"
		"                          add a rule; one that is there already is no failure, "
		"and its\n"
		"                          time starts anew: without --ttl it is there for good, "
		"and one\n"
		"                          that is there for good stays so\n"
		"  remove --type T (--index N | --ip CIDR [--port P] [--protocol NAME]) "
		"[--comment TEXT]\n"
		"      [--if-exists]       remove the rule of that index, or that rule; with "
		"--comment only if\n"
		"                          it has this one\n"
		"  list [--type T] [--ip ADDRESS [--port P] [--protocol NAME]]\n"
		"                          print rules, or those that match an address\n"
		"  stats, reset-stats      packets and bytes by what became of them\n"
		"  clear (--type T | --all) [--comment TEXT]\n"
		"                          remove all rules of a list, or of both, or of these "
		"those "
		"with\n"
		"                          this comment\n"
		"  policy [--policy allow|deny [--stateful]] [--fragments match|drop]\n"
		"                          what happens to packets that no rule matches; deny with "
		"--stateful\n"
		"                          lets replies to what this host sends through\n"
		"  load --type T --file FILE [--ttl TIME]\n"
		"                          add every CIDR of a plain list (one a line, comments "
		"from # or ;\n"
		"                          on) or of `ipset save`, all or none\n"
		"  save --file FILE        write rules, policies and limits of all hooks as text\n"
		"  restore --file FILE [--check]\n"
		"                          replace all of them by what the file says\n"
		"  confirm                 keep a change made with --confirm\n"
		"  revert                  undo it now\n"
		"\n"
		"A change that would drop the packets of an SSH connection to this host, one that "
		"lives and\n"
		"passes now, is refused unless --force. With --confirm TIME a change goes back by "
		"itself if\n"
		"`--action confirm` does not come in time: also when nobody is logged in any more, "
		"the server\n"
		"was killed or the machine rebooted. Until then other changes are refused.\n",
	.examples =
		"  bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.7 --port "
		"22 --protocol tcp\n"
		"  bgo firewall-update --xdp --type blacklist --action add --ip 203.0.113.9 --ttl "
		"2h\n"
		"  bgo firewall-update --xdp --type blacklist --action load --file drop.netset\n"
		"  bgo firewall-update --xdp --action policy --policy deny --confirm 60s\n"
		"  bgo firewall-update --xdp --action list --ip 192.0.2.7\n"
		"  bgo firewall-update --action save --file /root/rules.bgo\n",
	.options = table,
	.options_size = sizeof(struct update_options),
	.action = action,
	.capabilities = COMMAND_NEEDS_BPF,
	.prepare = prepare,
	.run = run,
};
