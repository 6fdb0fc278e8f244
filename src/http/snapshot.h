/* SPDX-License-Identifier: MIT */
/* What the server tells snapshots that wait. */
#ifndef GLINT_HTTP_SNAPSHOT_H
#define GLINT_HTTP_SNAPSHOT_H

struct glint_alarm;
struct glint_server;

/* The source's state has changed: answer snapshots for which no live picture will come. */
void glint_snapshots_on_source(struct glint_server *server);

/* An offline picture was drawn, or could not be: answer snapshots that wait for it. */
void glint_snapshots_on_offline_drawn(struct glint_server *server);

/* The time of a snapshot is over; the function of @server->snapshot_limit. */
void glint_snapshots_on_limit(struct glint_alarm *alarm);
#endif
