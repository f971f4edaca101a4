/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet frames from a line of words, checksums computed: what scenarios send. Pure. */
#ifndef BGO_LAB_FRAME_H
#define BGO_LAB_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX_BYTES 1514

struct frame {
	uint8_t bytes[FRAME_MAX_BYTES];
	size_t length;
	size_t network; /* where it begins for the kernel: behind Ethernet and one VLAN tag */
	uint16_t ethertype_host; /* of what is there */
};

/* The words a frame is made of, for a person. */
extern const char frame_help[];

/*
 * "src=192.0.2.1 dst=192.0.2.2 proto=udp dport=53 vlan=5" to a frame. -EINVAL and *error (static
 * text, about the word that *word points to) otherwise.
 */
int frame_parse(const char *text, struct frame *frame, const char **error, const char **word);

/* The Internet checksum's running sum over bytes (an odd last one padded), and its end. */
uint32_t checksum_add(uint32_t sum, const void *bytes, size_t length);
uint16_t checksum_fold(uint32_t sum);

#endif
