/* SPDX-License-Identifier: MIT */
/*
 * Requests. First the parser alone: it must have the same result for the whole input and for its
 * pieces. Then a connection to the server: the reply to any input is HTTP, and at the end the
 * server holds no connection and no picture.
 *
 * Switches: a login is needed, replies name an origin, there is no video, files are
 * served instead of the page, equal pictures are left out.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/fanout.h"
#include "core/loop.h"
#include "core/change.h"
#include "core/packet.h"
#include "core/report.h"
#include "core/status.h"
#include "fuzz.h"
#include "http/auth.h"
#include "http/client.h"
#include "http/files.h"
#include "http/params.h"
#include "http/parser.h"
#include "http/server.h"
#include "http/internal.h"

enum { LOGIN, ORIGIN, OFFLINE, FILES, SAME };

/* --- The parser -------------------------------------------------------------------- */

#define BODY_MAX 100

/* All kinds of parameters: a value that is taken is in its range. */
static void read_params(const char *query)
{
	enum { FLAG, INTEGER, NUMBER, DURATION, MOMENT, REGION, WORD, TEXT, PARAMS };
	static const char *const words[] = { "newest", "all", NULL };
	static const struct glint_param params[] = {
		[FLAG] = { "strict", GLINT_PARAM_FLAG },
		[INTEGER] = { "quality", GLINT_PARAM_INTEGER, .min = -7, .max = 100 },
		[NUMBER] = { "fps", GLINT_PARAM_NUMBER, .max = 1.5 },
		[DURATION] = { "timeout", GLINT_PARAM_DURATION, .max = 60 },
		[MOMENT] = { "after", GLINT_PARAM_MOMENT },
		[REGION] = { "region", GLINT_PARAM_REGION, .most = 2 },
		[WORD] = { "clients", GLINT_PARAM_WORD, .words = words },
		[TEXT] = { "key", GLINT_PARAM_TEXT, .max = 84 },
		[PARAMS] = { NULL },
	};
	struct glint_param_value values[PARAMS];
	struct glint_param_fault fault;

	if (glint_params_read(params, true, query, values, &fault) < 0) {
		assert(fault.param && *fault.allowed);
		return;
	}
	assert(values[INTEGER].integer >= -7 && values[INTEGER].integer <= 100);
	assert(values[NUMBER].number >= 0 && values[NUMBER].number <= 1.5);
	assert(values[DURATION].ns <= 60 * GLINT_NSEC_PER_SEC);
	assert(values[REGION].count <= 2 && values[WORD].word <= 1);
	assert(strlen(values[TEXT].text) <= 84);
	for (unsigned i = 0; i < values[REGION].count; i++)
		assert(glint_params_nth(&params[REGION], query, i, &values[FLAG]));
}

static void log_request(FILE *log, const struct glint_request *request)
{
	fprintf(log, "%s %s ? %s %d %d: %s, %s, %s\n%zu ", glint_method_name(request->method),
		request->path, request->query, request->http_1_0, request->keep_alive,
		request->authorization ? request->authorization : "-",
		request->cors_headers ? request->cors_headers : "-",
		request->origin ? request->origin : "-", request->body_size);
	fwrite(request->body, 1, request->body_size, log);
}

/* False: the connection ends here. */
static bool parse_piece(struct glint_parser *parser, const uint8_t *piece, size_t size, FILE *log)
{
	static struct glint_bodies bodies;

	while (size > 0 || glint_parser_at_head(parser)) {
		size_t used;
		enum glint_parser_outcome outcome =
			glint_parser_feed(parser, (const char *)piece, size, &used);

		assert(used <= size);
		piece += used;
		size -= used;
		if (outcome == GLINT_PARSER_REFUSED) {
			assert(glint_parser_status(parser) >= 400);
			fputs("refused\n", log);
			return false;
		}
		if (outcome == GLINT_PARSER_HEAD &&
		    glint_parser_request(parser)->method == GLINT_METHOD_POST &&
		    glint_parser_collect(parser, &bodies, BODY_MAX) < 0)
			return false;
		if (outcome != GLINT_PARSER_REQUEST)
			continue;
		assert(glint_parser_request(parser)->body_size <= BODY_MAX);
		log_request(log, glint_parser_request(parser));
		read_params(glint_parser_request(parser)->query);
		glint_parser_next(parser);
		assert(bodies.bytes == 0);
	}
	return true;
}

