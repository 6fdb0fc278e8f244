/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server: listens on a unix socket and on TCP, and answers requests by a table of
 * routes. It takes pictures from a fanout and asks the service through core/status.h. No
 * client can hurt another. Loop thread only.
 */
#ifndef GLINT_HTTP_SERVER_H
#define GLINT_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct glint_events;
struct glint_fanout;
struct glint_loop;
struct glint_server;
struct glint_report;
struct glint_status_ops;

/* Strings are borrowed and outlive the server. */
struct glint_server_config {
	const char *unix_path; /* NULL: none */
	bool unix_rm;	       /* replace a file that is no socket, too */
	int unix_mode;	       /* -1: by umask */
	const char *host;      /* NULL: no TCP */
	uint16_t port;	       /* 0: any free port, see glint_server_port() */
	const int *listen_fds; /* opened by systemd; the server takes them over */
	unsigned n_listen_fds;
	const char *user, *password; /* user NULL or "": no authentication */
	const char *static_dir;	     /* NULL: the built-in page */
	const char *allow_origin;    /* NULL: no CORS headers */
	const char *allow_host;	     /* NULL, or names with commas between; see hosts.h */
	const char *instance_id;     /* "" by default */
	struct glint_events *events; /* borrowed: what /events shows, and gets our own events */
	uint64_t timeout_ns;	     /* for a peer that sends or takes nothing */
	unsigned clients_max;	     /* connections; further ones get 503 and are closed */
	unsigned drop_same_frames;   /* skip at most so many pictures equal to the last; 0: off */
	bool tcp_nodelay;
	bool strict; /* /snapshot without live video is 503, unless strict=0 */
};

/* Connections beyond clients_max that may hold a picture. */
#define GLINT_SERVER_EXTRA_MAX 16u

struct glint_server_counters {
	unsigned clients, streams, snapshots_waiting, logins_held;
	unsigned followers;		       /* clients of /events */
	uint64_t accepted, refused, timed_out; /* since start */
	uint64_t displaced;		       /* closed since another peer needed the place */
	uint64_t wrong_logins, logins_unchecked;
	uint64_t pictures_sent, pictures_skipped, bytes_sent;
};

/*
 * Create a server and open its listening sockets. The service does so before anything
 * else; sock/unix.c tells why the path never refuses. Errors are logged with the path or
 * port: -EADDRINUSE, -EACCES, -ENAMETOOLONG (path over 107 bytes), -ENOENT, ... Nothing is
 * owned on failure.
 */
int glint_server_create(struct glint_server **out, struct glint_loop *loop,
			const struct glint_server_config *config);

/*
 * Begin to serve. Until here connections wait in the backlog. @pictures is the encoder's
 * fanout; @ops and @ctx answer for the service. All are borrowed.
 */
void glint_server_start(struct glint_server *server, struct glint_fanout *pictures,
			const struct glint_status_ops *ops, void *ctx);

/*
 * The source went offline, came back, or changed its reason. While it is offline, streams
 * show the offline picture at once, and then each second.
 */
void glint_server_source_changed(struct glint_server *server);

/* The drawing of an offline picture has ended: ask for it again. From the loop's top level. */
void glint_server_offline_drawn(struct glint_server *server);

/*
 * Close all connections and listening sockets, remove the socket's path, and free. False: a
 * connection or the read of a file is stuck in the kernel and left behind, and the process
 * should end soon. NULL is fine.
 */
bool glint_server_destroy(struct glint_server *server);

/*
 * Remove the socket's path when the process ends without glint_server_destroy().
 * Async-signal-safe.
 */
void glint_server_unlink(const struct glint_server *server);

/* The TCP port that the server listens on; 0: none. */
uint16_t glint_server_port(const struct glint_server *server);

void glint_server_counters(const struct glint_server *server,
			   struct glint_server_counters *counters);

/* Change timeout_ns, strict and drop_same_frames; a request that has begun keeps its time. */
void glint_server_apply(struct glint_server *server, const struct glint_server_config *wanted);

/* Objects: clients, answers. */
void glint_server_report(const struct glint_server *server, struct glint_report *report);
/* Members of the object of latencies: send, total. */
void glint_server_report_latencies(const struct glint_server *server, struct glint_report *report);
/* Members of ustreamer's object "stream". */
void glint_server_report_streams(const struct glint_server *server, struct glint_report *report);
#endif
