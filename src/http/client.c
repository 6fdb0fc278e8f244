/* SPDX-License-Identifier: MIT */
#include "http/client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/internal.h"

#define MONITOR_NS (1 * GLINT_NSEC_PER_SEC) /* for a request in a reserved place */

static_assert(GLINT_PACKET_PARTS_MAX + 2 <= GLINT_CONNECTION_PARTS_MAX,
	      "a packet fits between a head and an end");

static const struct glint_log_topic topic = { "client" };

static struct glint_client *client_of(struct glint_connection *conn)
{
	return container_of(conn, struct glint_client, conn);
}

/* --- For the log ------------------------------------------------------------------ */

const char *glint_client_show(const char *said, char out[GLINT_CLIENT_SHOWN_MAX])
{
	size_t len = strnlen(said, GLINT_CLIENT_SHOWN_MAX - 1);

	for (size_t i = 0; i < len; i++)
		out[i] = said[i] < ' ' || said[i] > '~' || said[i] == '"' ? '?' : said[i];
	out[len] = '\0';
	return out;
}

const char *glint_client_show_origin(const struct glint_client *client,
				     char out[GLINT_CLIENT_SHOWN_MAX])
{
	const char *said = glint_parser_request(client->parser)->forwarded_for;
	char shown[GLINT_CLIENT_SHOWN_MAX];

	*out = '\0';
	if (said && client->conn.facts.local)
		snprintf(out, GLINT_CLIENT_SHOWN_MAX, " for \"%.128s\"",
			 glint_client_show(said, shown));
	return out;
}

/* --- Requests --------------------------------------------------------------------- */

void glint_client_set_deadline(struct glint_client *client, uint64_t ns)
{
	client->conn.deadline_ns = ns == GLINT_CONNECTION_NEVER ? GLINT_CONNECTION_NEVER :
								  glint_now_ns() + ns;
}

/* The time for a request begins. */
static void client_expect_request(struct glint_client *client)
{
	uint64_t timeout_ns = client->conn.timeout_ns;

	if (client->conn.place == GLINT_PLACE_MONITOR)
		timeout_ns = MIN(timeout_ns, MONITOR_NS);
	glint_client_set_deadline(client, timeout_ns);
}

/* From here on the peer waits for the server. */
static void client_begin_reply(struct glint_client *client)
{
	client->state = GLINT_CLIENT_REPLYING;
	client->conn.idle_since_ns = 0;
	client->conn.deadline_ns = GLINT_CONNECTION_NEVER;
}

static void client_begin_request(struct glint_client *client)
{
	const struct glint_request *request = glint_parser_request(client->parser);
	char path[GLINT_CLIENT_SHOWN_MAX], origin[GLINT_CLIENT_SHOWN_MAX];

	assert(client->state == GLINT_CLIENT_READING && !client->activity && !client->owned);

	client->n_requests++;
	client->request_ns = glint_now_ns();
	client->route = NULL;
	client->endpoint = NULL;
	/* A reply before the body ends the connection: the peer may send the body, or not. */
	client->keep_alive = request->keep_alive && !request->has_body &&
			     client->conn.place == GLINT_PLACE_ANY;
	glint_log_verbose(&topic, "%016llx %s \"%s\"%s", (unsigned long long)client->conn.id,
			  glint_method_name(request->method),
			  glint_client_show(request->path, path),
			  glint_client_show_origin(client, origin));
	client_begin_reply(client);
}

/* A body follows: decide about the request before the body is read. */
static void client_handle_head(struct glint_client *client)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct glint_request *request = glint_parser_request(client->parser);
	struct glint_connection *conn = &client->conn;
	uint64_t deadline_ns = conn->deadline_ns, idle_since_ns = conn->idle_since_ns;

	client_begin_request(client);
	if (!client->server->handler->head(client))
		return;

	client->state = GLINT_CLIENT_READING;
	conn->deadline_ns = deadline_ns; /* the limit runs from the first byte */
	conn->idle_since_ns = idle_since_ns;
	if (request->expect && !request->http_1_0) {
		client->state = GLINT_CLIENT_CONTINUING;
		glint_connection_send(conn, go_on, strlen(go_on));
	}
}

