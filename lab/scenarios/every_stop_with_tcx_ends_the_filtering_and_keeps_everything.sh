# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Ended or killed, with TCX links: nothing stays attached, every map, rule, index, policy, limit and counter stays.
needs_tcx
TC=tcx
# shellcheck source=lab/stops.sh
. "${BASH_SOURCE[0]%/*}/../stops.sh"
