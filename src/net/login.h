/* SPDX-License-Identifier: MIT */
/*
 * Wrong logins cost their peer time, and nobody else. The first few are answered at
 * once, for people mistype; then each answer takes twice as long as the one before, up
 * to GLINT_LOGIN_HOLD_NS. A peer that does not wait for answers gets no more checks than
 * one that does: beyond GLINT_LOGIN_CHECKS in that time its logins are held unchecked and
 * answered with 429. A connection that has logged in is not held, and no peer is held
 * for another's tries; see peer.h for who is a peer.
 */
#ifndef GLINT_NET_LOGIN_H
#define GLINT_NET_LOGIN_H

#include <stdbool.h>

#include "base/clock.h"

#define GLINT_LOGIN_FREE	5u	/* wrong ones that are answered at once */
#define GLINT_LOGIN_FIRST_NS	(125 * GLINT_NSEC_PER_MSEC)
#define GLINT_LOGIN_HOLD_NS	(2 * GLINT_NSEC_PER_SEC)
#define GLINT_LOGIN_CHECKS	16u	/* wrong ones in that time, of one peer */
#define GLINT_LOGIN_FORGET_NS	(10 * GLINT_NSEC_PER_SEC)	/* for each wrong one */
#define GLINT_LOGIN_LEVEL_MAX	16u

struct glint_alarm;
struct glint_client;

/* Whether the request that @client has read may go on; else it has its answer, or will have. */
bool glint_login_passes(struct glint_client *client);

/* Whether the answer to @client's request is held. */
bool glint_login_is_held(const struct glint_client *client);

/* Answers what was held long enough; rings for @net->login_hold. */
void glint_logins_on_hold(struct glint_alarm *alarm);
#endif
