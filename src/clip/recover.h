/* SPDX-License-Identifier: MIT */
/*
 * Finish a clip whose recorder was killed: all frames up to the first that is not complete. Not for
 * the loop's thread.
 */
#ifndef GLINT_CLIP_RECOVER_H
#define GLINT_CLIP_RECOVER_H

#include "clip/clip.h"

struct glint_clip_recovered {
	char name[GLINT_CLIP_NAME_MAX + 24]; /* of the files, without .mkv and .jsonl */
	uint64_t frames;
	bool headless; /* it is no clip, or its head was never written */
	bool more;     /* behind the damage that ends the clip, the file still has frames */
};

/*
 * Cut the file @from in the folder @dir behind its last complete frame, finish its head, write its
 * index anew, and give it the name "@name.recovered.mkv", or .recovered-2 and so on: nothing is
 * replaced. A file that has frames behind damage is not cut. A file without frames is left as it is,
 * with 0 @frames; and so is one that is no clip. The index that belongs to a file under its first name
 * is removed. -EALREADY: the clip is complete. Another negative errno.
 */
int glint_clip_recover(int dir, const char *from, const char *name,
		       struct glint_clip_recovered *out);

/*
 * Write the lines of the index of an open clip to @fd, up to the first frame that is not complete.
 * *@tail is missing behind the last one; NULL: nothing is. *@head gets the sums of the frames.
 * -ENODATA: it has no frame.
 */
int glint_clip_index(struct glint_clip_reader *reader, int fd, const struct glint_clip_gap *tail,
		     struct glint_clip_head *head);
#endif
