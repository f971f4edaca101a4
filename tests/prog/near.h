/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of attaching attach to: the near end of a veth pair, made anew for each test in a
 * network namespace of the test program's own, and two stores, so that there is a firewall beside
 * the one under test. What fails here fails the test.
 */
#ifndef BGO_TESTS_NEAR_H
#define BGO_TESTS_NEAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "../../src/attach_parts.h"
#include "firewall.h"

#define NEAR "bgo-near"
#define FAR "bgo-far"

/* The store whose programs are attached, and another firewall of this machine. */
extern struct store *store, *other_store;
extern struct programs *programs, *other_programs;
extern struct link_pins *pins; /* of store, as they were at the beginning: none */

/* Links at TC came with Linux 6.6: a test of them is skipped where there are none. */
bool has_tcx(void);
void needs_tcx(void);

int near_group_setup(void **state);
int near_group_teardown(void **state);
int near_setup(void **state);
int near_teardown(void **state);
#define NEAR_TEST(name) cmocka_unit_test_setup_teardown(name, near_setup, near_teardown)

/* What a command prints, up to size - 1 bytes. */
void shell_output(const char *command, char *text, size_t size);

/* Makes a store and loads programs on it. */
void open_store(const char *pin_path, struct store **opened, struct programs **loaded);

struct interface near_interface(void);
struct attach_options near_options(struct programs *with, enum xdp_mode mode, enum tc_kind kind);
/* Attaches `programs`, which must succeed. */
struct attachment *near_attach(const char *interface, enum xdp_mode mode, enum tc_kind kind);
/* Attaches in a process that is then killed, as a server may be. */
void attach_and_be_killed(struct programs *with, enum tc_kind kind);
/* Must not attach. Returns the error, and what was logged in `text`. */
int attach_failing(struct programs *with, const char *interface, enum xdp_mode mode,
		   enum tc_kind kind, char *text, size_t size);

/* What is logged between begin and end. */
struct capture {
	int file, stderr_fd;
};
struct capture capture_begin(void);
void capture_end(struct capture capture, char *text, size_t size);
void assert_says(const char *text, const char *expected);

/* The one interface with programs of `store`, asked of the kernel. */
struct attach_status near_status(void);
void assert_nothing_attached(void);
/* The kernel's id of one of `programs`. */
uint32_t near_program_id(enum hook hook);
/* Whether the near end has a clsact qdisc. */
void assert_qdisc(bool there);
/* BPF filters at its ingress, of anybody. */
int ingress_filters(void);

/* A program that passes everything, as other people have them. */
int foreign_program(enum bpf_prog_type type);
void add_foreign_filter(uint32_t priority, uint32_t handle, uint32_t flags);

#endif
