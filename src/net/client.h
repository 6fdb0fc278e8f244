/* SPDX-License-Identifier: MIT */
/*
 * One connection: requests in, replies out, one at a time. What takes longer than
 * one send (a snapshot that waits, a stream, a file) is an activity, which lives
 * from its request until the reply's end or the connection's.
 *
 * A client belongs to the server's list. It is freed when it was closed and the
 * loop has given both operations back; until then its buffers stay.
 */
#ifndef GLINT_NET_CLIENT_H
#define GLINT_NET_CLIENT_H

#include <sys/socket.h>

#include "core/loop.h"
#include "core/picture.h"
#include "net/http.h"
#include "net/peer.h"
#include "net/places.h"
#include "net/text.h"

#define GLINT_CLIENT_HEAD_MAX 4096u	/* of a reply, or of a stream's part */
#define GLINT_CLIENT_PIECES_MAX (GLINT_PICTURE_PARTS_MAX + 2)

struct glint_activity;
struct glint_net;

struct glint_activity_ops {
	/* All that was handed to glint_client_send() is with the kernel. */
	void (*sent)(struct glint_activity *activity);
	/*
	 * The client's deadline has come while nothing is being sent: send something, or
	 * close. May be NULL for an activity that sets no deadline.
	 */
	void (*late)(struct glint_activity *activity);
	/* The connection ends: leave all lists now. */
	void (*stop)(struct glint_activity *activity);
	/* After sent() or stop(), when the loop reads none of its memory any more. */
	void (*free)(struct glint_activity *activity);
	bool ends_with_input;	/* the peer's half-close ends it; else it gets its reply first */
};

struct glint_activity {
	const struct glint_activity_ops *ops;
};

enum glint_client_state {
	GLINT_CLIENT_READING,	/* a request, or nothing */
	GLINT_CLIENT_REPLYING,
	GLINT_CLIENT_LINGERING,	/* replied for the last time: until the peer has closed, too */
	GLINT_CLIENT_CLOSED,
};

struct glint_client {
	struct glint_net *net;
	struct glint_list link;
	int fd;
	bool tcp;
	bool local;			/* the peer is on this host */
	enum glint_place place;
	struct glint_peer *peer;	/* whose place it is */
	struct glint_peer *login;	/* whose wrong passwords count; often the same */
	bool logged_in;			/* its last login was right */
	char name[GLINT_PEER_NAME_MAX];	/* for the log */
	bool input_ended;
	bool keep_alive;		/* after the reply under way */
	enum glint_client_state state;
	uint64_t id;			/* random: how a page finds itself in /state */
	uint64_t deadline_ns;		/* when the sweep closes it; CLOCK_MONOTONIC */
	uint64_t waiting_ns;		/* since when its peer owes it a request, or its end */
	uint64_t taken_ns;		/* while it is sent to: when the peer took something last */
	uint64_t read_by_ns;		/* when a slow reader on TCP has read what its kernel took */
	int64_t taken;			/* bytes, when the sweep looked last */
	uint64_t request_ns;		/* when the request had been read */
	uint64_t n_requests, bytes_sent;

	struct glint_op recv_op, send_op;
	struct glint_http *http;
	char in[4096];
	size_t in_used;
	size_t in_arrives_at;		/* where @recv_op puts what comes; never below in_used */
	size_t discarded;		/* bytes read and not looked at */

	struct glint_activity *activity;	/* NULL: the reply is one send */
	void *owned;			/* freed when that reply was sent */
	size_t sndbuf_picture;		/* the picture size that the socket's buffer was made for */

	/* One send at a time. */
	struct glint_text head;
	char head_bytes[GLINT_CLIENT_HEAD_MAX];
	struct msghdr msg;
	struct iovec pieces[GLINT_CLIENT_PIECES_MAX];
};

/* Takes @fd over, whatever happens, and finds a place for it. */
void glint_client_accept(struct glint_net *net, int fd, bool tcp);

/* The next glint_client_send() begins with @client->head; more is added to it. */
struct glint_text *glint_client_begin(struct glint_client *client);

/* Adds to what is sent; the bytes stay until then. */
void glint_client_put(struct glint_client *client, const void *bytes, size_t count);
void glint_client_put_picture(struct glint_client *client, const struct glint_picture *picture);

/* Asynchronous: neither sent() nor stop() is called from within. */
void glint_client_send(struct glint_client *client);
bool glint_client_is_sending(const struct glint_client *client);

/* From sent(), or when no activity was set: the reply is complete. */
void glint_client_replied(struct glint_client *client);

/* Makes @activity the client's: it will be stopped if the connection ends, and freed. */
void glint_client_set_activity(struct glint_client *client, struct glint_activity *activity);

/* Ends the connection now. The client may be freed when the caller returns to the loop. */
void glint_client_close(struct glint_client *client);

/* Closes those whose deadline has come, or whose peer takes nothing; returns when to look again. */
uint64_t glint_clients_sweep(struct glint_net *net);
#endif
