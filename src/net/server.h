/* SPDX-License-Identifier: MIT */
/* What the files of net share: the server, its lists and its figures. */
#ifndef GLINT_NET_SERVER_H
#define GLINT_NET_SERVER_H

#include <stddef.h>

#include "core/frame.h"
#include "core/stats.h"
#include "net/alarm.h"
#include "net/listener.h"
#include "net/net.h"
#include "net/notes.h"
#include "net/peer.h"

#define GLINT_ANSWERS_MAX 16u	/* statuses that are used */

struct glint_picture;

struct glint_net {
	struct glint_net_config config;
	struct glint_loop *loop;
	struct glint_listeners listeners;
	struct glint_fanout *pictures;		/* NULL until glint_net_start() */
	const struct glint_status_ops *ops;
	void *ctx;

	char *own_hosts;		/* see hosts.h; NULL: none, or nobody asks */
	char *login;			/* what Authorization must be; NULL: no authentication */
	struct glint_files *files;	/* of static_dir, or NULL */

	struct glint_list clients;	/* all connections */
	struct glint_list streams;
	struct glint_list snapshots;	/* those that wait */
	struct glint_peers peers;
	struct glint_list held;		/* answers to wrong logins; see login.h */
	struct glint_alarm login_hold;
	unsigned n_of_kind[2];		/* of the clients: on unix sockets, on TCP */
	unsigned n_monitors, n_refusing;	/* connections beyond the clients, see places.h */
	struct glint_alarm sweep;	/* closes what is too slow */
	struct glint_alarm snapshot_limit;
	struct glint_alarm offline_tick;
	bool online;			/* when glint_net_source_changed() was called last */
	uint64_t stream;		/* likewise: the live one */
	bool closing;

	struct glint_net_counters counters;
	uint64_t answers[GLINT_ANSWERS_MAX];	/* by glint_reply_index() */
	struct glint_note answer_notes[GLINT_ANSWERS_MAX], refused_note, login_note;
	struct glint_histogram send, total;	/* ns, of live pictures */
	struct glint_rate queued;	/* pictures that at least one client took */
	uint64_t queued_id;		/* the last of them */
	uint64_t hashed_id, hash;	/* with drop_same_frames: the last picture and its hash */
};

/*
 * @frame, or the picture of it, is of the stream that is live now. A picture that is encoded
 * late may be of a frame from before a loss or a change, and must not pass for live.
 */
static inline bool glint_net_is_live(const struct glint_net *net, const struct glint_frame *frame)
{
	return net->online && frame->stream == net->stream;
}

/* A client took a picture for sending; counts each picture once. */
void glint_net_count_queued(struct glint_net *net, const struct glint_picture *picture);

/* All bytes of @picture are with the kernel, for one client. */
void glint_net_count_sent(struct glint_net *net, const struct glint_picture *picture);
#endif
