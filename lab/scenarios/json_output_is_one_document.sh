# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# --json on everything that prints data: exactly one document, whatever there is to say.
topology
start_server
for hook in xdp ingress egress; do
	expect_json '.whitelist == [] and .blacklist == [] and .policy == "allow"' \
		bgo firewall-update --$hook --action list --json
	expect_json '.total.packets >= 0' bgo firewall-update --$hook --action stats --json
done
expect_json '.changed == true' bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1 --comment '"x" \ y' --json
expect_json '.changed == false' bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1 --json
expect_json '.blacklist[0].comment == "\"x\" \\ y" and .blacklist[0].index == 0' \
	bgo firewall-update --xdp --action list --json
expect_json '.version != null and .map_layout > 0' bgo version --json
expect_json '.enabled == false' bgo firewall-ratelimit --show-config --json
expect_json 'type == "object"' bgo firewall-ratelimit --show-stats --json
expect_json ".running == true and .pid == $SERVER_PID" bgo firewall-server status --json
