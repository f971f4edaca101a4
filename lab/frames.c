/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `bgo-lab frames`: frames from words to a capture, for replay. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "frame.h"
#include "lab.h"

struct capture_file {
	pcap_t *shape;
	pcap_dumper_t *out;
};

static void capture_close(struct capture_file *capture)
{
	if (capture->out)
		pcap_dump_close(capture->out);
	if (capture->shape)
		pcap_close(capture->shape);
}

static int capture_create(struct capture_file *capture, const char *path)
{
	capture->shape = pcap_open_dead(DLT_EN10MB, FRAME_MAX_BYTES);
	if (!capture->shape)
		return log_error(-ENOMEM, "write %s", path);
	capture->out = pcap_dump_open(capture->shape, path);
	return capture->out ? 0 : log_fail(-EIO, "write %s", pcap_geterr(capture->shape));
}

/* One a second from the epoch on: the same words always make the same file. */
static void capture_add(struct capture_file *capture, const struct frame *frame, int number)
{
	const struct pcap_pkthdr header = {
		.ts.tv_sec = number,
		.caplen = frame->length,
		.len = frame->length,
	};

	pcap_dump((u_char *)capture->out, &header, frame->bytes);
}

int cmd_frames(int argc, char **argv)
{
	_cleanup_(capture_close) struct capture_file capture = {0};
	_cleanup_free_ struct frame *frames = NULL;
	const int count = argc - 2;
	const char *error, *word;

	if (count < 1)
		return lab_usage("frames", "a file and a frame are needed\n%s", frame_help);
	frames = calloc(count, sizeof(*frames));
	if (!frames)
		return EXIT_FAILURE;
	for (int i = 0; i < count; i++)
		if (frame_parse(argv[i + 2], &frames[i], &error, &word))
			return lab_usage("frames", "\"%s\" at \"%s\": %s\n%s", argv[i + 2], word,
					 error, frame_help);
	if (capture_create(&capture, argv[1]))
		return EXIT_FAILURE;
	for (int i = 0; i < count; i++)
		capture_add(&capture, &frames[i], i);
	if (pcap_dump_flush(capture.out)) {
		log_error(-errno, "write %s", argv[1]);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
