/* SPDX-License-Identifier: MIT */
#include "http/login.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/auth.h"
#include "http/client.h"
#include "http/internal.h"
#include "http/reply.h"

static const struct glint_log_topic topic = { "client" };

/* An answer that is held. */
struct hold {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_list link; /* of @server->held */
	unsigned status;
	uint64_t until_ns;
};

static struct hold *hold_of(struct glint_activity *activity)
{
	return container_of(activity, struct hold, activity);
}

static void answer(struct glint_client *client, unsigned status)
{
	if (status == 429)
		glint_reply_refusal(client, status, "too-many-logins",
				    "too many wrong logins came from this peer; try again in a few "
				    "seconds");
	else
		glint_reply_error(client, status);
}

/* --- Holding -------------------------------------------------------------------------- */

static void hold_leave(struct hold *hold)
{
	if (!glint_list_empty(&hold->link))
		hold->client->server->counters.logins_held--;
	glint_list_remove(&hold->link);
}

static void hold_stop(struct glint_activity *activity)
{
	hold_leave(hold_of(activity));
}

static void hold_free(struct glint_activity *activity)
{
	free(hold_of(activity));
}

static const struct glint_activity_ops hold_ops = {
	.stop = hold_stop,
	.free = hold_free,
};

static void hold_answer(struct glint_client *client, unsigned status, uint64_t delay_ns)
{
	struct glint_server *server = client->server;
	struct hold *hold = calloc(1, sizeof(*hold));

	if (!hold) {
		glint_reply_error(client, 503);
		return;
	}
	hold->activity.ops = &hold_ops;
	hold->client = client;
	hold->status = status;
	hold->until_ns = client->request_ns + delay_ns;
	glint_list_init(&hold->link);
	glint_list_append(&server->held, &hold->link);
	server->counters.logins_held++;
	client->conn.idle_since_ns = client->request_ns; /* another peer may have the place */
	glint_client_set_activity(client, &hold->activity);
	if (hold->until_ns < server->login_hold.due_ns)
		glint_alarm_set(&server->login_hold, hold->until_ns);
}

void glint_logins_on_hold(struct glint_alarm *alarm)
{
	struct glint_server *server = container_of(alarm, struct glint_server, login_hold);
	uint64_t now_ns = glint_now_ns(), next_ns = GLINT_ALARM_NEVER;
	struct hold *hold;

	glint_list_for_each(hold, &server->held, link) {
		if (hold->until_ns <= now_ns) {
			hold_leave(hold);
			answer(hold->client, hold->status);
		} else {
			next_ns = MIN(next_ns, hold->until_ns);
		}
	}
	glint_alarm_set(alarm, next_ns);
}

/* --- Judging ---------------------------------------------------------------------------- */

/* Count a wrong login of @peer. Return how long to hold its answer. */
static uint64_t peer_fails(struct glint_peer *peer, uint64_t now_ns)
{
	const uint64_t forget_ns = GLINT_LOGIN_FORGET_NS;
	uint64_t level, delay_ns = GLINT_LOGIN_FIRST_NS;

	assert(peer->refs > 0);

	/* The wrong logins that still count are forgotten first. */
	peer->forget_ns = MAX(peer->forget_ns, now_ns) + forget_ns;
	peer->forget_ns = MIN(peer->forget_ns, now_ns + GLINT_LOGIN_LEVEL_MAX * forget_ns);
	peer->checks_ns = MAX(peer->checks_ns, now_ns) + GLINT_LOGIN_HOLD_NS / GLINT_LOGIN_CHECKS;

	level = (peer->forget_ns - now_ns + forget_ns - 1) / forget_ns;
	if (level <= GLINT_LOGIN_FREE)
		return 0;
	for (unsigned i = GLINT_LOGIN_FREE + 1; i < level && delay_ns < GLINT_LOGIN_HOLD_NS; i++)
		delay_ns *= 2;
	return MIN(delay_ns, GLINT_LOGIN_HOLD_NS);
}

static void log_wrong_login(const struct glint_client *client)
{
	char path[GLINT_CLIENT_SHOWN_MAX], origin[GLINT_CLIENT_SHOWN_MAX];

	glint_log_limited(&topic, GLINT_LOG_WARN, "a wrong login for \"%s\" from %s%s",
			  glint_client_show(glint_parser_request(client->parser)->path, path),
			  client->conn.facts.name, glint_client_show_origin(client, origin));
}

bool glint_login_passes(struct glint_client *client)
{
	const char *given = glint_parser_request(client->parser)->authorization;
	struct glint_peer *peer = client->conn.login;
	struct glint_server *server = client->server;
	uint64_t now_ns = client->request_ns, delay_ns;

	if (!server->login)
		return true;
	if (!given) {
		glint_reply_error(client, 401); /* each login begins like this */
		return false;
	}
	if (!client->logged_in && peer->checks_ns > now_ns + GLINT_LOGIN_HOLD_NS) {
		server->counters.logins_unchecked++;
		log_wrong_login(client);
		hold_answer(client, 429, GLINT_LOGIN_HOLD_NS);
		return false;
	}
	client->logged_in = glint_auth_allows(server->login, given);
	if (client->logged_in)
		return true;

	server->counters.wrong_logins++;
	log_wrong_login(client);
	delay_ns = peer_fails(peer, now_ns);
	if (delay_ns == 0)
		answer(client, 401);
	else
		hold_answer(client, 401, delay_ns);
	return false;
}
