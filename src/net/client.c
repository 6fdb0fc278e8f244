/* SPDX-License-Identifier: MIT */
#include "net/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/notes.h"
#include "net/reply.h"
#include "net/routes.h"
#include "net/server.h"
#include "net/socket.h"

#define LINGER_NS	(2 * GLINT_NSEC_PER_SEC)
#define CROWDED_NS	(1 * GLINT_NSEC_PER_SEC)
#define TCP_SLOWEST	(80u << 10)	/* bytes in each server timeout that keep a connection */
#define TCP_AHEAD_MAX	(400u << 10)	/* bytes that the peer's kernel may have taken for it */
#define MONITOR_NS	(1 * GLINT_NSEC_PER_SEC)	/* to complete a request in a scarce place */
#define DISCARDED_MAX	(256u << 10)	/* bytes that nobody asked for: more is an attack */

static const struct glint_log_topic topic = { "client" };

/* --- The end -------------------------------------------------------------------- */

static void client_drop_reply(struct glint_client *client)
{
	struct glint_activity *activity = client->activity;

	client->activity = NULL;
	if (activity)
		activity->ops->free(activity);
	free(client->owned);
	client->owned = NULL;
}

static void client_free(struct glint_client *client)
{
	glint_peer_put(&client->net->peers, client->login);
	glint_peer_put(&client->net->peers, client->peer);
	glint_http_destroy(client->http);
	glint_close(&client->fd);
	free(client);
}

/* Frees @client once it is closed and the loop has given its operations back. */
static void client_settle(struct glint_client *client)
{
	struct glint_net *net = client->net;

	if (client->state != GLINT_CLIENT_CLOSED || glint_op_busy(&client->recv_op) ||
	    glint_op_busy(&client->send_op))
		return;

	client_drop_reply(client);
	glint_list_remove(&client->link);
	glint_place_leave(client);
	client_free(client);
	glint_listeners_resume(&net->listeners);
}

void glint_client_close(struct glint_client *client)
{
	struct glint_loop *loop = client->net->loop;

	if (client->state == GLINT_CLIENT_CLOSED)
		return;

	client->state = GLINT_CLIENT_CLOSED;
	glint_log_verbose(&topic, "%016llx ends: %s, %llu requests, %llu bytes sent",
			  (unsigned long long)client->id, client->name,
			  (unsigned long long)client->n_requests,
			  (unsigned long long)client->bytes_sent);
	if (client->activity)
		client->activity->ops->stop(client->activity);
	glint_loop_cancel(loop, &client->recv_op);
	glint_loop_cancel(loop, &client->send_op);
	client_settle(client);
}

static void client_set_deadline(struct glint_client *client, uint64_t from_now_ns)
{
	client->deadline_ns = glint_now_ns() + from_now_ns;
}

/* The time for a request begins. */
static void client_expect_request(struct glint_client *client)
{
	uint64_t timeout_ns = client->net->config.timeout_ns;

	if (client->place == GLINT_PLACE_MONITOR)
		timeout_ns = MIN(timeout_ns, MONITOR_NS);
	client_set_deadline(client, timeout_ns);
}

/* --- Requests --------------------------------------------------------------------- */

static void client_receive(struct glint_client *client)
{
	size_t room = sizeof(client->in) - client->in_used;

	/* With a full buffer of further requests we read on when one is answered. */
	if (client->input_ended || room == 0 || glint_op_busy(&client->recv_op))
		return;
	client->in_arrives_at = client->in_used;
	glint_loop_recv(client->net->loop, &client->recv_op, client->fd,
			client->in + client->in_used, room);
}

static void client_handle_request(struct glint_client *client)
{
	client->state = GLINT_CLIENT_REPLYING;
	client->deadline_ns = UINT64_MAX;
	client->request_ns = glint_now_ns();
	client->n_requests++;
	client->keep_alive = glint_http_request(client->http)->keep_alive &&
			     client->place == GLINT_PLACE_ANY;
	glint_note_request(client);
	glint_routes_dispatch(client);
}

static void client_refuse_request(struct glint_client *client)
{
	client->state = GLINT_CLIENT_REPLYING;
	client->deadline_ns = UINT64_MAX;
	client->keep_alive = false;
	glint_reply_error(client, glint_http_status(client->http));
}