/* Returns the parser's result for all bytes of @plan; the caller frees it. */
static char *parse(struct plan plan)
{
	struct glint_parser *parser = glint_parser_create();
	char *text = NULL;
	size_t size, length;
	FILE *log = open_memstream(&text, &length);
	const uint8_t *piece;

	while ((size = plan_piece(&plan, &piece)) > 0 && parse_piece(parser, piece, size, log))
		;
	glint_parser_destroy(parser);
	fclose(log);
	return text;
}

static void fuzz_parser(const struct plan *plan)
{
	struct plan whole = *plan;
	char *in_pieces = parse(*plan), *at_once;

	whole.n_lengths = 0;
	at_once = parse(whole);
	assert(strcmp(in_pieces, at_once) == 0);
	free(in_pieces);
	free(at_once);
}

/* --- The server ---------------------------------------------------------------------- */

struct service {
	struct glint_loop *loop;
	struct glint_server *server;
	struct glint_fanout pictures;
	struct glint_packet *live, *offline;
	char *login;
	struct glint_files *files;
	struct glint_list changes; /* that wait for done() */
	bool online;
};

static struct service service;

static struct glint_source_state service_source(void *ctx)
{
	const struct service *s = ctx;

	return (struct glint_source_state){ .online = s->online,
					    .reason = s->online ? "" : "no-signal" };
}

static void service_report(void *ctx, struct glint_report *report)
{
	const struct service *s = ctx;

	glint_server_report_streams(s->server, report);
	glint_server_report_latencies(s->server, report);
	glint_server_report(s->server, report);
}

static int service_offline_picture(void *ctx, struct glint_packet **out)
{
	*out = glint_packet_ref(((struct service *)ctx)->offline);
	return 0;
}

static void service_settings(void *ctx, struct glint_report *report)
{
	(void)ctx;
	glint_report_uint(report, "quality", 80);
}

static void service_change(void *ctx, struct glint_change *change)
{
	glint_list_append(&((struct service *)ctx)->changes, &change->link);
}

static void service_forget(void *ctx, struct glint_change *change)
{
	(void)ctx;
	glint_list_remove(&change->link);
}

/* The outcome depends on the first name, so all of them happen. */
static void service_end_changes(struct service *s)
{
	struct glint_change *change;

	while ((change = glint_list_first(&s->changes, struct glint_change, link))) {
		glint_list_remove(&change->link);
		change->outcome = change->n_values > 0 ? (unsigned char)*change->values[0].name %
								 (GLINT_CHANGE_NO_MEMORY + 1) :
							 GLINT_CHANGE_DONE;
		strcpy(change->message, "a message");
		change->done(change);
	}
}

static void picture_release(struct glint_packet *picture)
{
	(void)picture;
}

static void picture_begin(struct glint_packet *picture, bool live)
{
	static const struct glint_packet_ops ops = { .release = picture_release };
	static char bytes[3000];
	uint64_t now_ns = glint_now_ns();

	picture->ops = &ops;
	glint_packet_begin(picture, GLINT_CODEC_JPEG, true);
	picture->info = (struct glint_frame_info){
		.live = live,
		.seq = 1,
		.width = 64,
		.height = 48,
		.capture_ns = now_ns,
		.exposure_ns = now_ns,
		.complete_ns = now_ns,
		.dequeue_ns = now_ns,
	};
	picture->encode_begin_ns = picture->encode_end_ns = now_ns;
	picture->parts[0] = (struct iovec){ bytes, 1000 };
	picture->parts[1] = (struct iovec){ bytes + 1000, 2000 };
	picture->n_parts = 2;
	picture->size = sizeof(bytes);
	glint_packet_publish(picture);
}

/* Pushes a new picture to all waiting clients; skipped while a reader has the last one. */
static void service_push(struct service *s)
{
	if (!s->online || s->live->refs > 0)
		return;
	picture_begin(s->live, true);
	(void)glint_fanout_push_packet(&s->pictures, s->live);
	glint_packet_unref(s->live);
}

static void service_turn(struct service *s)
{
	for (unsigned i = 0; i < 3; i++)
		assert(glint_loop_run_once(s->loop, 0) == 0);
	service_end_changes(s);
}

