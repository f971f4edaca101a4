# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Ended, with clsact filters: as with TCX. Killed: XDP is gone, TC goes on filtering, status says so, a restart repairs it.
TC=clsact
# shellcheck source=lab/stops.sh
. "${BASH_SOURCE[0]%/*}/../stops.sh"