/* Reads requests out of what has arrived, until one has to be answered. */
static void client_parse(struct glint_client *client)
{
	enum glint_http_outcome outcome;
	size_t used;

	while (client->state == GLINT_CLIENT_READING && client->in_used > 0) {
		outcome = glint_http_feed(client->http, client->in, client->in_used, &used);
		client->in_used -= used;
		memmove(client->in, client->in + used, client->in_used);
		if (outcome == GLINT_HTTP_REQUEST)
			client_handle_request(client);
		else if (outcome == GLINT_HTTP_REFUSED)
			client_refuse_request(client);
	}
}

/* Bytes that no request can be made of, or must not be. */
static void client_discard(struct glint_client *client)
{
	client->discarded += client->in_used;
	client->in_used = 0;
	if (client->discarded > DISCARDED_MAX)
		glint_client_close(client);
	else
		client_receive(client);
}

static bool client_ends_with_input(const struct glint_client *client)
{
	return client->state == GLINT_CLIENT_LINGERING ||
	       (client->activity && client->activity->ops->ends_with_input);
}

/* Something has arrived, or is no longer waited for. Last in its caller: may free @client. */
static void client_advance(struct glint_client *client)
{
	client_parse(client);
	if (client->input_ended &&
	    (client->state == GLINT_CLIENT_READING || client_ends_with_input(client)))
		glint_client_close(client);
	else if (client_ends_with_input(client))
		client_discard(client);
	else
		client_receive(client);
}

static void client_on_input(struct glint_client *client, size_t count)
{
	/* A head has its time from its first byte on; more bytes do not give it more. */
	if (client->state == GLINT_CLIENT_READING && !glint_http_begun(client->http))
		client_expect_request(client);
	/* Some of what stood before it may have been read meanwhile: close the gap. */
	memmove(client->in + client->in_used, client->in + client->in_arrives_at, count);
	client->in_used += count;
	client_advance(client);
}

static void client_on_input_end(struct glint_client *client)
{
	client->input_ended = true;
	/* Half closed it still wants its reply; closed it wants nothing. */
	if (glint_socket_is_gone(client->fd))
		glint_client_close(client);
	else
		client_advance(client);
}

static void client_on_recv(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_client *client = container_of(op, struct glint_client, recv_op);

	(void)flags;
	if (client->state == GLINT_CLIENT_CLOSED)
		client_settle(client);
	else if (res > 0)
		client_on_input(client, (size_t)res);
	else if (res == 0)
		client_on_input_end(client);
	else
		glint_client_close(client);
}

/* --- Replies ------------------------------------------------------------------------ */

struct glint_text *glint_client_begin(struct glint_client *client)
{
	assert(!glint_client_is_sending(client));

	client->head = glint_text_in(client->head_bytes, sizeof(client->head_bytes));
	client->msg = (struct msghdr){ .msg_iov = client->pieces, .msg_iovlen = 1 };
	return &client->head;
}

void glint_client_put(struct glint_client *client, const void *bytes, size_t count)
{
	assert(client->msg.msg_iovlen < ARRAY_SIZE(client->pieces));

	client->pieces[client->msg.msg_iovlen++] =
		(struct iovec){ .iov_base = (void *)bytes, .iov_len = count };
}

void glint_client_put_picture(struct glint_client *client, const struct glint_picture *picture)
{
	assert(picture->n_parts <= GLINT_PICTURE_PARTS_MAX);

	for (unsigned i = 0; i < picture->n_parts; i++)
		glint_client_put(client, picture->parts[i].iov_base, picture->parts[i].iov_len);
	glint_socket_fit(client, picture->size);
}

static void client_send_rest(struct glint_client *client)
{
	client->taken_ns = glint_now_ns();
	glint_loop_send(client->net->loop, &client->send_op, client->fd, &client->msg);
}

void glint_client_send(struct glint_client *client)
{
	/* All parts of a head are bounded: options by their table, what a client sends by reply.c. */
	assert(!client->head.cut);

	client->pieces[0] =
		(struct iovec){ .iov_base = client->head.base, .iov_len = client->head.used };
	client_send_rest(client);
}

bool glint_client_is_sending(const struct glint_client *client)
{
	return glint_op_busy(&client->send_op);
}

/* Takes @count bytes off what is to be sent. */
static void msg_advance(struct msghdr *msg, size_t count)
{
	while (msg->msg_iovlen > 0 && count >= msg->msg_iov->iov_len) {
		count -= msg->msg_iov->iov_len;
		msg->msg_iov++;
		msg->msg_iovlen--;
	}
	if (count > 0) {
		assert(msg->msg_iovlen > 0);
		msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + count;
		msg->msg_iov->iov_len -= count;
	}
}

