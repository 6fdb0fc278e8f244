/* SPDX-License-Identifier: MIT */
/*
 * Wrong logins cost their peer time, and no other peer. The first few are answered at once, because
 * people mistype. Later each answer is held twice as long as the answer before, up to
 * GLINT_LOGIN_HOLD_NS. A peer gains nothing if it does not wait for its answers: above
 * GLINT_LOGIN_CHECKS wrong logins in that time, its logins are not checked, but held and answered
 * with 429. A connection that has logged in is not held. sock/peer.h defines a peer.
 */
#ifndef GLINT_HTTP_LOGIN_H
#define GLINT_HTTP_LOGIN_H

#include <stdbool.h>

#include "base/clock.h"

#define GLINT_LOGIN_FREE      5u /* wrong logins that are answered at once */
#define GLINT_LOGIN_FIRST_NS  (125 * GLINT_NSEC_PER_MSEC)
#define GLINT_LOGIN_HOLD_NS   (2 * GLINT_NSEC_PER_SEC)
#define GLINT_LOGIN_CHECKS    16u			/* wrong logins of one peer in that time */
#define GLINT_LOGIN_FORGET_NS (10 * GLINT_NSEC_PER_SEC) /* for each wrong login */
#define GLINT_LOGIN_LEVEL_MAX 16u

struct glint_alarm;
struct glint_client;

/* Check the login of @client's request. False: the request is answered, or will be. */
bool glint_login_passes(struct glint_client *client);

/* Send the answers that were held long enough; the function of @server->login_hold. */
void glint_logins_on_hold(struct glint_alarm *alarm);
#endif
