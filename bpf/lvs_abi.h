/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the maps of the load balancer hold: services, their real servers, and for each service the
 * table by which new connections choose one. Part of abi.h.
 */
#ifndef BGO_LVS_ABI_H
#define BGO_LVS_ABI_H

#include <linux/types.h>

#define LVS_SERVICES_MAX 64
#define LVS_SERVERS_MAX 512	    /* of all services together */
#define LVS_SERVERS_PER_SERVICE 250 /* their numbers, and LVS_NO_SERVER, are one byte */
/* Those of servers in force and of servers that take their place in one change. */
#define LVS_SERVER_IDS (2 * LVS_SERVERS_MAX)
#define LVS_WEIGHT_MAX 1000

enum lvs_mode { LVS_NAT, LVS_FULLNAT, LVS_DSR, LVS_MODE_COUNT };

enum lvs_check_kind { LVS_CHECK_NONE, LVS_CHECK_TCP, LVS_CHECK_HTTP, LVS_CHECK_KIND_COUNT };

/* How the daemon finds out whether the servers of a service are there. No program reads it. */
#define LVS_CHECK_PATH_BYTES 64
#define LVS_CHECK_SECONDS_MAX 3600
#define LVS_CHECK_RESULTS_MAX 100
struct lvs_check {
	__u8 kind;	 /* enum lvs_check_kind; with NONE all else is 0 */
	__u8 rise, fall; /* results in a row that make a server up, and down */
	__u8 release;	 /* 1: connections of a server that goes down end */
	__u16 interval_s, timeout_s;
	char path[LVS_CHECK_PATH_BYTES]; /* of http, with its NUL */
};

/*
 * LVS_KEY_ADDRESS: an address of a service or of a server, no port, no protocol.
 *
 * A service as packets find it. With LVS_KEY_SERVER it is the address of a server instead, so that
 * what it sends of no connection is known; the value then says nothing.
 */
#define LVS_KEY_SERVER 2u
#define LVS_KEY_ADDRESS 4u
struct lvs_key {
	__u32 half;	  /* 0 or 1, | LVS_KEY_* */
	__u32 addr_be[4]; /* IPv4 in word 0, the others 0 */
	__u16 port_be;
	__u8 family, protocol;
};
_Static_assert(sizeof(struct lvs_key) == 24, "lvs_dnat_map's key");

struct lvs_service {
	__u32 table;	    /* in lvs_table_map; of that half also its place in lists */
	__u32 first_server; /* in lvs_server_map */
	__u32 server_count;
	__u8 mode; /* enum lvs_mode */
	__u8 enabled;
	__u8 reserved[2];
	__u32 max_new; /* connections that may begin in a second; 0: any number */
	struct lvs_check check;
};
_Static_assert(sizeof(struct lvs_service) == 92, "lvs_dnat_map's value");

struct lvs_counters {
	__u64 connections;
	__u64 in_packets, in_bytes;   /* from clients */
	__u64 out_packets, out_bytes; /* from the server; of dsr they do not come by here */
	__u64 reserved;
};

#define LVS_DOWN_HTTP 1000
struct lvs_server {
	__u32 addr_be[4];
	__u16 port_be;
	__u16 weight;
	__u32 id; /* in lvs_stats_map, and of its connections; kept as long as it is configured */
	__u8 draining;
	__u8 down;		    /* what the daemon's checks found last, */
	__u16 down_why;		    /* why: errno, or from LVS_DOWN_HTTP on a status */
	__u32 down_since_s;	    /* and when, wall clock */
	struct lvs_counters before; /* what lvs_stats_map said when it was added */
};
_Static_assert(sizeof(struct lvs_server) == 80, "lvs_server_map's value");

/*
 * A Maglev table (Eisenbud and others, NSDI 2016): slot hash % LVS_TABLE_SIZE is the number of the
 * server within its service. A prime, so that every server's steps through the table reach all of
 * it; larger means that shares follow weights more closely and that a change moves less that it
 * need not.
 */
#define LVS_TABLE_SIZE 4093
#define LVS_TABLE_SLOTS 4096
#define LVS_NO_SERVER 255
struct lvs_table {
	__u8 server[LVS_TABLE_SLOTS];
};

#endif