static void client_on_sent(struct glint_client *client, size_t count)
{
	client->net->counters.bytes_sent += count;
	client->bytes_sent += count;
	msg_advance(&client->msg, count);
	if (client->msg.msg_iovlen > 0) {
		client_send_rest(client);
		return;
	}
	if (client->activity)
		client->activity->ops->sent(client->activity);
	else
		glint_client_replied(client);
}

static void client_on_send(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_client *client = container_of(op, struct glint_client, send_op);

	(void)flags;
	if (client->state == GLINT_CLIENT_CLOSED)
		client_settle(client);
	else if (res >= 0)
		client_on_sent(client, (size_t)res);
	else
		glint_client_close(client);
}

/*
 * Closing with bytes unread would make the kernel reset the connection, and the
 * peer could lose the reply. So we end our side, and wait a little for the other.
 */
static void client_linger(struct glint_client *client)
{
	client->state = GLINT_CLIENT_LINGERING;
	client->waiting_ns = glint_now_ns();
	client_set_deadline(client, MIN(LINGER_NS, client->net->config.timeout_ns));
	(void)shutdown(client->fd, SHUT_WR);
	client_advance(client);
}

void glint_client_replied(struct glint_client *client)
{
	assert(client->state == GLINT_CLIENT_REPLYING && !glint_client_is_sending(client));

	client_drop_reply(client);
	if (!client->keep_alive) {
		client_linger(client);
		return;
	}
	glint_http_next(client->http);
	client->state = GLINT_CLIENT_READING;
	client->waiting_ns = glint_now_ns();
	client_expect_request(client);
	client_advance(client);
}

void glint_client_set_activity(struct glint_client *client, struct glint_activity *activity)
{
	assert(!client->activity && client->state == GLINT_CLIENT_REPLYING);

	client->activity = activity;
}

/* --- The beginning ------------------------------------------------------------------- */

/* Takes over @fd and @peer, also when memory is short. */
static struct glint_client *client_create(struct glint_net *net, int fd, struct glint_peer *peer,
					  const struct glint_peer_facts *facts)
{
	struct glint_client *client = calloc(1, sizeof(*client));

	if (!client) {
		glint_peer_put(&net->peers, peer);
		glint_close(&fd);
		return NULL;
	}
	client->net = net;
	client->fd = fd;
	client->peer = peer;
	client->login = glint_peer_get(&net->peers, &facts->login);
	client->http = glint_http_create();
	if (!client->login || !client->http) {
		client_free(client);
		return NULL;
	}
	client->tcp = facts->tcp;
	client->local = facts->local;
	strcpy(client->name, facts->name);
	client->recv_op.done = client_on_recv;
	client->send_op.done = client_on_send;
	/* It is no secret, only a name: what is left from the stack would do. */
	if (getrandom(&client->id, sizeof(client->id), GRND_NONBLOCK) < 0)
		client->id = glint_now_ns();
	return client;
}

static void client_start(struct glint_client *client)
{
	glint_socket_setup(client);
	glint_list_append(&client->net->clients, &client->link);
	glint_place_take(client);
	if (client->place == GLINT_PLACE_REFUSED) {
		client->state = GLINT_CLIENT_REPLYING;
		client->deadline_ns = UINT64_MAX;
		glint_place_refuse(client);
		return;
	}
	client->net->counters.accepted += client->place == GLINT_PLACE_ANY;
	client->waiting_ns = glint_now_ns();
	client_expect_request(client);
	client_receive(client);
}

void glint_client_accept(struct glint_net *net, int fd, bool tcp)
{
	struct glint_client *client = NULL;
	struct glint_peer_facts facts;
	enum glint_place place;
	struct glint_peer *peer;

	glint_peer_ask(&facts, fd, tcp);
	peer = glint_peer_get(&net->peers, &facts.share);
	if (!peer) {
		glint_close(&fd);
	} else {
		place = glint_place_choose(net, peer, tcp);
		if (place == GLINT_PLACE_NONE) {
			glint_note_refused(net, facts.name);
			glint_peer_put(&net->peers, peer);
			glint_close(&fd);
			return;
		}
		client = client_create(net, fd, peer, &facts);
	}
	if (!client) {
		glint_log_err(&topic, -ENOMEM, "cannot take a connection of %s", facts.name);
		net->counters.refused++;
		return;
	}
	client->place = place;
	glint_log_verbose(&topic, "%016llx begins: %s", (unsigned long long)client->id,
			  client->name);
	client_start(client);
}

