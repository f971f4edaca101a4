/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stage of the attach tests: see near.h. */
#include "near.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "own_bpffs.h"

struct store *store, *other_store;
struct programs *programs, *other_programs;
struct link_pins *pins;

void shell_output(const char *command, char *text, size_t size)
{
	FILE *pipe = popen(command, "r");

	assert_non_null(pipe);
	text[fread(text, 1, size - 1, pipe)] = '\0';
	pclose(pipe);
}

void open_store(const char *pin_path, struct store **opened, struct programs **loaded)
{
	bool created;

	assert_int_equal(store_open_or_create(opened, pin_path, 1024, &created), 0);
	assert_true(created);
	assert_int_equal(programs_load(loaded, *opened, false), 0);
}

bool has_tcx(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname kernel;

	assert_int_equal(uname(&kernel), 0);
	assert_int_equal(sscanf(kernel.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 6);
}

void needs_tcx(void)
{
	if (!has_tcx())
		skip();
}

int near_group_setup(void **state)
{
	(void)state;
	libbpf_set_print(NULL); /* noise about the filters of others */
	own_bpffs_enter(CLONE_NEWNET);
	shell("ip link set lo up");
	open_store(PIN_PATH, &store, &programs);
	open_store("/sys/fs/bpf/other", &other_store, &other_programs);
	assert_int_equal(link_pins_open(&pins, PIN_PATH), 0);
	return 0;
}

int near_group_teardown(void **state)
{
	(void)state;
	link_pins_close(pins);
	programs_unload(programs);
	programs_unload(other_programs);
	store_close(store);
	store_close(other_store);
	return 0;
}

int near_setup(void **state)
{
	(void)state;
	shell("ip link add " NEAR " type veth peer name " FAR);
	return 0;
}

int near_teardown(void **state)
{
	(void)state;
	shell("ip link del " NEAR " 2>/dev/null || true");
	return 0;
}

struct interface near_interface(void)
{
	return (struct interface){.name = NEAR, .index = if_nametoindex(NEAR)};
}

struct attach_options near_options(struct programs *with, enum xdp_mode mode, enum tc_kind kind)
{
	return (struct attach_options){
		.programs = with, .pins = pins, .mode = mode, .tc_kind = kind};
}

struct attachment *near_attach(const char *interface, enum xdp_mode mode, enum tc_kind kind)
{
	const struct attach_options how = near_options(programs, mode, kind);
	struct attachment *attachment = NULL;

	assert_int_equal(attach_interface(&attachment, &how, interface), 0);
	assert_non_null(attachment);
	return attachment;
}

struct capture capture_begin(void)
{
	const struct capture capture = {memfd_create("log", MFD_CLOEXEC), dup(STDERR_FILENO)};

	assert_true(capture.file >= 0 && capture.stderr_fd >= 0);
	dup2(capture.file, STDERR_FILENO);
	return capture;
}

void capture_end(struct capture capture, char *text, size_t size)
{
	ssize_t length;

	dup2(capture.stderr_fd, STDERR_FILENO);
	length = pread(capture.file, text, size - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	close(capture.file);
	close(capture.stderr_fd);
}

int attach_failing(struct programs *with, const char *interface, enum xdp_mode mode,
		   enum tc_kind kind, char *text, size_t size)
{
	const struct attach_options how = near_options(with, mode, kind);
	const struct capture capture = capture_begin();
	struct attachment *attachment = NULL;
	int err;

	err = attach_interface(&attachment, &how, interface);
	capture_end(capture, text, size);
	assert_null(attachment);
	return err;
}

void assert_says(const char *text, const char *expected)
{
	if (!strstr(text, expected))
		fail_msg("'%s' is not in: %s", expected, text);
}

struct attach_status near_status(void)
{
	struct attach_status *all = NULL, status;

	assert_int_equal(attach_status(store, pins, &all), 1);
	status = all[0];
	free(all);
	return status;
}

void assert_nothing_attached(void)
{
	struct attach_status *all = NULL;

	assert_int_equal(attach_status(store, pins, &all), 0);
	free(all);
}

uint32_t near_program_id(enum hook hook)
{
	uint32_t id = 0;

	assert_int_equal(program_id(programs_fd(programs, hook), &id), 0);
	return id;
}

int foreign_program(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const int fd = bpf_prog_load(type, "foreign", "GPL", insns, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

void add_foreign_filter(uint32_t priority, uint32_t handle, uint32_t flags)
{
	const int fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(NEAR),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = fd, .handle = handle, .priority = priority,
		    .flags = flags);

	assert_int_equal(bpf_tc_attach(&hook, &options), 0);
	close(fd);
}

void assert_qdisc(bool there)
{
	char text[4096];

	shell_output("tc qdisc show dev " NEAR, text, sizeof(text));
	assert_int_equal(strstr(text, "clsact") != NULL, there);
}

int ingress_filters(void)
{
	const struct interface interface = near_interface();
	struct tc_program found[TC_PROGRAMS_MAX];

	return clsact_query(&interface, TC_INGRESS, found);
}

void attach_and_be_killed(struct programs *with, enum tc_kind kind)
{
	struct attachment *attachment;
	const pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		const struct attach_options how = near_options(with, XDP_MODE_NATIVE, kind);

		if (attach_interface(&attachment, &how, NEAR) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}
