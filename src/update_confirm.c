/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The actions of firewall-update that end the waiting of a change made with --confirm. */
#include <errno.h>

#include "confirm.h"
#include "lockout.h"
#include "log.h"
#include "snapshot.h"
#include "update.h"

static int end_waiting(const struct update_options *options, bool keep)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	int ended, err;

	err = store_open(&store, options->common.pin_path, STORE_WRITE);
	if (err)
		return err;
	ended = keep ? store_confirm(store)
		     : store_revert(store, options->force ? NULL : lockout_judge);
	if (ended < 0)
		return ended;
	if (!ended)
		return log_fail(-ENOENT, "%s: no change waits to be confirmed at %s",
				options->action->name, options->common.pin_path);
	snapshot_after_change(&store);
	err = update_report(&out, options, true);
	if (err || !out)
		return err;
	output_text(out, keep ? "Confirmed: the rules in force stay\n"
			      : "Reverted: the rules before the change are in force again\n");
	return output_end(&out);
}

int update_confirm(const struct update_options *options)
{
	return end_waiting(options, true);
}

int update_revert(const struct update_options *options)
{
	return end_waiting(options, false);
}
