/* SPDX-License-Identifier: MIT */
/*
 * The pictures that a capture device shows by itself when it has no signal, from files of the user.
 * One thread at a time uses the object; reading files may block.
 */
#ifndef GLINT_TRUTH_CARDS_H
#define GLINT_TRUTH_CARDS_H

#include <stdint.h>
#include <sys/types.h>

#include "truth/look.h"

#define GLINT_CARDS_MAX	    32u /* further files are left out */
#define GLINT_CARD_NAME_MAX 64u

struct glint_card {
	char name[GLINT_CARD_NAME_MAX]; /* of the file */
	struct glint_thumb thumb;
};

struct glint_cards {
	unsigned n, refused; /* read; files that are no pictures, or are too many */
	struct glint_card card[GLINT_CARDS_MAX];
	/* Of the folder or file, when it was read. */
	int err; /* why there was none; 0: there was one */
	int64_t changed_s, changed_ns;
	off_t size;
	ino_t inode;
};

/*
 * Read the pictures at @path, a file or a folder of files, if the path has changed since the last
 * time. Errors are logged. @line as for glint_look_take().
 */
void glint_cards_update(struct glint_cards *cards, const char *path, uint8_t *line);

/* Returns the first card that @look shows; NULL: none. */
const struct glint_card *glint_cards_find(const struct glint_cards *cards,
					  const struct glint_look *look, unsigned tolerance);
#endif
