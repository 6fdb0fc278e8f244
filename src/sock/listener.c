/* SPDX-License-Identifier: MIT */
#include "sock/listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sock/tcp.h"

#define RETRY_NS (100 * GLINT_NSEC_PER_MSEC)
#define LOG_NS	 (60 * GLINT_NSEC_PER_SEC) /* between two log lines about failures */

static const struct glint_log_topic topic = { "net" };

/* --- Accepting --------------------------------------------------------------------- */

static void listeners_accept(struct glint_listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++) {
		struct glint_listener *listener = &listeners->list[i];

		if (!glint_op_busy(&listener->op))
			glint_loop_accept(listeners->loop, &listener->op, listener->fd);
	}
}

static void listener_on_accept(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_listener *listener = container_of(op, struct glint_listener, op);
	struct glint_listeners *listeners = listener->all;
	uint64_t now_ns;

	if (res >= 0 && listeners->accepting)
		listeners->accepted(listeners, res, listener->tcp);
	else if (res >= 0)
		close(res);
	if (res >= 0 || !listeners->accepting || flags & GLINT_OP_MORE)
		return;

	/* Descriptors or memory have run out. New connections wait in the backlog meanwhile. */
	now_ns = glint_now_ns();
	if (!listeners->logged_ns || now_ns - listeners->logged_ns >= LOG_NS) {
		glint_log_err(&topic, res, "cannot accept connections, trying again");
		listeners->logged_ns = now_ns;
	}
	glint_alarm_set(&listeners->retry, now_ns + RETRY_NS);
}

static void listeners_on_retry(struct glint_alarm *alarm)
{
	struct glint_listeners *listeners = container_of(alarm, struct glint_listeners, retry);

	listeners_accept(listeners);
}

void glint_listeners_resume(struct glint_listeners *listeners)
{
	if (listeners->retry.due_ns != GLINT_ALARM_NEVER && listeners->accepting)
		glint_alarm_set(&listeners->retry, glint_now_ns());
}

void glint_listeners_start(struct glint_listeners *listeners)
{
	assert(listeners->accepted && listeners->count > 0 && !listeners->accepting);

	listeners->accepting = true;
	listeners_accept(listeners);
}

/* --- Opening ------------------------------------------------------------------------- */

static bool is_loopback(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .v6 = { 0 } };
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len) < 0)
		return false;
	if (address.any.sa_family == AF_INET)
		return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

static void listeners_add(struct glint_listeners *listeners, int fd)
{
	struct glint_listener *listener = &listeners->list[listeners->count];
	uint16_t port = glint_tcp_port(fd);

	assert(fd >= 0 && listeners->count < GLINT_LISTENERS_MAX);

	*listener = (struct glint_listener){
		.op.done = listener_on_accept,
		.all = listeners,
		.fd = fd,
		.tcp = port != 0,
	};
	listeners->count++;
	listeners->mixed |= listener->tcp != listeners->list[0].tcp;
	listeners->remote |= listener->tcp && !is_loopback(fd);
	if (!listeners->port)
		listeners->port = port;
}

static int open_unix(struct glint_listeners *listeners, const struct glint_listen_config *config)
{
	int fd;

	/* A socket that systemd has bound to the path is used, and stays there at the end. */
	for (unsigned i = 0; i < config->n_passed_fds; i++) {
		if (!glint_unix_is_bound_to(config->passed_fds[i], config->unix_path))
			continue;
		glint_log_info(&topic, "listening on %s, a socket of systemd's", config->unix_path);
		return 0;
	}
	fd = glint_unix_listen(&listeners->place, config->unix_path, config->unix_rm,
			       config->unix_mode);
	if (fd < 0)
		return fd;
	listeners_add(listeners, fd);
	glint_log_info(&topic, "listening on %s", config->unix_path);
	return 0;
}

static int open_tcp(struct glint_listeners *listeners, const struct glint_listen_config *config)
{
	int fds[GLINT_LISTENERS_TCP_MAX];
	int count = glint_tcp_listen(fds, ARRAY_SIZE(fds), config->host, config->port);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		listeners_add(listeners, fds[i]);
	glint_log_info(&topic, "listening on %s, port %u", config->host, listeners->port);
	return 0;
}

static int check_count(const struct glint_listen_config *config)
{
	if (config->n_passed_fds > GLINT_LISTENERS_PASSED_MAX) {
		glint_log_error(&topic, "too many sockets to listen on, at most %u",
				GLINT_LISTENERS_PASSED_MAX);
		return -E2BIG;
	}
	if (!config->unix_path && !config->host && config->n_passed_fds == 0) {
		glint_log_error(&topic,
				"nothing to listen on: no --unix, no --host, and systemd has "
				"passed no socket");
		return -EINVAL;
	}
	return 0;
}

int glint_listeners_open(struct glint_listeners *listeners, struct glint_loop *loop,
			 const struct glint_listen_config *config)
{
	int err = check_count(config);

	assert(listeners->count == 0 && config->unix_mode <= 0777);

	listeners->loop = loop;
	listeners->place.dir_fd = -1;
	glint_alarm_init(&listeners->retry, loop, listeners_on_retry);

	/* The path appears last, when nothing can fail any more. */
	if (IS_ENABLED(CONFIG_NET_TCP) && err == 0 && config->host)
		err = open_tcp(listeners, config);
	if (err == 0 && config->unix_path)
		err = open_unix(listeners, config);
	if (err < 0) {
		glint_listeners_close(listeners);
		return err;
	}
	/* Last, because after a failure the caller keeps the passed sockets. */
	for (unsigned i = 0; i < config->n_passed_fds; i++)
		listeners_add(listeners, config->passed_fds[i]);
	return 0;
}

/* --- The end --------------------------------------------------------------------------- */

void glint_listeners_stop(struct glint_listeners *listeners)
{
	listeners->accepting = false;
	glint_unix_unlink(&listeners->place);
	glint_alarm_end(&listeners->retry);
	for (unsigned i = 0; i < listeners->count; i++)
		glint_loop_cancel(listeners->loop, &listeners->list[i].op);
}

bool glint_listeners_busy(const struct glint_listeners *listeners)
{
	bool busy = glint_alarm_busy(&listeners->retry);

	for (unsigned i = 0; i < listeners->count; i++)
		busy |= glint_op_busy(&listeners->list[i].op);
	return busy;
}

void glint_listeners_close(struct glint_listeners *listeners)
{
	assert(!glint_listeners_busy(listeners));

	for (unsigned i = 0; i < listeners->count; i++)
		glint_close(&listeners->list[i].fd);
	listeners->count = 0;
	glint_close(&listeners->place.dir_fd);
}
