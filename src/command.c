/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the commands, and what all of them say in the same way: usage errors and help. */
#include "command.h"

#include <stdio.h>

#include "log.h"
#include "options.h"

const struct command *const command_table[] = {
	&cmd_server_start,
	&cmd_server_status,
	&cmd_server_detach,
	&cmd_server_cleanup_maps,
	&cmd_update,
	&cmd_ratelimit,
	/* firewall-lvs */
	&cmd_lvs_add,
	&cmd_lvs_remove,
	&cmd_lvs_list,
	&cmd_lvs_set,
	&cmd_lvs_enable,
	&cmd_lvs_disable,
	&cmd_lvs_drain,
	&cmd_lvs_status,
	&cmd_lvs_stats,
	&cmd_lvs_cleanup,
	&cmd_lvs_debug,
	NULL,
};

int command_usage(const struct command *command, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return log_fail(COMMAND_USAGE, "%s: %s; type: bgo help %s", command->name, text,
			command->name);
}

void command_help(const struct command *command)
{
	printf("bgo %s: %s\n\nUsage: bgo %s %s\n", command->name, command->summary, command->name,
	       command->usage);
	if (command->alias)
		printf("Short: bgo %s\n", command->alias);
	if (command->details)
		printf("\n%s", command->details);
	printf("\nOptions:\n");
	options_help(command->options);
	printf("\nExamples:\n%s", command->examples);
}
