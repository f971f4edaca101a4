/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The save format: a whole rule set as text, one statement a line. What save writes, restore reads, and
 * saves byte for byte the same again.
 */
#ifndef BGO_RULESET_TEXT_H
#define BGO_RULESET_TEXT_H

#include <stdio.h>

#include "store.h"

#define RULESET_TEXT_VERSION 1

/* Writes the committed state. 0 or negative errno of the write (not logged: the caller knows the file). */
int ruleset_text_save(const struct store *store, FILE *out);

/*
 * Reads a save file into a transaction that began with transaction_replace_all(). Errors name `file_name`, line and
 * column, and are logged; the transaction is then to be aborted.
 */
int ruleset_text_restore(FILE *in, const char *file_name, struct transaction *txn);

/* Reads and validates only. */
int ruleset_text_check(FILE *in, const char *file_name);

#endif
