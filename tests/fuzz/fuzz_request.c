/* SPDX-License-Identifier: MIT */
/*
 * Requests. First the parser alone: it must make the same of the bytes whether they come
 * whole or in pieces. Then a connection to the server: whatever comes, the reply is HTTP,
 * and at the end the server holds neither a connection nor a picture.
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
#include "core/picture.h"
#include "core/status.h"
#include "fuzz.h"
#include "net/auth.h"
#include "net/client.h"
#include "net/files.h"
#include "net/http.h"
#include "net/net.h"
#include "net/server.h"

enum { LOGIN, ORIGIN, OFFLINE, FILES, SAME };

/* --- The parser -------------------------------------------------------------------- */

static void log_request(FILE *log, const struct glint_request *request)
{
	fprintf(log, "%d %s ? %s %d %d: %s, %s, %s\n", (int)request->method, request->path,
		request->query, request->http_1_0, request->keep_alive,
		request->authorization ? request->authorization : "-",
		request->cors_headers ? request->cors_headers : "-",
		request->cors_method ? request->cors_method : "-");
}

/* False: the connection ends here. */
static bool parse_piece(struct glint_http *http, const uint8_t *piece, size_t size, FILE *log)
{
	while (size > 0) {
		size_t used;
		enum glint_http_outcome outcome =
			glint_http_feed(http, (const char *)piece, size, &used);

		assert(used <= size);
		if (outcome == GLINT_HTTP_REFUSED) {
			assert(glint_http_status(http) >= 400);
			fputs("refused\n", log);
			return false;
		}
		assert(used > 0);
		piece += used;
		size -= used;
		if (outcome == GLINT_HTTP_MORE)
			continue;
		log_request(log, glint_http_request(http));
		glint_http_next(http);
	}
	return true;
}

/* What the parser makes of all that @plan has; the caller frees it. */
static char *parse(struct plan plan)
{
	struct glint_http *http = glint_http_create();
	char *text = NULL;
	size_t size, length;
	FILE *log = open_memstream(&text, &length);
	const uint8_t *piece;

	while ((size = plan_piece(&plan, &piece)) > 0 && parse_piece(http, piece, size, log))
		;
	glint_http_destroy(http);
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
	struct glint_net *net;
	struct glint_fanout pictures;
	struct glint_picture *live, *offline;
	char *login;
	struct glint_files *files;
	bool online;
	unsigned n_pushed;
};

static struct service service;

static void service_status(void *ctx, struct glint_status *status)
{
	const struct service *s = ctx;

	*status = (struct glint_status){
		.version = "1.2.3",
		.started_ns = glint_now_ns(),
		.loop_backend = "epoll",
		.loop_reason = "",
		.source = { .kind = "test", .reason = s->online ? "" : "no-signal",
			    .online = s->online, .width = 64, .height = 48 },
		.device = { .path = "/dev/video7", .driver = "fake", .card = "A card", .bus = "" },
		.format = { .range = "", .matrix = "" },
		.frame = { .clock = "monotonic", .moment = "end-of-frame" },
		.buffers = { .memory = "memfd" },
		.encoder = { .type = "CPU", .name = "cpu", .subsampling = "4:2:0", .range = "expand",
			     .quality = 80,
			     .state = "", .reason = "", .path = "", .driver = "", .memory = "",
			     .driver_quality = -1 },
	};
}

static int service_offline_picture(void *ctx, struct glint_picture **out)
{
	*out = glint_picture_ref(((struct service *)ctx)->offline);
	return 0;
}

static void picture_release(struct glint_frame *frame)
{
	(void)frame;
}

static void picture_begin(struct glint_picture *picture, bool live)
{
	static const struct glint_frame_ops ops = { .release = picture_release };
	static char bytes[3000];
	uint64_t now_ns = glint_now_ns();

	picture->frame.ops = &ops;
	glint_frame_begin(&picture->frame, 1, now_ns);
	picture->frame.complete_ns = picture->frame.dequeue_ns = now_ns;
	picture->frame.exposure_ns = now_ns;
	picture->encode_begin_ns = picture->encode_end_ns = now_ns;
	picture->parts[0] = (struct iovec){ bytes, 1000 };
	picture->parts[1] = (struct iovec){ bytes + 1000, 2000 };
	picture->n_parts = 2;
	picture->size = sizeof(bytes);
	picture->width = 64;
	picture->height = 48;
	picture->live = live;
}

/* A new picture for all who want one; skipped while a reader has the last one. */
static void service_push(struct service *s)
{
	if (!s->online || s->live->frame.refs > 0)
		return;
	picture_begin(s->live, true);
	(void)glint_fanout_push(&s->pictures, &s->live->frame);
	glint_picture_unref(s->live);
}

static void service_turn(struct service *s)
{
	for (unsigned i = 0; i < 3; i++)
		assert(glint_loop_run_once(s->loop, 0) == 0);
}

static void service_set(struct service *s, const struct plan *plan)
{
	s->online = !plan_switch(plan, OFFLINE);
	s->net->login = plan_switch(plan, LOGIN) ? s->login : NULL;
	s->net->config.allow_origin = plan_switch(plan, ORIGIN) ? "http://lab.example" : NULL;
	s->net->files = plan_switch(plan, FILES) ? s->files : NULL;
	s->net->config.drop_same_frames = plan_switch(plan, SAME) ? 2 : 0;
	glint_net_source_changed(s->net);
}

/* Takes what the server has sent; its first bytes go to @begin. */
static void peer_drain(int fd, char begin[static 8], size_t *begun)
{
	static char bytes[65536];
	ssize_t count;

	while ((count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < count && *begun < 7; i++)
			begin[(*begun)++] = bytes[i];
}

/* No deadline is waited for: who still waits at the end is told to go. */
static void service_end_clients(struct service *s)
{
	struct glint_client *client;

	glint_list_for_each(client, &s->net->clients, link)
		glint_client_close(client);
	for (unsigned i = 0; i < 100 && !glint_list_empty(&s->net->clients); i++)
		assert(glint_loop_run_once(s->loop, 0) == 0);
	assert(glint_list_empty(&s->net->clients));
	assert(s->net->counters.clients == 0 && s->net->counters.streams == 0);
	assert(s->net->counters.snapshots_waiting == 0);
	assert(s->live->frame.refs == 0 && s->offline->frame.refs == 1);
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
	glint_client_accept(s->net, fds[0], false);
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

/* The server wants a listener. Nobody connects to this one: the kernel chooses its name. */
static int listen_anywhere(void)
{
	struct sockaddr name = { .sa_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && bind(fd, &name, sizeof(name.sa_family)) == 0 && listen(fd, 1) == 0);
	return fd;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct glint_status_ops ops = { service_status, service_offline_picture };
	static struct glint_picture live, offline;
	int listener = listen_anywhere();
	struct glint_net_config config = {
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
	s->live = &live;
	s->offline = &offline;
	picture_begin(s->offline, false);
	s->login = glint_auth_login("lab", "secret");
	assert(glint_loop_create(&s->loop, GLINT_LOOP_EPOLL) == 0);
	assert(glint_files_create(&s->files, s->loop, "tests/fuzz") == 0);
	assert(glint_net_create(&s->net, s->loop, &config) == 0);
	glint_net_start(s->net, &s->pictures, &ops, s);
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
