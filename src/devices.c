/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces of a server: see devices.h. Nothing that goes wrong here ends the server. */
#include "devices.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "rule.h"

struct device {
	const char *name;	       /* as it was given */
	struct attachment *attachment; /* NULL: it waits for an interface of that name */
	enum place place;	       /* as it was said */
	unsigned int missing;	       /* as it was said */
	uint32_t refused; /* number of an interface of the name that could not be attached to, as it
			     was said; 0: none */
	uint32_t namesake; /* of another interface that has the name now, as it was said */
};

struct devices {
	struct attach_options how;
	bool wait;
	size_t count;
	struct device list[];
};

int devices_open(struct devices **out, const struct attach_options *how, const char *const *names,
		 size_t count, bool wait)
{
	struct devices *devices = calloc(1, sizeof(*devices) + count * sizeof(devices->list[0]));

	if (!devices)
		return log_error(-ENOMEM, "start");
	devices->how = *how;
	devices->wait = wait;
	devices->count = count;
	for (size_t i = 0; i < count; i++)
		devices->list[i].name = names[i];
	*out = devices;
	return 0;
}

void devices_free(struct devices *devices)
{
	free(devices);
}

/* -- All of them -- */

int devices_attach(struct devices *devices, bool (*stop)(void *context), void *context)
{
	int err = 0;

	for (size_t i = 0; !err && i < devices->count; i++) {
		struct device *device = &devices->list[i];

		if (stop(context))
			return -ECANCELED;
		if (devices->wait && !if_nametoindex(device->name))
			log_info("Waiting for interface %s", device->name);
		else
			err = attach_interface(&device->attachment, &devices->how, device->name);
	}
	return !err && stop(context) ? -ECANCELED : err;
}

void devices_commit(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		if (devices->list[i].attachment)
			attach_commit(devices->list[i].attachment, &devices->how);
}

/* The last lines are of what it is called now. */
static void look_at_name(struct attachment *attachment)
{
	char before[IF_NAMESIZE];

	if (attachment && attachment_renamed(attachment, before))
		log_info("Interface %s is now named %s", before, attachment_interface(attachment));
}

void devices_detach(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		look_at_name(devices->list[i].attachment);
		detach_interface(take(devices->list[i].attachment), devices->how.pins);
	}
}

void devices_leave(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		struct attachment *attachment = take(devices->list[i].attachment);

		look_at_name(attachment);
		if (attachment && attachment_place(attachment) != PLACE_NONE)
			log_info("Interface %s goes on being filtered, with no server (--on-exit "
				 "keep)",
				 attachment_interface(attachment));
		leave_interface(attachment);
	}
}

/* -- One that has an interface -- */

static void say_place(const struct device *device, enum place place)
{
	const char *name = attachment_interface(device->attachment);

	if (place == PLACE_NONE)
		log_warning("Interface %s is gone: it is filtered again when there is one of name "
			    "%s",
			    name, device->name);
	else if (place == PLACE_ELSEWHERE)
		log_warning("Interface %s is gone from this network namespace: XDP goes on "
			    "filtering it where it is now, TC may not",
			    name);
	else
		log_info("Interface %s is back in this network namespace", name);
}

/* Somebody may give the name to another interface, which is not the one that was meant. */
static void look_at_namesake(struct device *device)
{
	const uint32_t index = attachment_ifindex(device->attachment);
	const uint32_t namesake = if_nametoindex(device->name);

	if (namesake == index || namesake == device->namesake)
		return;
	device->namesake = namesake;
	if (namesake)
		log_warning("There is a new interface %s, which is not filtered: --interface %s "
			    "was the one that is now %s",
			    device->name, device->name, attachment_interface(device->attachment));
}

static void say_missing(const struct device *device, unsigned int missing)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		if (missing & 1u << hook)
			log_error(0,
				  "ALARM: the %s program is not attached to interface %s any "
				  "more, which was not done by this server: attaching it again",
				  hook_name(hook), attachment_interface(device->attachment));
}

static void look_at_programs(const struct devices *devices, struct device *device)
{
	const unsigned int missing = attachment_missing(device->attachment, devices->how.programs);
	const bool is_new = missing & ~device->missing;
	int err;

	if (is_new)
		say_missing(device, missing & ~device->missing);
	device->missing = missing;
	if (attachment_repin(device->attachment, devices->how.pins))
		log_error(0,
			  "ALARM: pins of links to interface %s were removed by somebody: "
			  "pinned again",
			  attachment_interface(device->attachment));
	if (!missing)
		return;
	log_mute(!is_new);
	err = attachment_repair(device->attachment, &devices->how, missing);
	log_mute(false);
	if (err)
		return;
	device->missing = 0;
	log_info("Interface %s is filtered again", attachment_interface(device->attachment));
}

static void follow(const struct devices *devices, struct device *device)
{
	const enum place place = attachment_place(device->attachment);

	if (place == PLACE_UNKNOWN)
		return;
	if (place != device->place)
		say_place(device, place);
	device->place = place;
	if (place == PLACE_HERE) {
		look_at_name(device->attachment);
		look_at_namesake(device);
		look_at_programs(devices, device);
	} else if (place == PLACE_NONE) {
		attachment_forget(take(device->attachment), devices->how.pins);
	} else if (if_nametoindex(device->name)) {
		log_info("Another interface %s came: taking the programs off the one that is gone",
			 device->name);
		detach_interface(take(device->attachment), devices->how.pins);
	}
}

/* -- One that has none -- */

/* An interface of another --interface may have been given the name. */
static bool is_taken(const struct devices *devices, uint32_t ifindex)
{
	for (size_t i = 0; i < devices->count; i++)
		if (devices->list[i].attachment &&
		    attachment_ifindex(devices->list[i].attachment) == ifindex)
			return true;
	return false;
}

static void find(const struct devices *devices, struct device *device)
{
	const uint32_t ifindex = if_nametoindex(device->name);
	int err;

	if (!ifindex || is_taken(devices, ifindex)) {
		device->refused = 0;
		return;
	}
	log_mute(ifindex == device->refused);
	err = attach_interface(&device->attachment, &devices->how, device->name);
	log_mute(false);
	if (err) {
		device->refused = ifindex;
		return;
	}
	attach_commit(device->attachment, &devices->how);
	log_info("Interface %s is filtered%s", device->name, device->refused ? " now" : "");
	*device = (struct device){.name = device->name, .attachment = device->attachment};
}

void devices_look(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		struct device *device = &devices->list[i];

		if (device->attachment)
			follow(devices, device);
		if (!device->attachment)
			find(devices, device);
	}
}
