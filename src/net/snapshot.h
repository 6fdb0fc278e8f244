/* SPDX-License-Identifier: MIT */
/* What the server tells those who wait for a snapshot. */
#ifndef GLINT_NET_SNAPSHOT_H
#define GLINT_NET_SNAPSHOT_H

struct glint_alarm;
struct glint_net;

/* The source's state has changed: who waits in vain is answered now. */
void glint_snapshots_on_source(struct glint_net *net);

/* An offline picture was drawn, or could not be: who waits for one is answered now. */
void glint_snapshots_on_offline_drawn(struct glint_net *net);

/* The time of at least one is over; rings for @net->snapshot_limit. */
void glint_snapshots_on_limit(struct glint_alarm *alarm);
#endif
