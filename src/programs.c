/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the programs on a store's maps. libbpf takes any map for any other when told to reuse it,
 * so each one's shape is compared with what the program was compiled for before it is handed over.
 */
#include "programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"

#include "tc.skel.h"
#include "xdp.skel.h"

struct programs {
	struct xdp_bpf *xdp;
	struct xdp_bpf *xdp_fragments; /* NULL: no interface needed it */
	struct tc_bpf *tc;
	bool record;
};

/* libbpf's warnings are the verifier's log and other reasons for a failure; the rest is noise. */
static int print_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	int length;

	if (level != LIBBPF_WARN)
		return 0;
	length = vasprintf(&text, format, args);
	if (length < 0) {
		text = NULL;
		return 0;
	}
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	log_write(LOG_LEVEL_ERROR, "%s", text);
	return length;
}

static int fail_shape(const struct bpf_map *map, const struct store *store, const char *what,
		      uint32_t have, uint32_t need)
{
	return log_fail(-EINVAL,
			"load programs: map %s at %s has %s %u and the programs need %u; it is not "
			"of this version of bgo",
			bpf_map__name(map), store_pin_path(store), what, have, need);
}

/* Gives the program the store's map in place of the one it declares. */
static int reuse_map(struct bpf_map *map, const struct store *store, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (err)
		return log_error(err, "load programs: inspect map %s at %s", bpf_map__name(map),
				 store_pin_path(store));
	if (info.type != bpf_map__type(map))
		return fail_shape(map, store, "type", info.type, bpf_map__type(map));
	if (info.key_size != bpf_map__key_size(map))
		return fail_shape(map, store, "key size", info.key_size, bpf_map__key_size(map));
	if (info.value_size != bpf_map__value_size(map))
		return fail_shape(map, store, "value size", info.value_size,
				  bpf_map__value_size(map));
	if (info.map_flags != bpf_map__map_flags(map))
		return fail_shape(map, store, "flags", info.map_flags, bpf_map__map_flags(map));
	err = bpf_map__reuse_fd(map, fd);
	if (err)
		return log_error(err, "load programs: use map %s at %s", bpf_map__name(map),
				 store_pin_path(store));
	return 0;
}

/* Every pinned map that the object declares becomes the store's. */
static int reuse_maps(struct bpf_object *object, const struct store *store)
{
#define PROGRAM_MAP(name, ...) MAP_##name,
	static const enum map program_maps[] = {PROGRAM_MAPS(PROGRAM_MAP)};
#undef PROGRAM_MAP

	for (size_t i = 0; i < sizeof(program_maps) / sizeof(program_maps[0]); i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(object, map_name(program_maps[i]));
		int err;

		if (!map)
			continue;
		err = reuse_map(map, store, store_map_fd(store, program_maps[i]));
		if (err)
			return err;
	}
	return 0;
}

static int load_xdp(struct programs *programs, const struct store *store)
{
	int err;

	programs->xdp = xdp_bpf__open();
	if (!programs->xdp)
		return log_error(-errno, "open the XDP program");
	programs->xdp->rodata->max_rules = store_max_rules(store);
	programs->xdp->rodata->record_verdicts = programs->record;
	err = reuse_maps(programs->xdp->obj, store);
	if (err)
		return err;
	err = xdp_bpf__load(programs->xdp);
	if (err)
		return log_error(err, "load the XDP program");
	return 0;
}

static int load_tc(struct programs *programs, const struct store *store)
{
	int err;

	programs->tc = tc_bpf__open();
	if (!programs->tc)
		return log_error(-errno, "open the TC programs");
	programs->tc->rodata->max_rules = store_max_rules(store);
	programs->tc->rodata->record_verdicts = programs->record;
	err = reuse_maps(programs->tc->obj, store);
	if (err)
		return err;
	err = tc_bpf__load(programs->tc);
	if (err)
		return log_error(err, "load the TC programs");
	return 0;
}

/* The maps of the one that is loaded are the store's, checked. */
static int reuse_maps_of(struct bpf_object *object, const struct bpf_object *loaded)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const struct bpf_map *same =
			bpf_object__find_map_by_name(loaded, bpf_map__name(map));
		int err;

		if (!same || bpf_map__is_internal(map))
			continue;
		err = bpf_map__reuse_fd(map, bpf_map__fd(same));
		if (err)
			return err;
	}
	return 0;
}

