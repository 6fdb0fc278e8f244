/* SPDX-License-Identifier: MIT */
/*
 * The HTTP side of a connection: requests in, replies out, one at a time. A reply that
 * takes longer than one send (a snapshot that waits, a stream, a file) is an activity,
 * which lives from its request until the end of the reply or of the connection.
 *
 * A client belongs to the server's pool of connections, and is freed when its connection
 * is released.
 */
#ifndef GLINT_HTTP_CLIENT_H
#define GLINT_HTTP_CLIENT_H

#include "core/packet.h"
#include "http/parser.h"
#include "http/text.h"
#include "sock/connection.h"

#define GLINT_CLIENT_HEAD_MAX 5120u /* of a reply, or of a stream's part */

struct glint_activity;
struct glint_endpoint;
struct glint_route;
struct glint_server;

struct glint_activity_ops {
	/*
	 * The kernel has all bytes of the last glint_client_send(). NULL: then the reply is
	 * complete.
	 */
	void (*sent)(struct glint_activity *activity);
	/*
	 * The connection's deadline has passed while nothing was being sent: send bytes, or close.
	 * May be NULL for an activity that sets no deadline.
	 */
	void (*late)(struct glint_activity *activity);
	/* The connection ends: leave all lists now. */
	void (*stop)(struct glint_activity *activity);
	/* After sent() or stop(), when the loop no longer reads the activity's memory. */
	void (*free)(struct glint_activity *activity);
	bool ends_with_input; /* stop when the peer closes its side; otherwise reply first */
};

struct glint_activity {
	const struct glint_activity_ops *ops;
};

enum glint_client_state {
	GLINT_CLIENT_READING,	 /* a request, or nothing */
	GLINT_CLIENT_CONTINUING, /* "100 Continue" is being sent */
	GLINT_CLIENT_REPLYING,	 /* until the connection lingers, after the last reply */
};

struct glint_client {
	struct glint_connection conn;
	struct glint_server *server;
	struct glint_parser *parser;
	enum glint_client_state state;
	const struct glint_route *route;       /* of the request; NULL: none, or not known yet */
	const struct glint_endpoint *endpoint; /* likewise */
	bool logged_in;			       /* the last login was right */
	bool keep_alive;		       /* after the reply under way */
	uint64_t request_ns; /* time at which the request, or its head, was complete */
	uint64_t n_requests;

	struct glint_activity *activity; /* NULL: the reply is one send */
	void *owned;			 /* body of that reply, freed once it is sent */

	struct glint_text head; /* of the next send */
	char head_bytes[GLINT_CLIENT_HEAD_MAX];
};

/* Take over @fd, also after a failure. */
void glint_client_accept(struct glint_server *server, int fd, bool tcp);

/* The next glint_client_send() begins with @client->head; the caller adds to the head. */
struct glint_text *glint_client_begin(struct glint_client *client);

/* Add to the next send; the bytes stay in place until it is complete. */
void glint_client_put(struct glint_client *client, const void *bytes, size_t count);
void glint_client_put_picture(struct glint_client *client, const struct glint_packet *packet);

/* Asynchronous: calls neither sent() nor stop(). */
void glint_client_send(struct glint_client *client);
bool glint_client_is_sending(const struct glint_client *client);

/* The reply is complete. Called from sent(), or if there is no activity. */
void glint_client_replied(struct glint_client *client);

/* Make @activity the client's: it is stopped if the connection ends, and freed. */
void glint_client_set_activity(struct glint_client *client, struct glint_activity *activity);

/* End the connection now. @client stays until the caller has returned to the loop. */
void glint_client_close(struct glint_client *client);

/* Call late() of the activity after @ns; GLINT_CONNECTION_NEVER: never. */
void glint_client_set_deadline(struct glint_client *client, uint64_t ns);

/* Returns a proxy's client, as " for \"...\""; "": unknown. Only proxies on this host are trusted. */
#define GLINT_CLIENT_SHOWN_MAX 144u
const char *glint_client_show_origin(const struct glint_client *client,
				     char out[GLINT_CLIENT_SHOWN_MAX]);

/* Returns a peer's bytes for use between quotes: printable ASCII, cut. */
const char *glint_client_show(const char *said, char out[GLINT_CLIENT_SHOWN_MAX]);
#endif
