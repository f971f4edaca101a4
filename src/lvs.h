/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services and their real servers as a model in memory: find, add, remove, print. What commands,
 * save files and the store exchange. Pure.
 */
#ifndef BGO_LVS_MODEL_H
#define BGO_LVS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/abi.h"
#include "cleanup.h"

/* An address, a port and a protocol: of a service, or of a server (whose protocol is its
 * service's). */
struct lvs_endpoint {
	uint32_t addr_be[4]; /* IPv4 in word 0, the others 0 */
	uint16_t port_be;
	uint8_t family, protocol;
};

/* Nobody's machine begins more connections a second. */
#define LVS_MAX_NEW 100000000

struct lvs_model_service {
	struct lvs_endpoint vip;
	uint8_t mode; /* enum lvs_mode */
	bool enabled;
	uint32_t max_new; /* connections that may begin in a second; 0: any number */
	struct lvs_check check;
	struct lvs_server *servers; /* in the order they were added */
	uint32_t server_count, server_capacity;
};

struct lvs_model {
	struct lvs_model_service *services; /* by lvs_endpoint_compare() */
	uint32_t service_count, service_capacity;
};

void lvs_model_free(struct lvs_model *model);
#define _cleanup_lvs_model_ _cleanup_(lvs_model_free)

/* IPv4 first, then by address, port and protocol: the order of lists. */
int lvs_endpoint_compare(const struct lvs_endpoint *a, const struct lvs_endpoint *b);

/* "192.0.2.1" or "2001:db8::1" to address and family. -EINVAL and *error (static text). */
int lvs_parse_addr(const char *text, struct lvs_endpoint *out, const char **error);

#define LVS_TEXT_BYTES 64
/* "192.0.2.1", "2001:db8::1" */
const char *lvs_format_addr(const uint32_t addr_be[static 4], uint8_t family,
			    char text[static LVS_TEXT_BYTES]);
/* "192.0.2.1:80", "[2001:db8::1]:80" */
const char *lvs_format_endpoint(const uint32_t addr_be[static 4], uint16_t port_be, uint8_t family,
				char text[static LVS_TEXT_BYTES]);

const char *lvs_mode_name(uint32_t mode); /* "nat", "fullnat", "dsr" */
int lvs_mode_parse(const char *text, uint8_t *mode);
const char *lvs_check_name(uint32_t kind); /* "none", "tcp", "http" */
/* What a check of this kind is before anything of it is set. */
struct lvs_check lvs_check_default(uint8_t kind);
/* Whether all its fields are what they may be. */
bool lvs_check_valid(const struct lvs_check *check);
const char *lvs_protocol_name(uint8_t protocol); /* "tcp", "udp" */

/* NULL when there is none. */
struct lvs_model_service *lvs_find_service(const struct lvs_model *model,
					   const struct lvs_endpoint *vip);
struct lvs_server *lvs_find_server(const struct lvs_model_service *service,
				   const struct lvs_endpoint *rip);
uint32_t lvs_server_count(const struct lvs_model *model);

/*
 * Adds a service, or finds it when it is there: *service is good until the next one is added.
 * -ENOSPC at LVS_SERVICES_MAX, -EINVAL for a mode that is not the one it has. Errors are not
 * logged.
 */
int lvs_add_service(struct lvs_model *model, const struct lvs_endpoint *vip, uint8_t mode,
		    struct lvs_model_service **service, bool *added);
/*
 * Adds a server. -EEXIST, -ENOSPC when the service (LVS_SERVERS_PER_SERVICE) or all of them
 * (LVS_SERVERS_MAX) are full, -EAFNOSUPPORT for another family, -EDOM for a dsr server of another
 * port. It keeps the id it has in `before`, the services in force, or gets one that nobody has in
 * either: connections go by it. It stays down, too, if it is still checked.
 */
int lvs_add_server(struct lvs_model *model, const struct lvs_model *before,
		   struct lvs_model_service *service, const struct lvs_endpoint *rip,
		   uint16_t weight, bool draining);
/* What is set of a service as a whole, to another that has no servers yet. */
void lvs_copy_settings(struct lvs_model_service *to, const struct lvs_model_service *from);
void lvs_remove_server(struct lvs_model_service *service, struct lvs_server *server);
void lvs_remove_service(struct lvs_model *model, struct lvs_model_service *service);
/* What a check found. why: see struct lvs_server. since_s: wall clock. */
void lvs_set_health(struct lvs_server *server, bool down, uint16_t why, uint32_t since_s);
/* How the servers are checked from here on: with none all of them are up. */
void lvs_set_check(struct lvs_model_service *service, const struct lvs_check *check);
/* A deep copy. 0 or -ENOMEM. */
int lvs_model_copy(struct lvs_model *out, const struct lvs_model *model);
bool lvs_model_equal(const struct lvs_model *a, const struct lvs_model *b);

#endif
