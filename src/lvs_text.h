/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services and servers as statements of the save format, see ruleset_text.h. Pure. */
#ifndef BGO_LVS_TEXT_H
#define BGO_LVS_TEXT_H

#include <stdio.h>

#include "lvs.h"

enum lvs_statement { LVS_STATEMENT_SERVICE, LVS_STATEMENT_SERVER };

/* Every service, with its servers behind it. Failures to write stay in the stream. */
void lvs_text_write(const struct lvs_model *model, FILE *out);

/*
 * Adds to the model what follows the statement's name in a line, which is cut into words. 0, or
 * -EINVAL: *word is what is wrong and *error why (static text).
 */
int lvs_text_read(struct lvs_model *model, enum lvs_statement statement, char *line,
		  const char **word, const char **error);

#endif
