/* SPDX-License-Identifier: MIT */
#include "net/notes.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "net/client.h"
#include "net/reply.h"
#include "net/server.h"

#define BURST	  5u	/* lines at once */
#define SHOWN_MAX 128u	/* bytes of what a peer says */

static const struct glint_log_topic topic = { "client" };

/* Whether a line may be written now; " (N more before)" or "" goes to @more. */
static bool note_is_due(struct glint_note *note, char *more, size_t size)
{
	uint64_t now_ns = glint_now_ns(), due_ns = MAX(note->due_ns, now_ns);

	if (due_ns - now_ns > (BURST - 1) * GLINT_NOTES_NS) {
		note->left_out++;
		return false;
	}
	note->due_ns = due_ns + GLINT_NOTES_NS;
	*more = '\0';
	if (note->left_out > 0)
		snprintf(more, size, " (%u more before)", note->left_out);
	note->left_out = 0;
	return true;
}

/* What a peer says, as it can stand between quotes in a line: printable ASCII, cut. */
static void show(char *out, size_t size, const char *said)
{
	size_t len = strnlen(said, size - 1);

	for (size_t i = 0; i < len; i++)
		out[i] = said[i] < ' ' || said[i] > '~' || said[i] == '"' ? '?' : said[i];
	out[len] = '\0';
}

void glint_note_refused(struct glint_net *net, const char *name)
{
	char more[40];

	net->counters.refused++;
	if (note_is_due(&net->refused_note, more, sizeof(more)))
		glint_log_warn(&topic,
			       "a connection of %s is refused: %u are connected, of at most %u "
			       "(--clients-max)%s",
			       name, net->counters.clients, net->config.clients_max, more);
}

static const char *method_name(enum glint_http_method method)
{
	static const char *const names[] = {
		[GLINT_HTTP_GET] = "GET",
		[GLINT_HTTP_HEAD] = "HEAD",
		[GLINT_HTTP_OPTIONS] = "OPTIONS",
	};

	return names[method];
}

/* For whom a proxy asks; only of peers on this host, since anybody can say anything. */
static const char *forwarded_for(const struct glint_client *client, char *out, size_t size)
{
	const char *said = glint_http_request(client->http)->forwarded_for;
	char shown[SHOWN_MAX];

	*out = '\0';
	if (said && client->local) {
		show(shown, sizeof(shown), said);
		snprintf(out, size, " for \"%s\"", shown);
	}
	return out;
}

void glint_note_login(struct glint_client *client)
{
	const struct glint_request *request = glint_http_request(client->http);
	char path[SHOWN_MAX], whom[SHOWN_MAX + 10], more[40];
	struct glint_net *net = client->net;

	if (!note_is_due(&net->login_note, more, sizeof(more)))
		return;
	show(path, sizeof(path), request->path);
	glint_log_warn(&topic, "a wrong login for \"%s\" of %s%s%s", path, client->name,
		       forwarded_for(client, whom, sizeof(whom)), more);
}

void glint_note_request(const struct glint_client *client)
{
	const struct glint_request *request = glint_http_request(client->http);
	char path[SHOWN_MAX], whom[SHOWN_MAX + 10];

	show(path, sizeof(path), request->path);
	glint_log_verbose(&topic, "%016llx %s \"%s\"%s", (unsigned long long)client->id,
			  method_name(request->method), path,
			  forwarded_for(client, whom, sizeof(whom)));
}

void glint_note_answer(struct glint_client *client, unsigned status)
{
	const struct glint_request *request = glint_http_request(client->http);
	unsigned index = glint_reply_index(status);
	char path[SHOWN_MAX], host[SHOWN_MAX], whom[SHOWN_MAX + 10], more[40];
	struct glint_net *net = client->net;

	net->answers[index]++;
	/* Others tell of 401, and of 503; a request without a login is how each login begins. */
	if (status < 400 || status >= 500 || status == 401 ||
	    !note_is_due(&net->answer_notes[index], more, sizeof(more)))
		return;
	if (!request->path) {
		glint_log_info(&topic, "%u for a request of %s%s", status, client->name, more);
		return;
	}
	show(path, sizeof(path), request->path);
	if (status == 421) {
		show(host, sizeof(host), request->host);
		glint_log_warn(&topic,
			       "refused what %s asks of \"%s\": no name of this service; "
			       "--allow-host adds names%s",
			       client->name, host, more);
		return;
	}
	glint_log_info(&topic, "%u for %s \"%s\" of %s%s%s", status, method_name(request->method),
		       path, client->name, forwarded_for(client, whom, sizeof(whom)), more);
}
