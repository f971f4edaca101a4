/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot's own lines: what is not exactly as it was written is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/snapshot_text.h"

#define FIRST                                                                                      \
	"# bgo snapshot, store 0123456789abcdef generation 12 max-rules 1024, of /sys/fs/bpf/x\n"
#define RULES "bgo-rules 1\nrule xdp blacklist 0 192.0.2.0/24\n"
#define LAST "# end of snapshot, crc32 "

static const char *name_of(const char *pin_path)
{
	static char name[NAME_MAX + 1];

	assert_int_equal(snapshot_text_name(pin_path, name), 0);
	return name;
}

static void no_two_pin_paths_have_the_same_file(void **state)
{
	static const char *const paths[] = {
		"/sys/fs/bpf/firewall",
		"/sys/fs/bpf-firewall",
		"/sys/fs/bpf%2Dfirewall",
		"/sys/fs/bpf/fire wall",
		"/sys/fs/bpf/fire%20wall",
		"/a",
		"/A",
		"/a/b",
		"/a-b",
		"/-a",
		"/a.",
		"/.a",
		"/..a",
		"/a\n",
		"/\xc3\xa9",
		"/",
		"/a/-b",
		"/a-/b",
	};
	const size_t count = sizeof(paths) / sizeof(*paths);

	(void)state;
	assert_string_equal(name_of("/sys/fs/bpf/firewall"), "sys-fs-bpf-firewall.bgo");
	assert_string_equal(name_of("/b%-.é"), "b%25%2D.%C3%A9.bgo");
	for (size_t i = 0; i < count; i++) {
		char first[NAME_MAX + 1];

		strcpy(first, name_of(paths[i]));
		assert_null(strchr(first, '/'));
		assert_true(first[0] != '.' || strcmp(paths[i], "/") == 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(first, name_of(paths[j]));
	}
}

static void a_pin_path_too_long_for_a_file_name_is_refused(void **state)
{
	char path[NAME_MAX + 2], name[NAME_MAX + 1];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(snapshot_text_name(path, name), -ENAMETOOLONG);
	path[240] = '\0';
	assert_int_equal(snapshot_text_name(path, name), 0);
	memset(path + 1, '-', 90); /* three characters each */
	path[91] = '\0';
	assert_int_equal(snapshot_text_name(path, name), -ENAMETOOLONG);
}

static void a_label_is_read_from_the_beginning_of_a_file(void **state)
{
	struct snapshot_label label = {0};

	(void)state;
	assert_int_equal(snapshot_text_label(FIRST, strlen(FIRST), &label), 0);
	assert_true(label.store_id == 0x0123456789abcdef);
	assert_true(label.generation == 12);
	assert_int_equal(label.max_rules, 1024);
}

static void what_is_no_label_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"bgo-rules 1\n",
		"# bgo snapshot, store\n",
		"# bgo snapshot, store 1 generation 2 max-rules 3\n",
		"# bgo snapshot, store 1 generation 2\n max-rules 3, of /x\n",
		"# bgo snapshot, store x generation 2 max-rules 3, of /x\n",
		"# bgo snapshot, store 1 generation 2 max-rules 4000000000, of /x\n",
	};
	struct snapshot_label label = {.generation = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(snapshot_text_label(texts[i], strlen(texts[i]), &label), -EINVAL);
	assert_int_equal(label.generation, 7);
}

/* What it says of it is another test's. */
static int check(const char *text, size_t bytes)
{
	const int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct snapshot_label label;
	int err;

	dup2(null, STDERR_FILENO);
	err = snapshot_text_check(text, bytes, "file", &label);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	return err;
}

static const char whole[] = FIRST RULES LAST "23898330\n";

static void a_whole_snapshot_is_taken(void **state)
{
	(void)state;
	assert_int_equal(check(whole, strlen(whole)), 0);
}

static void a_snapshot_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < strlen(whole); bytes++) {
		/* Of its own size, so that a byte read behind it is seen. */
		char *copy = malloc(bytes + !bytes);

		memcpy(copy, whole, bytes);
		assert_int_equal(check(copy, bytes), -EINVAL);
		free(copy);
	}
}

static void a_snapshot_with_any_bit_changed_is_refused(void **state)
{
	char copy[sizeof(whole)];

	(void)state;
	for (size_t bit = 0; bit < 8 * strlen(whole); bit++) {
		strcpy(copy, whole);
		copy[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(check(copy, strlen(whole)), -EINVAL);
	}
}

static void a_snapshot_with_something_behind_it_is_refused(void **state)
{
	static const char more[] = FIRST RULES LAST "23898330\nrule xdp blacklist 192.0.2.1\n";
	static const char twice[] = FIRST RULES LAST "23898330\n" LAST "23898330\n";

	(void)state;
	assert_int_equal(check(more, strlen(more)), -EINVAL);
	assert_int_equal(check(twice, strlen(twice)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_pin_paths_have_the_same_file),
		cmocka_unit_test(a_pin_path_too_long_for_a_file_name_is_refused),
		cmocka_unit_test(a_label_is_read_from_the_beginning_of_a_file),
		cmocka_unit_test(what_is_no_label_is_refused),
		cmocka_unit_test(a_whole_snapshot_is_taken),
		cmocka_unit_test(a_snapshot_cut_anywhere_is_refused),
		cmocka_unit_test(a_snapshot_with_any_bit_changed_is_refused),
		cmocka_unit_test(a_snapshot_with_something_behind_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
