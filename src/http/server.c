/* SPDX-License-Identifier: MIT */
#include "http/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/fanout.h"
#include "core/status.h"
#include "core/upcall.h"
#include "http/auth.h"
#include "http/client.h"
#include "http/files.h"
#include "http/hosts.h"
#include "http/login.h"
#include "http/routes.h"
#include "http/snapshot.h"
#include "http/stream.h"

#define SETTING_TEXT_MAX 255u /* bytes of a setting that becomes part of a head */
#define CLOSE_NS	 (500 * GLINT_NSEC_PER_MSEC)
#define FILES_CLOSE_NS	 (100 * GLINT_NSEC_PER_MSEC) /* no client waits for a file any more */

static_assert(GLINT_POOL_MONITORS <= GLINT_SERVER_EXTRA_MAX, "monitors hold pictures");

static const struct glint_log_topic topic = { "net" };

/* --- Clients ----------------------------------------------------------------------- */

static void server_on_accepted(struct glint_listeners *listeners, int fd, bool tcp)
{
	glint_client_accept(container_of(listeners, struct glint_server, listeners), fd, tcp);
}

void glint_server_counters(const struct glint_server *server,
			   struct glint_server_counters *counters)
{
	const struct glint_pool *pool = &server->pool;

	*counters = (struct glint_server_counters){
		.clients = pool->n_clients,
		.streams = pool->n_streams,
		.accepted = pool->accepted,
		.refused = pool->refused,
		.timed_out = pool->timed_out,
		.displaced = pool->displaced,
		.bytes_sent = pool->bytes_sent,
		.snapshots_waiting = server->counters.snapshots_waiting,
		.logins_held = server->counters.logins_held,
		.followers = server->counters.followers,
		.wrong_logins = server->counters.wrong_logins,
		.logins_unchecked = server->counters.logins_unchecked,
		.pictures_sent = server->counters.pictures_sent,
		.pictures_skipped = server->counters.pictures_skipped,
	};
}

void glint_server_apply(struct glint_server *server, const struct glint_server_config *wanted)
{
	glint_pool_set_timeout(&server->pool, wanted->timeout_ns);
	server->config.strict = wanted->strict;
	server->config.drop_same_frames = wanted->drop_same_frames;
}

/* --- The source ------------------------------------------------------------------------ */

static void server_look_at_source(struct glint_server *server)
{
	struct glint_source_state source = server->ops->source(server->ctx);

	server->online = source.online;
	server->stream = source.stream;
}

void glint_server_source_changed(struct glint_server *server)
{
	glint_upcall_assert();

	if (!server->pictures || server->closing)
		return;
	server_look_at_source(server);
	glint_snapshots_on_source(server);
	glint_streams_on_source(server);
}

void glint_server_offline_drawn(struct glint_server *server)
{
	if (!server->pictures || server->closing)
		return;
	glint_snapshots_on_offline_drawn(server);
	glint_streams_on_source(server);
}

/* --- Life ------------------------------------------------------------------------------- */

static int check_config(const struct glint_server_config *config)
{
	if (config->user && *config->user && !IS_ENABLED(CONFIG_NET_AUTH)) {
		glint_log_error(&topic, "authentication is not built in (CONFIG_NET_AUTH)");
		return -EOPNOTSUPP;
	}
	if (strlen(config->instance_id) > SETTING_TEXT_MAX ||
	    (config->allow_origin && strlen(config->allow_origin) > SETTING_TEXT_MAX)) {
		glint_log_error(&topic, "instance id and origin may have %u bytes",
				SETTING_TEXT_MAX);
		return -EINVAL;
	}
	return 0;
}

static int server_open_files(struct glint_server *server)
{
	const char *dir = server->config.static_dir;
	int err;

	if (!IS_ENABLED(CONFIG_NET_STATIC) || !dir)
		return 0;
	err = glint_files_create(&server->files, server->loop, dir);
	return err < 0 ? glint_log_err(&topic, err, "cannot serve the files of %s", dir) : 0;
}

static int server_prepare_login(struct glint_server *server)
{
	const struct glint_server_config *config = &server->config;

	if (!IS_ENABLED(CONFIG_NET_AUTH) || !config->user || !*config->user)
		return 0;
	server->login = glint_auth_login(config->user, config->password ? config->password : "");
	return server->login ? 0 : -ENOMEM;
}

static int server_listen(struct glint_server *server, const struct glint_server_config *config)
{
	const struct glint_listen_config listen = {
		.unix_path = config->unix_path,
		.unix_rm = config->unix_rm,
		.unix_mode = config->unix_mode,
		.host = config->host,
		.port = config->port,
		.passed_fds = config->listen_fds,
		.n_passed_fds = config->n_listen_fds,
	};
	int err = glint_listeners_open(&server->listeners, server->loop, &listen);

	server->pool.config.mixed = server->listeners.mixed;
	/* A unix socket has permissions; a TCP port has none. */
	if (err == 0 && server->listeners.port > 0 && !server->login)
		glint_log_warn(&topic, "TCP without a login: %s can see the video; see --user",
			       server->listeners.remote ? "everyone on the network" :
							  "each user of this machine");
	return err;
}