static void client_handle_request(struct glint_client *client)
{
	const struct glint_handler *handler = client->server->handler;
	const struct glint_request *request = glint_parser_request(client->parser);

	if (request->has_body) {
		/* Its head was judged before its body was read. */
		client->request_ns = glint_now_ns();
		client->keep_alive = request->keep_alive && client->conn.place == GLINT_PLACE_ANY;
		client_begin_reply(client);
	} else {
		client_begin_request(client);
		if (!handler->head(client))
			return;
	}
	handler->request(client);
}

/* Read requests out of the input, until one has to be answered. */
static void client_parse(struct glint_client *client)
{
	struct glint_connection *conn = &client->conn;
	enum glint_parser_outcome outcome;
	size_t used;

	while (conn->state == GLINT_CONNECTION_OPEN && client->state == GLINT_CLIENT_READING &&
	       (conn->in_used > 0 || glint_parser_at_head(client->parser))) {
		outcome = glint_parser_feed(client->parser, conn->in, conn->in_used, &used);
		glint_connection_take(conn, used);
		if (outcome == GLINT_PARSER_HEAD &&
		    glint_parser_request(client->parser)->has_body) {
			client_handle_head(client);
		} else if (outcome == GLINT_PARSER_REQUEST) {
			client_handle_request(client);
		} else if (outcome == GLINT_PARSER_REFUSED) {
			client_begin_reply(client);
			client->keep_alive = false;
			client->server->handler->refuse(client,
							glint_parser_status(client->parser));
		}
	}
}

/* Go on after new input, or after a reply for which the input had to wait. */
static void client_advance(struct glint_client *client)
{
	struct glint_connection *conn = &client->conn;
	bool ends_with_input;

	client_parse(client);
	if (conn->state != GLINT_CONNECTION_OPEN)
		return;
	ends_with_input = client->activity && client->activity->ops->ends_with_input;
	if (conn->input_ended && (client->state == GLINT_CLIENT_READING || ends_with_input))
		glint_connection_close(conn);
	else if (ends_with_input)
		glint_connection_discard(conn);
	else /* a full buffer of further requests waits until one of them is answered */
		glint_connection_receive(conn);
}

static void client_on_input(struct glint_connection *conn)
{
	struct glint_client *client = client_of(conn);

	/* The limit of a head runs from its first byte; further bytes do not extend it. */
	if (!conn->input_ended && client->state == GLINT_CLIENT_READING &&
	    !glint_parser_begun(client->parser))
		client_expect_request(client);
	client_advance(client);
}

/* --- Replies ------------------------------------------------------------------------ */

struct glint_text *glint_client_begin(struct glint_client *client)
{
	assert(client->state == GLINT_CLIENT_REPLYING && !glint_client_is_sending(client));

	client->head = glint_text_in(client->head_bytes, sizeof(client->head_bytes));
	return &client->head;
}

void glint_client_put(struct glint_client *client, const void *bytes, size_t count)
{
	glint_connection_put(&client->conn, bytes, count);
}

void glint_client_put_picture(struct glint_client *client, const struct glint_packet *packet)
{
	assert(packet->n_parts <= GLINT_PACKET_PARTS_MAX);

	for (unsigned i = 0; i < packet->n_parts; i++)
		glint_client_put(client, packet->parts[i].iov_base, packet->parts[i].iov_len);
	glint_connection_fit(&client->conn, packet->size);
}

void glint_client_send(struct glint_client *client)
{
	/* All parts of a head are bounded: options by their table, a peer's words by reply.c. */
	assert(!client->head.cut);

	glint_connection_send(&client->conn, client->head.base, client->head.used);
}

bool glint_client_is_sending(const struct glint_client *client)
{
	return glint_connection_is_sending(&client->conn);
}

static void client_drop_reply(struct glint_client *client)
{
	struct glint_activity *activity = client->activity;

	client->activity = NULL;
	if (activity)
		activity->ops->free(activity);
	free(client->owned);
	client->owned = NULL;
}

