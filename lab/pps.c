/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `bgo-lab pps`: lab/pps.sh in a sandbox. */
#include <limits.h>
#include <stdio.h>

#include "lab.h"
#include "sandbox.h"

int cmd_pps(int argc, char **argv)
{
	char verbs[PATH_MAX], script[PATH_MAX];
	const char *command[] = {"sandbox", "bash", "-c", ". \"$0\"; . \"$1\"",
				 verbs,	    script, NULL};

	(void)argv;
	if (argc > 1)
		return lab_usage("pps", "takes no arguments");
	snprintf(verbs, sizeof(verbs), "%s/verbs.sh", lab_dir());
	snprintf(script, sizeof(script), "%s/pps.sh", lab_dir());
	return cmd_sandbox(sizeof(command) / sizeof(command[0]) - 1, (char **)command);
}
