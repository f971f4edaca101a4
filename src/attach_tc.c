/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of TC on one interface: a TCX link where the kernel has them (6.6), else a filter
 * of the clsact qdisc. Ours comes first in both, because a program in front of it that says
 * "accept" would end the packet's way before the firewall saw it.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "netlink.h"

/* Names of Linux 6.6 that the headers of Debian 12 do not have. */
#define TCX_ATTACH_INGRESS 46
#define TCX_ATTACH_EGRESS 47
#define MPROG_BEFORE (1U << 3)

/* Of our filter among those of its priority, which is its own. */
#define FILTER_HANDLE 1

const char *tc_direction_name(enum tc_direction direction)
{
	return direction == TC_INGRESS ? "ingress" : "egress";
}

const char *tc_kind_name(enum tc_kind kind)
{
	static const char *const names[] = {
		[TC_KIND_AUTO] = "auto",
		[TC_KIND_TCX] = "tcx",
		[TC_KIND_CLSACT] = "clsact",
	};

	return names[kind];
}

/* -- TCX -- */

static enum bpf_attach_type tcx_type(enum tc_direction direction)
{
	return (enum bpf_attach_type)(direction == TC_INGRESS ? TCX_ATTACH_INGRESS
							      : TCX_ATTACH_EGRESS);
}

int tcx_attach(int program_fd, const struct interface *interface, enum tc_direction direction,
	       struct tc_filter *out)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = MPROG_BEFORE);
	_cleanup_close_ int link = -1;
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);

	link = bpf_link_create(program_fd, (int)interface->index, tcx_type(direction), &options);
	if (link < 0)
		return link;
	if (bpf_obj_get_info_by_fd(link, &info, &length))
		return -errno;
	*out = (struct tc_filter){
		.link_fd = take_fd(link),
		.link_id = info.id,
		.program_id = info.prog_id,
	};
	return 0;
}

int tcx_query(const struct interface *interface, enum tc_direction direction,
	      struct tc_program out[static TC_PROGRAMS_MAX])
{
	__u32 ids[TC_PROGRAMS_MAX] = {};
	__u32 count = TC_PROGRAMS_MAX;
	int err;

	err = bpf_prog_query((int)interface->index, tcx_type(direction), 0, NULL, ids, &count);
	if (err == -EINVAL)
		return 0;
	if (err)
		return err;
	for (__u32 i = 0; i < count; i++)
		out[i] = (struct tc_program){.id = ids[i]};
	return (int)count;
}

/* -- clsact -- */

/*
 * libbpf prints what it gets from netlink, also what is no error here, such as a qdisc that exists.
 * Its functions return the same as errno, and the caller logs that.
 */
static void restore_print(libbpf_print_fn_t *print)
{
	libbpf_set_print(*print);
}
#define _quiet_libbpf_                                                                             \
	_cleanup_(restore_print) __attribute__((unused)) libbpf_print_fn_t quiet_ =                \
		libbpf_set_print(NULL)

static struct bpf_tc_hook clsact_hook(const struct interface *interface, unsigned int points)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)interface->index,
		.attach_point = (enum bpf_tc_attach_point)points,
	};
}

static unsigned int clsact_point(enum tc_direction direction)
{
	return direction == TC_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

static bool kind_is(const struct nlmsghdr *message, const char *kind)
{
	const struct nlattr *found = netlink_attribute(message, sizeof(struct tcmsg), TCA_KIND);

	return found && mnl_attr_validate(found, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(found), kind) == 0;
}

/* -EEXIST: this is a qdisc of another kind in the interface's clsact place. */
static int refuse_other_kind(const struct nlmsghdr *message, void *context)
{
	const struct interface *interface = context;
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != RTM_NEWQDISC ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*tc) ||
	    tc->tcm_ifindex != (int)interface->index || tc->tcm_parent != TC_H_CLSACT)
		return 0;
	return kind_is(message, "clsact") ? 0 : -EEXIST;
}

/*
 * An ingress qdisc is in the same place, and takes filters for egress too, which it then runs at
 * ingress: nothing but its kind tells it from a clsact.
 */
static int check_clsact(const struct interface *interface)
{
	const struct tcmsg tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)interface->index};

	return netlink_dump(RTM_GETQDISC, &tc, sizeof(tc), refuse_other_kind, (void *)interface);
}

int clsact_create(const struct interface *interface)
{
	struct bpf_tc_hook hook = clsact_hook(interface, BPF_TC_INGRESS | BPF_TC_EGRESS);
	_quiet_libbpf_;
	int err;

	err = bpf_tc_hook_create(&hook);
	if (err == -EEXIST)
		return check_clsact(interface);
	return err ? err : 1;
}

/* A filter as a dump shows it; program_id 0: not a BPF filter. */
struct filter {
	uint32_t priority, handle, program_id;
};
typedef int (*each_filter_fn)(const struct filter *filter, void *context);

struct filter_dump {
	each_filter_fn each;
	void *context;
};

static uint32_t attribute_u32(const struct nlattr *attribute)
{
	return attribute && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0
		       ? mnl_attr_get_u32(attribute)
		       : 0;
}

