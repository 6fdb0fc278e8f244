/* SPDX-License-Identifier: MIT */
/*
 * The picture that says why there is no video. A thread of its own draws the picture; it is
 * kept while its text is true. Clients that want it meanwhile wait for one drawing. Loop
 * thread only.
 */
#ifndef GLINT_ENCODE_OFFLINE_H
#define GLINT_ENCODE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

struct glint_blank_wish;
struct glint_loop;
struct glint_offline;
struct glint_packet;
struct glint_report;

/*
 * @ready(@ctx) is called from the loop's top level when a drawing has ended or failed: ask
 * again then. -ENOMEM, -EAGAIN; nothing is owned on failure.
 */
int glint_offline_create(struct glint_offline **out, struct glint_loop *loop,
			 void (*ready)(void *ctx), void *ctx);

/* End a drawing that is under way, without ready(). NULL is fine. */
void glint_offline_destroy(struct glint_offline *offline);

/*
 * The picture of @wish, as a reference that the caller owns. Or *@out is NULL: -EAGAIN: the
 * picture is being drawn; -ENOMEM, -ERANGE: the last drawing failed, and is repeated after a
 * second.
 */
int glint_offline_packet(struct glint_offline *offline, const struct glint_blank_wish *wish,
			 struct glint_packet **out);

/* Object: offline_pictures. */
void glint_offline_report(const struct glint_offline *offline, struct glint_report *report);
#endif
