/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target on the files given, or on its corpus in the tree, in place of libFuzzer:
 * lab-test needs no more than that to know that nothing found before has come back. The sanitizers
 * end the program at the first error.
 */
#include <err.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <sanitizer/common_interface_defs.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cleanup.h"
#include "fuzz.h"

#define INPUT_BYTES_MAX 65536

/* A copy of just its size, so that reading behind it is seen. */
static void run_file(const char *path)
{
	static uint8_t buffer[INPUT_BYTES_MAX];
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	_cleanup_free_ uint8_t *input = NULL;
	size_t size;

	/* As cmocka says it, for tests/run-unit; first, because a failure ends the program. */
	printf("[ RUN      ] %s\n", path);
	fflush(stdout);
	MUST(file);
	size = fread(buffer, 1, sizeof(buffer), file);
	MUST(!ferror(file));
	input = malloc(size + !size);
	MUST(input);
	memcpy(input, buffer, size);
	LLVMFuzzerTestOneInput(input, size);
	printf("[       OK ] %s\n", path);
}

int main(int argc, char **argv)
{
	int errors = dup(STDERR_FILENO);
	char pattern[PATH_MAX];
	glob_t files = {0};

	snprintf(pattern, sizeof(pattern), "tests/fuzz/corpus/%s/*",
		 program_invocation_short_name + strlen("fuzz_"));
	for (int i = 1; i < argc || i == 1; i++)
		if (glob(argc > 1 ? argv[i] : pattern, i > 1 ? GLOB_APPEND : 0, NULL, &files))
			err(1, "no file %s", argc > 1 ? argv[i] : pattern);
	/* What a target logs of bad input is of no interest, what the sanitizers say is. */
	__sanitizer_set_report_fd((void *)(intptr_t)errors);
	if (errors < 0 || !freopen("/dev/null", "w", stderr))
		return 2;
	for (size_t i = 0; i < files.gl_pathc; i++)
		run_file(files.gl_pathv[i]);
	globfree(&files);
	return 0;
}