void glint_client_replied(struct glint_client *client)
{
	assert(client->state == GLINT_CLIENT_REPLYING && !glint_client_is_sending(client));

	client_drop_reply(client);
	glint_parser_drop_body(client->parser);
	if (!client->keep_alive) {
		glint_connection_linger(&client->conn);
		return;
	}
	glint_parser_next(client->parser);
	client->state = GLINT_CLIENT_READING;
	client->conn.idle_since_ns = glint_now_ns();
	client_expect_request(client);
	client_advance(client);
}

static void client_on_sent(struct glint_connection *conn)
{
	struct glint_client *client = client_of(conn);

	if (client->state == GLINT_CLIENT_CONTINUING) {
		client->state = GLINT_CLIENT_READING;
		client_advance(client);
	} else if (client->activity && client->activity->ops->sent) {
		client->activity->ops->sent(client->activity);
	} else {
		glint_client_replied(client);
	}
}

void glint_client_set_activity(struct glint_client *client, struct glint_activity *activity)
{
	assert(!client->activity && client->state == GLINT_CLIENT_REPLYING);
	assert(activity->ops->stop && activity->ops->free);

	client->activity = activity;
}

static void client_on_late(struct glint_connection *conn)
{
	struct glint_client *client = client_of(conn);
	struct glint_activity *activity = client->activity;

	if (activity && activity->ops->late) {
		conn->deadline_ns = GLINT_CONNECTION_NEVER;
		activity->ops->late(activity);
	} else if (conn->state == GLINT_CONNECTION_OPEN && glint_parser_begun(client->parser)) {
		glint_pool_time_out(&client->server->pool, conn, "does not complete its request");
	} else {
		glint_connection_close(conn); /* between requests no client waits */
	}
}

/* --- Life --------------------------------------------------------------------------- */

void glint_client_close(struct glint_client *client)
{
	glint_connection_close(&client->conn);
}

static void client_on_closed(struct glint_connection *conn)
{
	struct glint_client *client = client_of(conn);

	glint_log_verbose(&topic, "%016llx ends: %s, %llu requests, %llu bytes sent",
			  (unsigned long long)conn->id, conn->facts.name,
			  (unsigned long long)client->n_requests,
			  (unsigned long long)conn->bytes_sent);
	if (client->activity)
		client->activity->ops->stop(client->activity);
}

static void client_free(struct glint_client *client)
{
	if (!client)
		return;
	glint_parser_destroy(client->parser);
	free(client);
}

static void client_on_released(struct glint_connection *conn)
{
	struct glint_client *client = client_of(conn);
	struct glint_server *server = client->server;

	assert(!glint_client_is_sending(client)); /* the loop may not read what is freed here */

	client_drop_reply(client);
	glint_pool_leave(&server->pool, conn);
	client_free(client);
	glint_listeners_resume(&server->listeners);
}

static const struct glint_connection_ops connection_ops = {
	.input = client_on_input,
	.sent = client_on_sent,
	.late = client_on_late,
	.closed = client_on_closed,
	.released = client_on_released,
};

void glint_client_accept(struct glint_server *server, int fd, bool tcp)
{
	struct glint_client *client = calloc(1, sizeof(*client));
	struct glint_peer_facts facts;

	glint_peer_ask(&facts, fd, tcp);
	if (client)
		client->parser = glint_parser_create();
	if (!client || !client->parser) {
		glint_close(&fd);
		glint_pool_refuse(&server->pool, &facts, -ENOMEM);
		client_free(client);
		return;
	}
	client->server = server;
	if (glint_pool_admit(&server->pool, &client->conn, fd, &facts, &connection_ops) < 0) {
		client_free(client);
		return;
	}
	glint_log_verbose(&topic, "%016llx begins: %s", (unsigned long long)client->conn.id,
			  facts.name);
	if (client->conn.place == GLINT_PLACE_REFUSED) {
		client_begin_reply(client);
		server->handler->no_place(client);
		return;
	}
	client->conn.idle_since_ns = glint_now_ns();
	client_expect_request(client);
	glint_connection_receive(&client->conn);
}