/* --- Those that are too slow ---------------------------------------------------------- */

static void client_time_out(struct glint_client *client)
{
	const struct glint_activity *activity = client->activity;
	/* Between requests nobody was waiting for anything. */
	bool idle = client->state == GLINT_CLIENT_LINGERING ||
		    (client->state == GLINT_CLIENT_READING && !glint_http_begun(client->http));

	if (activity && activity->ops->late && !glint_client_is_sending(client)) {
		client->deadline_ns = UINT64_MAX;
		activity->ops->late(client->activity);
		return;
	}
	if (!idle) {
		client->net->counters.timed_out++;
		glint_log_verbose(&topic, "%016llx %s: closed", (unsigned long long)client->id,
				  client->state == GLINT_CLIENT_READING ?
					  "does not complete its request" :
					  "does not take its data");
	}
	glint_client_close(client);
}

/*
 * How long a peer may take nothing. Above half of the places the time shrinks with the
 * places that are free, down to CROWDED_NS: what nobody reads makes room.
 */
static uint64_t clients_patience_ns(const struct glint_net *net)
{
	uint64_t timeout_ns = net->config.timeout_ns;
	unsigned half = net->config.clients_max / 2, taken = net->counters.clients, free;

	free = taken < net->config.clients_max ? net->config.clients_max - taken : 0;
	if (free >= half)
		return timeout_ns;
	return MAX(timeout_ns * free / half, MIN(timeout_ns, CROWDED_NS));
}

/*
 * The peer's kernel takes data for a peer that has not read it, and has room again in
 * steps of some hundred kB. So the peer gets the time in which a slow reader has read
 * what was taken.
 */
static void client_allow_reading(struct glint_client *client, uint64_t now_ns, uint64_t count)
{
	uint64_t timeout_ns = client->net->config.timeout_ns, due_ns;

	due_ns = MAX(client->read_by_ns, now_ns) +
		 timeout_ns / TCP_SLOWEST * MIN(count, TCP_AHEAD_MAX);
	client->read_by_ns = MIN(due_ns, now_ns + timeout_ns / TCP_SLOWEST * TCP_AHEAD_MAX);
}

/*
 * A send completes when the kernel has room for all of it, and a socket tells of room
 * when a part of its buffer is free (of a unix socket: three quarters), so the bytes
 * that wait in the socket tell whether the peer reads.
 */
static void client_look_at_progress(struct glint_client *client, uint64_t now_ns)
{
	int untaken = glint_socket_untaken(client->fd);
	int64_t taken = (int64_t)client->bytes_sent - untaken;

	if (untaken < 0)
		return;
	if (taken > client->taken) {
		client->taken_ns = now_ns;
		if (client->tcp)
			client_allow_reading(client, now_ns, (uint64_t)(taken - client->taken));
	}
	client->taken = taken;
}

static bool client_is_stuck(struct glint_client *client, uint64_t now_ns, uint64_t patience_ns)
{
	uint64_t timeout_ms = client->net->config.timeout_ns / GLINT_NSEC_PER_MSEC;
	uint64_t ahead_ms = 0;

	if (!glint_client_is_sending(client))
		return false;
	client_look_at_progress(client, now_ns);
	if (client->read_by_ns > client->taken_ns)
		ahead_ms = (client->read_by_ns - client->taken_ns) / GLINT_NSEC_PER_MSEC;
	return now_ns - client->taken_ns >=
	       patience_ns + patience_ns * ahead_ms / MAX(timeout_ms, 1u);
}

uint64_t glint_clients_sweep(struct glint_net *net)
{
	uint64_t now_ns = glint_now_ns();
	uint64_t patience_ns = clients_patience_ns(net);
	struct glint_client *client;

	glint_list_for_each(client, &net->clients, link)
		if (client->state != GLINT_CLIENT_CLOSED &&
		    (client->deadline_ns <= now_ns || client_is_stuck(client, now_ns, patience_ns)))
			client_time_out(client);
	if (glint_list_empty(&net->clients))
		return GLINT_ALARM_NEVER;
	return now_ns + MIN(patience_ns / 4 + 1, GLINT_NSEC_PER_SEC);
}
