/* SPDX-License-Identifier: MIT */
#include "net/login.h"

#include <stdlib.h>

#include "net/auth.h"
#include "net/client.h"
#include "net/notes.h"
#include "net/reply.h"
#include "net/server.h"

/* An answer that waits for its time. */
struct hold {
	struct glint_activity activity;
	struct glint_client *client;
	struct glint_list link;		/* of @net->held */
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
				    "too many wrong logins came from where you are; try again in "
				    "a few seconds");
	else
		glint_reply_error(client, status);
}

/* --- Holding -------------------------------------------------------------------------- */

static void hold_leave(struct hold *hold)
{
	if (!glint_list_empty(&hold->link))
		hold->client->net->counters.logins_held--;
	glint_list_remove(&hold->link);
}

static void hold_sent(struct glint_activity *activity)
{
	glint_client_replied(hold_of(activity)->client);
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
	.sent = hold_sent,
	.stop = hold_stop,
	.free = hold_free,
};

static void hold_answer(struct glint_client *client, unsigned status, uint64_t delay_ns)
{
	struct glint_net *net = client->net;
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
	glint_list_append(&net->held, &hold->link);
	net->counters.logins_held++;
	glint_client_set_activity(client, &hold->activity);
	if (hold->until_ns < net->login_hold.due_ns)
		glint_alarm_set(&net->login_hold, hold->until_ns);
}

bool glint_login_is_held(const struct glint_client *client)
{
	const struct glint_activity *activity = client->activity;

	return activity && activity->ops == &hold_ops && !glint_client_is_sending(client);
}

void glint_logins_on_hold(struct glint_alarm *alarm)
{
	struct glint_net *net = container_of(alarm, struct glint_net, login_hold);
	uint64_t now_ns = glint_now_ns(), next_ns = GLINT_ALARM_NEVER;
	struct hold *hold;

	glint_list_for_each(hold, &net->held, link) {
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

/* Counts one more wrong login of @peer; returns for how long its answer is held. */
static uint64_t peer_fails(struct glint_peer *peer, uint64_t now_ns)
{
	const uint64_t forget_ns = GLINT_LOGIN_FORGET_NS;
	uint64_t level, delay_ns = GLINT_LOGIN_FIRST_NS;

	/* What still counts has its time to be forgotten before it. */
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

bool glint_login_passes(struct glint_client *client)
{
	const char *given = glint_http_request(client->http)->authorization;
	struct glint_peer *peer = client->login;
	struct glint_net *net = client->net;
	uint64_t now_ns = client->request_ns, delay_ns;

	if (!net->login)
		return true;
	if (!given) {
		glint_reply_error(client, 401);	/* how each login begins */
		return false;
	}
	if (!client->logged_in && peer->checks_ns > now_ns + GLINT_LOGIN_HOLD_NS) {
		net->counters.logins_unchecked++;
		glint_note_login(client);
		hold_answer(client, 429, GLINT_LOGIN_HOLD_NS);
		return false;
	}
	client->logged_in = glint_auth_allows(net->login, given);
	if (client->logged_in)
		return true;

	net->counters.wrong_logins++;
	glint_note_login(client);
	delay_ns = peer_fails(peer, now_ns);
	if (delay_ns == 0)
		answer(client, 401);
	else
		hold_answer(client, 401, delay_ns);
	return false;
}
