/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities of the daemon: see privilege.h. Under the systemd unit it is started with three of
 * them and nothing changes here; started by hand it is root, and a hole in what reads the network
 * would be root's.
 */
#include "privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/prctl.h>

#include "log.h"

static bool have(unsigned int capability)
{
	return capng_have_capability(CAPNG_EFFECTIVE, capability);
}

int privilege_drop(void)
{
	/* A kernel that knows CAP_BPF takes CAP_SYS_ADMIN for it. */
	const unsigned int kept[] = {CAP_NET_ADMIN, CAP_PERFMON,
				     have(CAP_BPF) ? CAP_BPF : CAP_SYS_ADMIN};
	const capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
	bool keep[sizeof(kept) / sizeof(kept[0])];
	/* Without this capability the bounding set stays, which no_new_privs makes harmless. */
	const capng_select_t select = have(CAP_SETPCAP) ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS;
	int err;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		keep[i] = have(kept[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (keep[i])
			capng_update(CAPNG_ADD, sets, kept[i]);
	err = capng_apply(select);
	if (err)
		return log_error(-EPERM, "give up capabilities (libcap-ng: %d)", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return log_error(-errno, "give up privileges");
	return 0;
}
