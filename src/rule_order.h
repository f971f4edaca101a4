/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live rules of a list that have not expired, in the order of their indexes: slots are used
 * again, so they lie in any order.
 */
#ifndef BGO_RULE_ORDER_H
#define BGO_RULE_ORDER_H

#include "classifier.h"

/* The numbers of their slots, in an array to free(). 0 or -ENOMEM. */
int rules_by_index(const struct rule_view *rules, uint32_t now_s, uint32_t **out, size_t *count);

#endif
