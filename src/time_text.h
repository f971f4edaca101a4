/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as people write them: how long something lasts, and when it ends. Pure. */
#ifndef BGO_TIME_TEXT_H
#define BGO_TIME_TEXT_H

#include <stdint.h>

#define TIME_TEXT_BYTES 32

/*
 * "90s", "10m", "2h", "7d", several of these from the largest down as in "1h30m", or plain seconds:
 * at least 1 s. -EINVAL and *error (static text) otherwise; *seconds untouched.
 */
int duration_parse(const char *text, uint64_t *seconds, const char **error);
/* The two largest units of it that are not 0: "1d4h", "59m", "0s". */
const char *duration_format(uint64_t seconds, char text[static TIME_TEXT_BYTES]);

/*
 * "2026-11-23T10:00:00Z" to and from seconds since 1970, 1 to 2^32 - 1. -EINVAL for anything else,
 * *seconds untouched.
 */
int utc_parse(const char *text, uint32_t *seconds);
const char *utc_format(uint32_t seconds, char text[static TIME_TEXT_BYTES]);

#endif
