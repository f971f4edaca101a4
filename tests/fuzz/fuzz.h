/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fuzz targets share. Each fuzz_*.c is one target: libFuzzer calls it with what it thinks up,
 * corpus.c with the files of tests/fuzz/corpus/.
 */
#ifndef BGO_FUZZ_H
#define BGO_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* On stdout: what the parsers log on stderr is not read. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);             \
			fflush(stdout);                                                            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Bytes that stand for decisions; behind the last one all are 0. */
struct input {
	const uint8_t *at, *end;
};

static inline uint32_t input_u8(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static inline uint32_t input_u16(struct input *input)
{
	uint32_t high = input_u8(input);

	return high << 8 | input_u8(input);
}

#endif
