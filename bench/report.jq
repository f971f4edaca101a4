# SPDX-License-Identifier: GPL-2.0-or-later
# Lines of bench/point.sh to one document: for every point and arm the median of its rounds, how far the
# others lie from it, and the ratio to the limit: the empty program that drops, or for packets that all
# pass the one that passes, or for those that are forwarded the one that redirects. Given $machine, and of
# bench/lifecycle.sh $lifecycle.

def median: sort | .[length / 2 | floor];
def rounded(n): . * n | round / n;

[inputs | split(",")] as $lines
| [$lines[] | select(.[3] != "") | {
	family: .[0], kind: .[1], rules: (.[2] | tonumber), traffic: .[3], arm: .[5],
	ns: ((.[7] | tonumber) * 1e9 / ([1, (.[6] | tonumber)] | max))
}] as $floods
| {
	machine: $machine,
	points: [
		$floods | group_by([.family, .kind, .rules, .traffic])[]
		| ({miss: "pass", established: "redirect", new: "redirect"}[.[0].traffic] // "drop") as $limit
		| ([.[] | select(.arm == $limit).ns] | if length > 0 then median else null end) as $limit_ns
		| group_by(.arm)[]
		| ([.[].ns] | median) as $ns
		| (.[0] | del(.ns)) + {
			rounds: length,
			mpps: (1000 / $ns | rounded(1000)),
			ns_per_packet: ($ns | rounded(10)),
			spread_percent: (([.[].ns] | max - min) / $ns * 50 | rounded(10)),
			ratio_to_limit: (if $limit_ns then $limit_ns / $ns | rounded(1000) else null end),
			ns_above_limit: (if $limit_ns then $ns - $limit_ns | rounded(10) else null end)
		}
	],
	lifecycle: [
		$lifecycle | split("\n")[] | select(. != "") | split(" ")
		| {name: .[0], value: (.[1] | tonumber), unit: .[2]}
	],
	not_measured: ([$lines[] | select(.[3] == "") | {
		family: .[0], kind: .[1], rules: (.[2] | tonumber), arm: .[5], why: .[8]
	}] | unique)
}
