/* SPDX-License-Identifier: MIT */
#include "net/server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/fanout.h"
#include "core/picture.h"
#include "core/status.h"
#include "core/upcall.h"
#include "net/auth.h"
#include "net/client.h"
#include "net/files.h"
#include "net/hosts.h"
#include "net/login.h"
#include "net/snapshot.h"
#include "net/stream.h"

#define SETTING_TEXT_MAX 255u	/* of what becomes part of a reply's head */
#define CLOSE_NS	(500 * GLINT_NSEC_PER_MSEC)
#define FILES_CLOSE_NS	(100 * GLINT_NSEC_PER_MSEC)	/* nobody waits for a file any more */

static const struct glint_log_topic topic = { "net" };

/* --- Clients ----------------------------------------------------------------------- */

static void net_on_accepted(struct glint_listeners *listeners, int fd, bool tcp)
{
	struct glint_net *net = container_of(listeners, struct glint_net, listeners);

	glint_client_accept(net, fd, tcp);
	if (!glint_list_empty(&net->clients) && net->sweep.due_ns == GLINT_ALARM_NEVER)
		glint_alarm_set(&net->sweep, glint_clients_sweep(net));
}

static void net_on_sweep(struct glint_alarm *alarm)
{
	struct glint_net *net = container_of(alarm, struct glint_net, sweep);

	glint_alarm_set(alarm, glint_clients_sweep(net));
}

/* Two pictures are never encoded in the same nanosecond. */
static uint64_t picture_id(const struct glint_picture *picture)
{
	return picture->encode_end_ns;
}

void glint_net_count_queued(struct glint_net *net, const struct glint_picture *picture)
{
	if (net->queued_id == picture_id(picture))
		return;
	net->queued_id = picture_id(picture);
	glint_rate_add(&net->queued, glint_now_ns());
}

static void histogram_add_since(struct glint_histogram *histogram, uint64_t begin_ns,
				uint64_t now_ns)
{
	glint_histogram_add(histogram, now_ns > begin_ns ? now_ns - begin_ns : 0);
}

void glint_net_count_sent(struct glint_net *net, const struct glint_picture *picture)
{
	uint64_t now_ns = glint_now_ns();

	net->counters.pictures_sent++;
	if (!picture->live)
		return;
	histogram_add_since(&net->send, picture->encode_end_ns, now_ns);
	histogram_add_since(&net->total, picture->frame.complete_ns, now_ns);
}

void glint_net_counters(const struct glint_net *net, struct glint_net_counters *counters)
{
	*counters = net->counters;
}

/* --- The source ------------------------------------------------------------------------ */

static void net_look_at_source(struct glint_net *net)
{
	struct glint_status status;

	net->ops->status(net->ctx, &status);
	net->online = status.source.online;
	net->stream = status.source.stream;
}

void glint_net_source_changed(struct glint_net *net)
{
	glint_upcall_assert();

	if (!net->pictures || net->closing)
		return;
	net_look_at_source(net);
	glint_snapshots_on_source(net);
	glint_streams_on_source(net);
}

void glint_net_offline_drawn(struct glint_net *net)
{
	if (!net->pictures || net->closing)
		return;
	glint_snapshots_on_offline_drawn(net);
	glint_streams_on_source(net);
}

/* --- Life ------------------------------------------------------------------------------- */

static int check_config(const struct glint_net_config *config)
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

static int net_open_files(struct glint_net *net)
{
	const char *dir = net->config.static_dir;

	int err;

	if (!IS_ENABLED(CONFIG_NET_STATIC) || !dir)
		return 0;
	err = glint_files_create(&net->files, net->loop, dir);
	return err < 0 ? glint_log_err(&topic, err, "cannot serve the files of %s", dir) : 0;
}

static int net_prepare_login(struct glint_net *net)
{
	const struct glint_net_config *config = &net->config;

	if (!IS_ENABLED(CONFIG_NET_AUTH) || !config->user || !*config->user)
		return 0;
	net->login = glint_auth_login(config->user, config->password ? config->password : "");
	return net->login ? 0 : -ENOMEM;
}