static int load_fragments(struct programs *programs, struct xdp_bpf *xdp)
{
	int err;

	xdp->rodata->max_rules = programs->xdp->rodata->max_rules;
	xdp->rodata->record_verdicts = programs->record;
	xdp->rodata->fragments = true;
	err = bpf_program__set_flags(xdp->progs.bgo_xdp, BPF_F_XDP_HAS_FRAGS);
	if (!err)
		err = reuse_maps_of(xdp->obj, programs->xdp->obj);
	return err ? err : xdp_bpf__load(xdp);
}

int programs_load_fragments(struct programs *programs)
{
	struct xdp_bpf *xdp;
	libbpf_print_fn_t print;
	int err;

	if (programs->xdp_fragments)
		return 0;
	xdp = xdp_bpf__open();
	if (!xdp)
		return log_error(-errno, "open the XDP program for frames in fragments");
	print = libbpf_set_print(print_warning);
	err = load_fragments(programs, xdp);
	libbpf_set_print(print);
	if (err) {
		xdp_bpf__destroy(xdp);
		return log_error(err, "load the XDP program for frames in fragments");
	}
	programs->xdp_fragments = xdp;
	return 0;
}

int programs_load(struct programs **out, const struct store *store, bool record)
{
	_cleanup_(programs_cleanup) struct programs *programs = NULL;
	libbpf_print_fn_t print;
	int err;

	programs = calloc(1, sizeof(*programs));
	if (!programs)
		return log_error(-ENOMEM, "load programs");
	programs->record = record;
	print = libbpf_set_print(print_warning);
	err = load_xdp(programs, store);
	if (!err)
		err = load_tc(programs, store);
	libbpf_set_print(print);
	if (err)
		return err;
	*out = take(programs);
	return 0;
}

void programs_unload(struct programs *programs)
{
	if (!programs)
		return;
	xdp_bpf__destroy(programs->xdp);
	xdp_bpf__destroy(programs->xdp_fragments);
	tc_bpf__destroy(programs->tc);
	free(programs);
}

void programs_cleanup(struct programs **programs)
{
	programs_unload(*programs);
}

int programs_fd(const struct programs *programs, enum hook hook)
{
	switch (hook) {
	case HOOK_XDP:
		return bpf_program__fd(programs->xdp->progs.bgo_xdp);
	case HOOK_INGRESS:
		return bpf_program__fd(programs->tc->progs.bgo_tc_ingress);
	case HOOK_EGRESS:
		return bpf_program__fd(programs->tc->progs.bgo_tc_egress);
	default:
		return -EINVAL;
	}
}

int programs_fragments_fd(const struct programs *programs)
{
	return programs->xdp_fragments ? bpf_program__fd(programs->xdp_fragments->progs.bgo_xdp)
				       : -ENOENT;
}

size_t programs_fds(const struct programs *programs, int fds[static PROGRAMS_MAX])
{
	size_t count = 0;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		fds[count++] = programs_fd(programs, hook);
	if (programs->xdp_fragments)
		fds[count++] = programs_fragments_fd(programs);
	return count;
}

int programs_forward_by(const struct programs *programs, uint32_t ifindex)
{
	int err = bpf_map_update_elem(bpf_map__fd(programs->xdp->maps.forward_ports), &ifindex,
				      &ifindex, BPF_ANY);

	return err ? log_error(err, "let XDP forward by interface %u", ifindex) : 0;
}

int programs_last_verdict(const struct programs *programs, enum hook hook, struct last_verdict *out)
{
	const struct verdict_note *note;

	if (!programs->record)
		return -EINVAL;
	switch (hook) {
	case HOOK_XDP:
		note = &programs->xdp->bss->xdp_verdict;
		break;
	case HOOK_INGRESS:
		note = &programs->tc->bss->ingress_verdict;
		break;
	case HOOK_EGRESS:
		note = &programs->tc->bss->egress_verdict;
		break;
	default:
		return -EINVAL;
	}
	out->count = note->count;
	out->reason = note->reason;
	out->rule = note->rule;
	return 0;
}