static uint32_t filter_program(const struct nlmsghdr *message)
{
	if (!kind_is(message, "bpf"))
		return 0;
	return attribute_u32(netlink_nested(
		netlink_attribute(message, sizeof(struct tcmsg), TCA_OPTIONS), TCA_BPF_ID));
}

static int read_filter(const struct nlmsghdr *message, void *context)
{
	const struct filter_dump *dump = context;
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct filter filter;

	if (message->nlmsg_type != RTM_NEWTFILTER ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*tc))
		return 0;
	/* Other chains are only reached by a jump, and have priorities of their own. */
	if (attribute_u32(netlink_attribute(message, sizeof(*tc), TCA_CHAIN)) != 0)
		return 0;
	filter = (struct filter){
		.priority = TC_H_MAJ(tc->tcm_info) >> 16,
		.handle = tc->tcm_handle,
		.program_id = filter_program(message),
	};
	return dump->each(&filter, dump->context);
}

/* Filters of one direction by priority; no qdisc is no filters. */
static int each_filter(const struct interface *interface, enum tc_direction direction,
		       each_filter_fn each, void *context)
{
	const struct tcmsg tc = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)interface->index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction == TC_INGRESS ? TC_H_MIN_INGRESS
									     : TC_H_MIN_EGRESS),
	};
	struct filter_dump dump = {.each = each, .context = context};

	return netlink_dump(RTM_GETTFILTER, &tc, sizeof(tc), read_filter, &dump);
}

static int skip_used_priority(const struct filter *filter, void *context)
{
	uint32_t *candidate = context;

	if (filter->priority == *candidate)
		*candidate += 1;
	return 0;
}

int clsact_attach(int program_fd, const struct interface *interface, enum tc_direction direction,
		  struct tc_filter *out)
{
	struct bpf_tc_hook hook = clsact_hook(interface, clsact_point(direction));
	uint32_t priority = 1;
	_quiet_libbpf_;
	int err;

	err = each_filter(interface, direction, skip_used_priority, &priority);
	if (err)
		return err;
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = FILTER_HANDLE,
		    .priority = priority);
	err = bpf_tc_attach(&hook, &options);
	if (err)
		return err;
	*out = (struct tc_filter){
		.link_fd = -1,
		.priority = priority,
		.handle = FILTER_HANDLE,
		.program_id = options.prog_id,
	};
	return 0;
}

int clsact_replace(int program_fd, const struct interface *interface, enum tc_direction direction,
		   struct tc_filter *filter)
{
	struct bpf_tc_hook hook = clsact_hook(interface, clsact_point(direction));
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = filter->handle,
		    .priority = filter->priority, .flags = BPF_TC_F_REPLACE);
	_quiet_libbpf_;
	int err;

	err = bpf_tc_attach(&hook, &options);
	if (!err)
		filter->program_id = options.prog_id;
	return err;
}

struct program_row {
	struct tc_program *programs;
	int count;
};

static int collect_program(const struct filter *filter, void *context)
{
	struct program_row *row = context;

	if (filter->program_id && row->count < TC_PROGRAMS_MAX)
		row->programs[row->count++] = (struct tc_program){
			.id = filter->program_id,
			.priority = filter->priority,
			.handle = filter->handle,
		};
	return 0;
}

int clsact_query(const struct interface *interface, enum tc_direction direction,
		 struct tc_program out[static TC_PROGRAMS_MAX])
{
	struct program_row row = {.programs = out};
	int err;

	err = each_filter(interface, direction, collect_program, &row);
	return err ? err : row.count;
}

static int refuse_filter(const struct filter *filter, void *context)
{
	(void)filter;
	(void)context;
	return -EBUSY;
}

int clsact_remove_empty(const struct interface *interface)
{
	struct bpf_tc_hook hook = clsact_hook(interface, BPF_TC_INGRESS | BPF_TC_EGRESS);
	_quiet_libbpf_;
	int err;

	/* The kernel has no "remove if empty": a filter that comes between the look and the removal
	 * is lost. */
	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++) {
		err = each_filter(interface, direction, refuse_filter, NULL);
		if (err)
			return err;
	}
	return bpf_tc_hook_destroy(&hook);
}

static int clsact_detach(const struct interface *interface, enum tc_direction direction,
			 const struct tc_filter *filter)
{
	struct bpf_tc_hook hook = clsact_hook(interface, clsact_point(direction));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);
	_quiet_libbpf_;
	int err;

	err = bpf_tc_query(&hook, &options);
	if (err == -ENODEV)
		return 0;
	if (err == -EINVAL) /* no qdisc */
		return -ENOENT;
	if (err)
		return err;
	if (options.prog_id != filter->program_id)
		return -ESTALE;
	options.prog_id = 0; /* an answer, refused as a question */
	options.prog_fd = 0;
	options.flags = 0;
	return bpf_tc_detach(&hook, &options);
}

int tc_detach(const struct interface *interface, enum tc_direction direction,
	      struct tc_filter *filter)
{
	int err = 0;

	if (filter->link_fd >= 0) {
		err = bpf_link_detach(filter->link_fd);
		close(filter->link_fd); /* the last reference: it goes even if detaching failed */
	} else if (filter->priority) {
		err = clsact_detach(interface, direction, filter);
	}
	*filter = (struct tc_filter)TC_FILTER_NONE;
	return err;
}
