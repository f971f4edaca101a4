/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and prefixes as text. Strict: no octal, no short forms, no zones. Pure. */
#ifndef BGO_CIDR_H
#define BGO_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/abi.h"

/*
 * "192.0.2.0/24", "192.0.2.1", "2001:db8::/32": `length` bytes of text, need not end in NUL. Writes
 * the address (host order words, masked), family and prefix length of *rule and leaves its other
 * fields. Host bits are masked away. -EINVAL and *error (static text) otherwise, *rule untouched.
 */
int cidr_parse(const char *text, size_t length, struct rule *rule, const char **error);

/* Whether every address of `inner` is one of `outer`. */
bool cidr_contains(const struct rule *outer, const struct rule *inner);

#define CIDR_TEXT_BYTES 64
/* Always with the prefix length: "192.0.2.1/32". */
void cidr_format(const struct rule *rule, char text[static CIDR_TEXT_BYTES]);

#endif
