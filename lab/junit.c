/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JUnit XML, see junit.h. */
#include "junit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/cleanup.h"
#include "../src/log.h"

int junit_open(struct junit *junit, const char *path)
{
	*junit = (struct junit){.path = path, .file = fopen(path, "we")};
	if (!junit->file)
		return log_error(-errno, "write %s", path);
	junit->cases = open_memstream(&junit->text, &junit->size);
	return junit->cases ? 0 : log_error(-ENOMEM, "write %s", path);
}

void junit_close(struct junit *junit)
{
	cleanup_fclose(&junit->cases);
	cleanup_fclose(&junit->file);
	free(junit->text);
}

/* XML has no way to write most control characters, and what a scenario prints need not be UTF-8. */
static void put_text(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = text[i];

		if (c == '<')
			fputs("&lt;", out);
		else if (c == '&')
			fputs("&amp;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else
			fputc((c < ' ' && c != '\n' && c != '\t') || c >= 0x7f ? '?' : c, out);
	}
}

static void put_log(FILE *out, int log_fd)
{
	char buffer[4096];
	off_t at = 0;
	ssize_t bytes;

	while ((bytes = pread(log_fd, buffer, sizeof(buffer), at)) > 0) {
		put_text(out, buffer, bytes);
		at += bytes;
	}
}

void junit_add(struct junit *junit, const char *name, double seconds, enum junit_status status,
	       int log_fd)
{
	static const char *const elements[] = {
		[JUNIT_FAILED] = "failure",
		[JUNIT_SKIPPED] = "skipped",
	};

	junit->counts[status]++;
	junit->seconds += seconds;
	fprintf(junit->cases, "  <testcase classname=\"bgo\" name=\"%s\" time=\"%.3f\"", name,
		seconds);
	if (status == JUNIT_PASSED) {
		fputs("/>\n", junit->cases);
		return;
	}
	fprintf(junit->cases, ">\n    <%s>", elements[status]);
	put_log(junit->cases, log_fd);
	fprintf(junit->cases, "</%s>\n  </testcase>\n", elements[status]);
}

int junit_write(struct junit *junit)
{
	const int *counts = junit->counts;

	if (fflush(junit->cases))
		return log_error(-errno, "write %s", junit->path);
	fprintf(junit->file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"scenarios\" tests=\"%d\" failures=\"%d\" skipped=\"%d\" "
		"time=\"%.3f\">\n",
		counts[JUNIT_PASSED] + counts[JUNIT_FAILED] + counts[JUNIT_SKIPPED],
		counts[JUNIT_FAILED], counts[JUNIT_SKIPPED], junit->seconds);
	fwrite(junit->text, 1, junit->size, junit->file);
	fputs("</testsuite>\n", junit->file);
	if (fflush(junit->file) || ferror(junit->file))
		return log_error(-errno, "write %s", junit->path);
	return 0;
}
