/* SPDX-License-Identifier: MIT */
/*
 * The picture that says why there is no video, drawn by a thread of its own and
 * kept while what it says is true. All who want it meanwhile wait for one drawing.
 * Loop thread only.
 */
#ifndef GLINT_ENCODE_OFFLINE_H
#define GLINT_ENCODE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

struct glint_blank_wish;
struct glint_loop;
struct glint_offline;
struct glint_picture;

struct glint_offline_status {
	uint64_t drawn, failed;		/* pictures, since the start */
	bool drawing;
};

/*
 * @ready(@ctx) is called from the loop's top level when a drawing has ended, well or not:
 * ask again then. -ENOMEM, -EAGAIN; nothing is owned on failure.
 */
int glint_offline_create(struct glint_offline **out, struct glint_loop *loop,
			 void (*ready)(void *ctx), void *ctx);

/* Ends a drawing that is under way, without ready(). NULL is fine. */
void glint_offline_destroy(struct glint_offline *offline);

/*
 * A reference to the picture of @wish, which the caller owns; or *@out is NULL and
 * -EAGAIN: the picture is being drawn; -ENOMEM, -ERANGE: it could not be drawn a
 * moment ago, and is tried again after a second.
 */
int glint_offline_picture(struct glint_offline *offline, const struct glint_blank_wish *wish,
			  struct glint_picture **out);

void glint_offline_status(const struct glint_offline *offline, struct glint_offline_status *status);
#endif
