/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server: listeners on a unix socket and on TCP, one route table,
 * clients that cannot hurt one another. It reads pictures from a fanout and
 * state through core/status.h. Loop thread only.
 */
#ifndef GLINT_NET_NET_H
#define GLINT_NET_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct glint_fanout;
struct glint_loop;
struct glint_net;
struct glint_status_ops;

/* Strings are borrowed and outlive the server. */
struct glint_net_config {
	const char *unix_path;		/* NULL: none */
	bool unix_rm;			/* replace a file that is no socket, too */
	int unix_mode;			/* -1: leave to umask */
	const char *host;		/* NULL: no TCP */
	uint16_t port;			/* 0: any free port, see glint_net_port() */
	const int *listen_fds;		/* passed in by systemd, already listening; the server's now */
	unsigned n_listen_fds;
	const char *user, *password;	/* user NULL or "": no authentication */
	const char *static_dir;		/* NULL: the built-in page */
	const char *allow_origin;	/* NULL: no CORS headers */
	const char *allow_host;		/* NULL, or names with commas between; see hosts.h */
	const char *instance_id;	/* "" by default */
	uint64_t timeout_ns;		/* idle connection, and one that does not take its data */
	unsigned clients_max;		/* connections; further ones get 503 and are closed */
	unsigned drop_same_frames;	/* leave out up to so many pictures equal to the last; 0: off */
	uint32_t fake_width, fake_height;	/* 0: real */
	bool tcp_nodelay;
	bool strict;			/* /snapshot refuses without live video, unless strict=0 asks */
};

/* Connections beyond clients_max that may hold a picture. */
#define GLINT_NET_EXTRA_MAX 16u

struct glint_net_counters {
	unsigned clients, streams, snapshots_waiting, logins_held;
	uint64_t accepted, refused, timed_out;	/* since start */
	uint64_t displaced;		/* closed to make room for another peer */
	uint64_t wrong_logins, logins_unchecked;
	uint64_t pictures_sent, pictures_skipped, bytes_sent;
};

/*
 * Opens the listeners before it returns, and before anything else of the service
 * is set up. The unix socket is the last, and its path never refuses; see unix.c.
 * Errors have been logged with the path or port: -EADDRINUSE, -EACCES,
 * -ENAMETOOLONG (path over 107 bytes), -ENOENT, ... Nothing is owned on failure.
 */
int glint_net_create(struct glint_net **out, struct glint_loop *loop,
		     const struct glint_net_config *config);

/*
 * Begins to serve. Until here connections wait in the backlog. @pictures is the
 * encoder's fanout; @ops and @ctx answer for the service; all borrowed.
 */
void glint_net_start(struct glint_net *net, struct glint_fanout *pictures,
		     const struct glint_status_ops *ops, void *ctx);

/*
 * The source went offline, came back, or changed its reason: stream clients are
 * shown the offline picture at once (and each second while it lasts).
 */
void glint_net_source_changed(struct glint_net *net);

/*
 * From the loop's top level: the drawing of an offline picture has ended, and those who
 * wait for the picture may ask for it again.
 */
void glint_net_offline_drawn(struct glint_net *net);

/*
 * Closes all clients and listeners, removes the socket's path, frees. False: a connection or
 * the read of a file is stuck in the kernel and left behind, and the process should end after
 * the rest is given back. NULL is fine.
 */
bool glint_net_destroy(struct glint_net *net);

/* The path to unlink if the process must end without glint_net_destroy(); async-signal-safe. */
void glint_net_unlink(const struct glint_net *net);

/* The TCP port listened on, 0 when none. */
uint16_t glint_net_port(const struct glint_net *net);

void glint_net_counters(const struct glint_net *net, struct glint_net_counters *counters);
#endif
