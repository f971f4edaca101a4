/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of bgo-lab have in common. */
#ifndef BGO_LAB_H
#define BGO_LAB_H

#include <getopt.h>
#include <stdint.h>
#include <time.h>

#define EXIT_USAGE 2

/* One of bgo-lab's commands: argv[0] is its name. Returns the exit code. */
typedef int lab_command(int argc, char **argv);

/* "bgo-lab COMMAND: what; try ...": returns EXIT_USAGE. */
int lab_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes one option of a command, `option` being its val. 0, or EXIT_USAGE, said. */
typedef int lab_option(void *target, int option, const char *value);

/* Gives each option of the command line to `set`; optind is then at its first word. 0 or
 * EXIT_USAGE. */
int lab_options(int argc, char **argv, const struct option *known, lab_option *set, void *target);

/* Nanoseconds that no step of the wall clock changes. */
static inline uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * The directory that holds scenarios/ and verbs.sh: beside the build directory this program is in,
 * where `make install` puts them, or $BGO_LAB_DIR.
 */
const char *lab_dir(void);

/* Each command: name, function, arguments, what it does; lines are broken as help shows them. */
/* clang-format off */
#define LAB_COMMANDS(X) \
	X("list", cmd_list, "", "name every scenario and what it shows, and the labs that are up") \
	X("run", cmd_run, \
	  "[NAME|PATTERN...] [--jobs N] [--timeout SECONDS] [--verbose]\n" \
	  "                  [--junit FILE | --keep]", \
	  "run scenarios, each in namespaces of its own: all, or those named, or like '*restart*'") \
	X("up", cmd_up, "NAME [--interfaces 1|2]", \
	  "bring up what scenarios run in, client c0 -- s0 server, to try things by hand") \
	X("shell", cmd_shell, "NAME [--client] [COMMAND...]", \
	  "a shell, or a command, in it: at the server, or in the client's network") \
	X("down", cmd_down, "NAME...", "end everything in it and remove it") \
	X("replay", cmd_replay, \
	  "FILE.pcap[ng] --rules SAVEFILE [--hook xdp|ingress|egress]\n" \
	  "                     [--method test-run|veth] [--max-rules N] [--json | --expect FILE]\n" \
	  "                     [--write-drops FILE.pcap]", \
	  "say for each packet of a capture what the firewall does with it") \
	X("frames", cmd_frames, "FILE.pcap FRAME...", \
	  "write a capture of frames, for replay; a FRAME is as for probe") \
	X("flood", cmd_flood, \
	  "--interface IF --destination ADDRESS --to-mac MAC\n" \
	  "                    {--source CIDR | --numbers FIRST+COUNT[/CLUSTER]}...\n" \
	  "                    [--port N] [--pps N] [--seconds N] [--json]", \
	  "send UDP packets from many sources, as fast as the machine can") \
	X("pps", cmd_pps, "", "measure packets per second through XDP and TC (information only)") \
	X("probe", cmd_probe, "--from [NETNS/]IF --to [NETNS/]IF [--expect passed|dropped] FRAME...", \
	  "send frames and say which arrived; a FRAME is like\n" \
	  "        'src=192.0.2.1 dst=192.0.2.2 proto=udp dport=53', `bgo-lab probe` lists the " \
	  "words") \
	X("talk", cmd_talk, \
	  "serve --port P [--name NAME]\n" \
	  "                   | ask --to ADDRESS --port P [--udp] [--connections N] [--hold]", \
	  "both ends of real connections: who answers, and whom he sees") \
	X("sandbox", cmd_sandbox, "COMMAND...", "run a command in namespaces of its own")
/* clang-format on */

lab_command cmd_list, cmd_run, cmd_up, cmd_shell, cmd_down, cmd_replay, cmd_frames, cmd_flood,
	cmd_pps, cmd_probe, cmd_sandbox, cmd_talk;

#endif
