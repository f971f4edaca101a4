/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labs that were brought up by hand and stand until they are taken down: `up`, `shell`, `down`. */
#ifndef BGO_LAB_STANDING_H
#define BGO_LAB_STANDING_H

/* Prints those that are up, if any. 0 or negative errno, logged. */
int standing_print(void);

#endif