static bool net_free(struct glint_net *net)
{
	bool clean = true;

	if (IS_ENABLED(CONFIG_NET_STATIC))
		clean = glint_files_destroy(net->files, glint_now_ns() + FILES_CLOSE_NS);
	if (!clean)
		glint_log_warn(&topic, "a read below %s does not return: left behind",
			       net->config.static_dir);
	glint_peers_fini(&net->peers);
	free(net->login);
	free(net->own_hosts);
	free(net);
	return clean;
}

static void net_init(struct glint_net *net, struct glint_loop *loop,
		     const struct glint_net_config *config)
{
	net->config = *config;
	net->config.listen_fds = NULL;	/* the listeners have them */
	net->loop = loop;
	glint_peers_init(&net->peers);
	glint_list_init(&net->clients);
	glint_list_init(&net->streams);
	glint_list_init(&net->held);
	glint_list_init(&net->snapshots);
	glint_alarm_init(&net->sweep, loop, net_on_sweep);
	glint_alarm_init(&net->snapshot_limit, loop, glint_snapshots_on_limit);
	glint_alarm_init(&net->offline_tick, loop, glint_streams_on_tick);
	glint_alarm_init(&net->login_hold, loop,
			 IS_ENABLED(CONFIG_NET_AUTH) ? glint_logins_on_hold : NULL);
	net->listeners.accepted = net_on_accepted;
}

int glint_net_create(struct glint_net **out, struct glint_loop *loop,
		     const struct glint_net_config *config)
{
	struct glint_net *net;
	int err = check_config(config);

	if (err < 0)
		return err;
	net = calloc(1, sizeof(*net));
	if (!net)
		return glint_log_err(&topic, -ENOMEM, "cannot make the server");

	net_init(net, loop, config);
	err = net_prepare_login(net);
	if (err == 0)
		err = net_open_files(net);
	if (err == 0)
		err = glint_listeners_open(&net->listeners, loop, config);
	if (err < 0) {
		(void)net_free(net);
		return err;
	}
	if (IS_ENABLED(CONFIG_NET_TCP) && !net->login && net->listeners.port > 0)
		net->own_hosts = glint_hosts_own();
	*out = net;
	return 0;
}

void glint_net_start(struct glint_net *net, struct glint_fanout *pictures,
		     const struct glint_status_ops *ops, void *ctx)
{
	assert(!net->pictures);

	net->pictures = pictures;
	net->ops = ops;
	net->ctx = ctx;
	net_look_at_source(net);
	glint_listeners_start(&net->listeners);
}

static bool net_is_busy(const struct glint_net *net)
{
	return !glint_list_empty(&net->clients) || glint_listeners_busy(&net->listeners) ||
	       glint_alarm_busy(&net->sweep) || glint_alarm_busy(&net->snapshot_limit) ||
	       glint_alarm_busy(&net->offline_tick) || glint_alarm_busy(&net->login_hold);
}

/* Everything gets cancelled; the loop's next rounds bring the ends of it. */
static void net_close(struct glint_net *net)
{
	struct glint_client *client;

	net->closing = true;
	glint_listeners_stop(&net->listeners);
	glint_list_for_each(client, &net->clients, link)
		glint_client_close(client);
	glint_alarm_end(&net->sweep);
	glint_alarm_end(&net->snapshot_limit);
	glint_alarm_end(&net->offline_tick);
	glint_alarm_end(&net->login_hold);
}

bool glint_net_destroy(struct glint_net *net)
{
	uint64_t deadline_ns = glint_now_ns() + CLOSE_NS;
	int err = 0;

	if (!net)
		return true;

	net_close(net);
	while (net_is_busy(net) && err == 0 && glint_now_ns() < deadline_ns)
		err = glint_loop_run_once(net->loop, deadline_ns);
	if (net_is_busy(net)) {
		/* The kernel may still write into our buffers: better lost than freed. */
		glint_log_warn(&topic, "connections do not end: left behind");
		return false;
	}
	glint_listeners_close(&net->listeners);
	return net_free(net);
}

void glint_net_unlink(const struct glint_net *net)
{
	glint_unix_unlink(&net->listeners.place);
}

uint16_t glint_net_port(const struct glint_net *net)
{
	return net->listeners.port;
}