static void service_set(struct service *s, const struct plan *plan)
{
	s->online = !plan_switch(plan, OFFLINE);
	s->server->login = plan_switch(plan, LOGIN) ? s->login : NULL;
	s->server->config.allow_origin = plan_switch(plan, ORIGIN) ? "http://lab.example" : NULL;
	s->server->files = plan_switch(plan, FILES) ? s->files : NULL;
	s->server->config.drop_same_frames = plan_switch(plan, SAME) ? 2 : 0;
	glint_server_source_changed(s->server);
}

/* Reads the server's output; its first bytes go to @begin. */
static void peer_drain(int fd, char begin[static 8], size_t *begun)
{
	static char bytes[65536];
	ssize_t count;

	while ((count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < count && *begun < 7; i++)
			begin[(*begun)++] = bytes[i];
}

/* Clients that still wait at the end are closed: no deadline is waited for. */
static void service_end_clients(struct service *s)
{
	struct glint_pool *pool = &s->server->pool;
	struct glint_connection *conn;

	glint_list_for_each(conn, &pool->connections, link)
		glint_connection_close(conn);
	for (unsigned i = 0; i < 100 && !glint_list_empty(&pool->connections); i++)
		assert(glint_loop_run_once(s->loop, 0) == 0);
	assert(glint_list_empty(&pool->connections));
	assert(pool->n_clients == 0 && pool->n_streams == 0);
	assert(s->server->counters.snapshots_waiting == 0);
	assert(s->server->bodies.bytes == 0 && glint_list_empty(&s->changes));
	assert(s->live->refs == 0 && s->offline->refs == 1);
}

static void fuzz_connection(struct plan plan)
{
	struct service *s = &service;
	char begin[8] = "";
	size_t size, begun = 0;
	const uint8_t *piece;
	int fds[2];

	service_set(s, &plan);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	glint_client_accept(s->server, fds[0], false);
	while ((size = plan_piece(&plan, &piece)) > 0) {
		if (send(fds[1], piece, size, MSG_NOSIGNAL) < 0)
			break;
		service_turn(s);
		service_push(s);
		service_turn(s);
		peer_drain(fds[1], begin, &begun);
	}
	(void)shutdown(fds[1], SHUT_WR);
	for (unsigned i = 0; i < 3; i++) {
		service_turn(s);
		service_push(s);
		peer_drain(fds[1], begin, &begun);
	}
	close(fds[1]);
	service_turn(s);
	service_end_clients(s);
	assert(strncmp(begin, "HTTP/1.", begun) == 0);
}

/* The server needs a listener. No client connects to this one: the kernel chooses its name. */
static int listen_anywhere(void)
{
	struct sockaddr name = { .sa_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && bind(fd, &name, sizeof(name.sa_family)) == 0 && listen(fd, 1) == 0);
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct glint_status_ops ops = {
		.source = service_source,
		.report = service_report,
		.settings = service_settings,
		.change = service_change,
		.forget = service_forget,
		.offline_picture = service_offline_picture,
	};
	static struct glint_packet live, offline;
	int listener = listen_anywhere();
	struct glint_server_config config = {
		.listen_fds = &listener,
		.n_listen_fds = 1,
		.instance_id = "fuzz",
		.timeout_ns = 60 * GLINT_NSEC_PER_SEC,
		.clients_max = 4,
	};
	struct service *s = &service;

	(void)argc;
	(void)argv;
	glint_log_setup(GLINT_LOG_ERROR, 0);
	glint_fanout_init(&s->pictures, NULL);
	glint_list_init(&s->changes);
	s->live = &live;
	s->offline = &offline;
	picture_begin(s->offline, false);
	s->login = glint_auth_login("lab", "secret");
	assert(glint_loop_create(&s->loop, GLINT_LOOP_EPOLL) == 0);
	assert(glint_files_create(&s->files, s->loop, "tests/fuzz") == 0);
	assert(glint_events_create(&config.events, s->loop) == 0);
	assert(glint_server_create(&s->server, s->loop, &config) == 0);
	glint_server_start(s->server, &s->pictures, &ops, s);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan plan = plan_of(data, size);

	fuzz_parser(&plan);
	fuzz_connection(plan);
	plan_fini(&plan);
	return 0;
}
