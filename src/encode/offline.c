/* SPDX-License-Identifier: MIT */
#include "encode/offline.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "core/packet.h"
#include "core/report.h"
#include "core/workers.h"
#include "encode/blank.h"

#define RETRY_NS GLINT_NSEC_PER_SEC /* after a drawing that failed */

static const struct glint_log_topic topic = { "offline" };

struct glint_offline {
	struct glint_workers *worker;
	void (*ready)(void *ctx);
	void *ctx;

	struct glint_packet *packet;   /* NULL before the first */
	struct glint_blank_wish shown; /* by @packet */
	uint64_t drawn, failed;
	uint64_t failed_ns; /* when the last drawing failed; 0: it succeeded */

	struct glint_job job;
	bool drawing, ending;
	atomic_bool stop;
	/* Owned by the thread while drawing. */
	struct glint_blank_wish wish;
	struct glint_packet *result;
	int err;
};

static bool wish_equals(const struct glint_blank_wish *a, const struct glint_blank_wish *b)
{
	return a->width == b->width && a->height == b->height && a->title == b->title &&
	       strcmp(a->detail, b->detail) == 0;
}

static void offline_draw(struct glint_job *job, unsigned part)
{
	struct glint_offline *offline = container_of(job, struct glint_offline, job);
	static const struct sched_param ordinary = { 0 };

	(void)part;
	/* Also with --realtime: at the loop's priority the drawing would delay the loop. */
	(void)pthread_setschedparam(pthread_self(), SCHED_OTHER, &ordinary);
	offline->result = NULL;
	offline->err = glint_blank_create(&offline->result, &offline->wish, &offline->stop);
}

static void offline_drawn(struct glint_job *job)
{
	struct glint_offline *offline = container_of(job, struct glint_offline, job);

	assert(offline->drawing && !offline->result == (offline->err < 0));

	offline->drawing = false;
	if (offline->ending) {
		glint_packet_unref(offline->result);
		return;
	}
	if (offline->err < 0) {
		offline->failed++;
		offline->failed_ns = glint_now_ns();
		glint_log_err(&topic, offline->err, "cannot draw a picture of %ux%u",
			      offline->wish.width, offline->wish.height);
	} else {
		offline->drawn++;
		offline->failed_ns = 0;
		glint_packet_unref(offline->packet);
		offline->packet = offline->result;
		glint_packet_publish(offline->packet);
		offline->shown = offline->wish;
	}
	offline->ready(offline->ctx);
}

int glint_offline_packet(struct glint_offline *offline, const struct glint_blank_wish *wish,
			 struct glint_packet **out)
{
	*out = NULL;
	if (offline->packet && wish_equals(&offline->shown, wish)) {
		*out = glint_packet_ref(offline->packet);
		return 0;
	}
	if (offline->drawing)
		return -EAGAIN;
	if (offline->failed_ns && wish_equals(&offline->wish, wish) &&
	    glint_now_ns() - offline->failed_ns < RETRY_NS)
		return offline->err;
	assert(!offline->ending);

	offline->wish = *wish;
	offline->drawing = true;
	glint_workers_submit(offline->worker, &offline->job, 1);
	return -EAGAIN;
}

void glint_offline_report(const struct glint_offline *offline, struct glint_report *report)
{
	glint_report_object(report, "offline_pictures");
	glint_report_uint(report, "drawn", offline->drawn);
	glint_report_uint(report, "failed", offline->failed);
	glint_report_bool(report, "drawing", offline->drawing);
	glint_report_end(report);
}

int glint_offline_create(struct glint_offline **out, struct glint_loop *loop,
			 void (*ready)(void *ctx), void *ctx)
{
	struct glint_offline *offline = calloc(1, sizeof(*offline));
	int err;

	if (!offline)
		return -ENOMEM;
	offline->ready = ready;
	offline->ctx = ctx;
	offline->job = (struct glint_job){ .run = offline_draw, .done = offline_drawn };
	err = glint_workers_create(&offline->worker, loop, "offline", 1);
	if (err < 0) {
		free(offline);
		return err;
	}
	*out = offline;
	return 0;
}

void glint_offline_destroy(struct glint_offline *offline)
{
	if (!offline)
		return;
	offline->ending = true;
	atomic_store(&offline->stop, true);
	(void)glint_workers_destroy(offline->worker, UINT64_MAX);
	glint_packet_unref(offline->packet);
	free(offline);
}
