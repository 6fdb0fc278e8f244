/* SPDX-License-Identifier: MIT */
/* What the files of http share: the server, its lists and its figures. */
#ifndef GLINT_HTTP_INTERNAL_H
#define GLINT_HTTP_INTERNAL_H

#include <stddef.h>

#include "core/alarm.h"
#include "core/events.h"
#include "core/frame.h"
#include "core/stats.h"
#include "http/body.h"
#include "http/dedup.h"
#include "http/server.h"
#include "sock/listener.h"
#include "sock/pool.h"

#define GLINT_ANSWERS_MAX 24u /* statuses that are sent */

struct glint_client;
struct glint_route;

/* What a client asks its server to do with a request; see routes.h. */
struct glint_handler {
	/*
	 * The client has read a head: decide whether to read the rest, and whether to collect
	 * the body. False: the request is answered, or will be.
	 */
	bool (*head)(struct glint_client *client);
	/* The client has read the whole request: answer. */
	void (*request)(struct glint_client *client);
	/* The client cannot read a request out of its input: answer with @status. */
	void (*refuse)(struct glint_client *client, unsigned status);
	/* The client is connected only to be told that there is no place. */
	void (*no_place)(struct glint_client *client);
};

struct glint_server {
	struct glint_server_config config;
	struct glint_loop *loop;
	struct glint_listeners listeners;
	struct glint_pool pool; /* all connections */
	const struct glint_handler *handler;
	const struct glint_route *const *routes; /* the table, ends with NULL */
	struct glint_bodies bodies;
	struct glint_fanout *pictures; /* NULL until glint_server_start() */
	const struct glint_status_ops *ops;
	void *ctx;

	char *own_hosts;	   /* a list, see hosts.h; NULL: none */
	char *login;		   /* what Authorization must be; NULL: no authentication */
	struct glint_files *files; /* of static_dir, or NULL */

	struct glint_list streams;
	struct glint_list followers; /* clients of /events */
	struct glint_events_listener on_event;
	struct glint_list snapshots; /* that wait */
	struct glint_list held;	     /* answers to wrong logins; see login.h */
	struct glint_alarm login_hold;
	struct glint_alarm snapshot_limit;
	struct glint_alarm offline_tick;
	bool online;	 /* at the last glint_server_source_changed() */
	uint64_t stream; /* likewise: the live stream */
	bool closing;

	struct {
		unsigned snapshots_waiting, logins_held, followers;
		uint64_t wrong_logins, logins_unchecked, pictures_sent, pictures_skipped;
	} counters; /* @pool has the others of struct glint_server_counters */
	uint64_t answers[GLINT_ANSWERS_MAX]; /* by glint_reply_index() */
	struct glint_histogram send, total;  /* ns, of live pictures */
	struct glint_rate queued;	     /* packets that at least one client has taken */
	uint64_t queued_serial;		     /* of the last of these packets */
	struct glint_dedup_hash last_hash;   /* with drop_same_frames */
};
#endif
