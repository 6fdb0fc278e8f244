/* SPDX-License-Identifier: MIT */
/* Pictures for clients: whether they are live, and the counts of those taken and sent. */
#ifndef GLINT_HTTP_PICTURES_H
#define GLINT_HTTP_PICTURES_H

#include <stdbool.h>

struct glint_frame_info;
struct glint_packet;
struct glint_server;

/*
 * Returns whether the frame with these facts is of the live stream. A packet that is encoded late
 * may be of a frame from before a loss or a change of the signal, and must not be called live.
 */
bool glint_pictures_are_live(const struct glint_server *server,
			     const struct glint_frame_info *info);

/* A client has taken @packet for sending. Each packet is counted once. */
void glint_pictures_count_queued(struct glint_server *server, const struct glint_packet *packet);

/* The kernel has all bytes of @packet for one client. */
void glint_pictures_count_sent(struct glint_server *server, const struct glint_packet *packet);
#endif