static bool server_free(struct glint_server *server)
{
	bool clean = true;

	assert(glint_list_empty(&server->streams) && glint_list_empty(&server->followers) &&
	       glint_list_empty(&server->snapshots) && glint_list_empty(&server->held));
	assert(server->bodies.bytes == 0);

	if (IS_ENABLED(CONFIG_NET_STATIC))
		clean = glint_files_destroy(server->files, glint_now_ns() + FILES_CLOSE_NS);
	if (!clean)
		glint_log_warn(&topic, "a read below %s does not return: left behind",
			       server->config.static_dir);
	glint_pool_fini(&server->pool);
	free(server->login);
	free(server->own_hosts);
	free(server);
	return clean;
}

static void server_init(struct glint_server *server, struct glint_loop *loop,
			const struct glint_server_config *config)
{
	server->config = *config;
	server->config.listen_fds = NULL; /* the listeners have them */
	server->loop = loop;
	glint_pool_init(&server->pool, loop,
			&(struct glint_pool_config){
				.timeout_ns = config->timeout_ns,
				.clients_max = config->clients_max,
				.tcp_nodelay = config->tcp_nodelay,
				.events = config->events,
			});
	glint_list_init(&server->streams);
	glint_list_init(&server->followers);
	glint_list_init(&server->held);
	glint_list_init(&server->snapshots);
	glint_alarm_init(&server->snapshot_limit, loop, glint_snapshots_on_limit);
	glint_alarm_init(&server->offline_tick, loop, glint_streams_on_tick);
	glint_alarm_init(&server->login_hold, loop,
			 IS_ENABLED(CONFIG_NET_AUTH) ? glint_logins_on_hold : NULL);
	server->listeners.accepted = server_on_accepted;
	server->handler = &glint_routes_handler;
	server->routes = glint_routes;
}

int glint_server_create(struct glint_server **out, struct glint_loop *loop,
			const struct glint_server_config *config)
{
	struct glint_server *server;
	int err = check_config(config);

	assert(config->events);

	if (err < 0)
		return err;
	server = calloc(1, sizeof(*server));
	if (!server)
		return glint_log_err(&topic, -ENOMEM, "cannot make the server");

	server_init(server, loop, config);
	err = server_prepare_login(server);
	if (err == 0)
		err = server_open_files(server);
	if (err == 0)
		err = server_listen(server, config);
	if (err < 0) {
		(void)server_free(server);
		return err;
	}
	if (IS_ENABLED(CONFIG_NET_TCP) && server->listeners.port > 0)
		server->own_hosts = glint_hosts_own();
	*out = server;
	return 0;
}

void glint_server_start(struct glint_server *server, struct glint_fanout *pictures,
			const struct glint_status_ops *ops, void *ctx)
{
	assert(!server->pictures && ops->source && ops->offline_picture);

	server->pictures = pictures;
	server->ops = ops;
	server->ctx = ctx;
	server_look_at_source(server);
	glint_listeners_start(&server->listeners);
}

static bool server_is_busy(const struct glint_server *server)
{
	return glint_pool_busy(&server->pool) || glint_listeners_busy(&server->listeners) ||
	       glint_alarm_busy(&server->snapshot_limit) ||
	       glint_alarm_busy(&server->offline_tick) || glint_alarm_busy(&server->login_hold);
}

bool glint_server_destroy(struct glint_server *server)
{
	uint64_t deadline_ns = glint_now_ns() + CLOSE_NS;
	int err = 0;

	if (!server)
		return true;

	/* Cancel everything, which has ended when the server is not busy. */
	server->closing = true;
	glint_listeners_stop(&server->listeners);
	glint_pool_close(&server->pool);
	glint_alarm_end(&server->snapshot_limit);
	glint_alarm_end(&server->offline_tick);
	glint_alarm_end(&server->login_hold);
	while (server_is_busy(server) && err == 0 && glint_now_ns() < deadline_ns)
		err = glint_loop_run_once(server->loop, deadline_ns);
	if (server_is_busy(server)) {
		/* The kernel may still write to the buffers: do not free them. */
		glint_log_warn(&topic, "connections do not end: left behind");
		return false;
	}
	glint_listeners_close(&server->listeners);
	return server_free(server);
}

void glint_server_unlink(const struct glint_server *server)
{
	glint_unix_unlink(&server->listeners.place);
}

uint16_t glint_server_port(const struct glint_server *server)
{
	return server->listeners.port;
}
