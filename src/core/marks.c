/* SPDX-License-Identifier: MIT */
#include "core/marks.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/alarm.h"
#include "core/fanout.h"
#include "core/report.h"
#include "core/workers.h"

#define FRAME_NS (2 * GLINT_NSEC_PER_SEC)  /* to wait for a frame; slow devices take 2 s */
#define IDLE_NS	 (60 * GLINT_NSEC_PER_SEC) /* without marks: the newest frame is not kept */

struct glint_marks {
	struct glint_loop *loop;
	struct glint_fanout *frames;
	const struct glint_marks_ops *ops;
	void *ctx;
	struct glint_sink sink;
	struct glint_frame *newest;
	struct glint_workers *worker; /* NULL until the first copy */
	struct glint_list all;	      /* marks, oldest first */
	unsigned n;
	size_t bytes;		   /* of references, also of those that are being copied */
	struct glint_list waiting; /* requests that wait for a frame */
	struct glint_list ready;   /* requests whose mark is made in the next turn */
	struct glint_deferred make_ready;
	struct glint_list copies; /* that are under way */
	unsigned n_copies;
	struct glint_alarm alarm; /* the next mark expires, or a frame is overdue */
	uint64_t used_ns;	  /* when the newest frame was last of use */
	uint64_t last_number;	  /* of a name that was chosen here */
	struct {
		uint64_t made, copied, replaced, removed, expired, displaced, dropped;
	} count;
	bool ending;
};

/* A copy that is under way, and the requests that wait for it. */
struct copy {
	struct glint_list link;
	struct glint_job job;
	struct glint_marks *marks;
	struct glint_frame *src, *frame;
	struct glint_list requests;
	size_t size;
	int err;
};

/* --- Marks ---------------------------------------------------------------------------- */

/* Marks may share a copy: its bytes are counted once. */
static bool is_shared(const struct glint_marks *marks, const struct glint_mark *mark)
{
	struct glint_mark *other;

	glint_list_for_each(other, &marks->all, link)
		if (other != mark && other->reference == mark->reference)
			return true;
	return false;
}

static void mark_drop_reference(struct glint_marks *marks, struct glint_mark *mark,
				const char *reason)
{
	if (!mark->reference)
		return;
	if (!is_shared(marks, mark))
		marks->bytes -= marks->ops->copy_size(mark->reference);
	mark->reference = glint_frame_unref(mark->reference);
	mark->reason = reason;
}

static void mark_free(struct glint_marks *marks, struct glint_mark *mark)
{
	mark_drop_reference(marks, mark, "");
	glint_list_remove(&mark->link);
	marks->n--;
	free(mark);
}

static void oldest_free(struct glint_marks *marks)
{
	struct glint_mark *oldest = glint_list_first(&marks->all, struct glint_mark, link);

	assert(oldest);
	/* The analyser does not see that mark_free() takes marks out of the list. */
	mark_free(marks, oldest); /* NOLINT(clang-analyzer-unix.Malloc) */
}

static struct glint_mark *mark_find(struct glint_marks *marks, const char *id)
{
	struct glint_mark *mark;

	glint_list_for_each(mark, &marks->all, link)
		if (strcmp(mark->id, id) == 0)
			return mark;
	return NULL;
}

static void marks_set_alarm(struct glint_marks *marks)
{
	uint64_t due_ns = GLINT_ALARM_NEVER;
	struct glint_mark_request *request;
	struct glint_mark *mark;

	glint_list_for_each(mark, &marks->all, link)
		due_ns = MIN(due_ns, mark->expires_ns);
	glint_list_for_each(request, &marks->waiting, link)
		due_ns = MIN(due_ns, request->ns + FRAME_NS);
	if (!glint_list_empty(&marks->sink.link) && marks->n == 0)
		due_ns = MIN(due_ns, marks->used_ns + IDLE_NS);
	if (due_ns != marks->alarm.due_ns)
		glint_alarm_set(&marks->alarm, due_ns);
}

static void marks_expire(struct glint_marks *marks)
{
	uint64_t now_ns = glint_now_ns();
	struct glint_mark *mark;

	glint_list_for_each(mark, &marks->all, link) {
		if (mark->expires_ns > now_ns)
			continue;
		mark_free(marks, mark);
		marks->count.expired++;
	}
}

/* Choose a name that no mark has. */
static void choose_id(struct glint_marks *marks, char id[GLINT_MARK_ID_MAX + 1])
{
	do
		snprintf(id, GLINT_MARK_ID_MAX + 1, "mark-%llu",
			 (unsigned long long)++marks->last_number);
	while (mark_find(marks, id));
}

/* Add the mark of @request and tell its client. @reference is the caller's still. False: no mark. */
static bool request_make(struct glint_marks *marks, struct glint_mark_request *request,
			 const struct glint_frame_info *info, struct glint_frame *reference,
			 const char *reason)
{
	struct glint_mark *mark = calloc(1, sizeof(*mark)), *old;

	glint_list_remove(&request->link);
	if (!mark) {
		request->done(request, NULL);
		return false;
	}
	if (!*request->id)
		choose_id(marks, request->id);
	old = mark_find(marks, request->id);
	strcpy(mark->id, request->id);
	mark->ns = request->ns;
	mark->expires_ns = request->ns + request->keep_ns;
	mark->reason = reason;
	if (info) {
		mark->has_frame = true;
		mark->before = info->complete_ns <= request->ns;
		mark->info = *info;
	}
	if (reference)
		mark->reference = glint_frame_ref(reference);
	/* Before others are freed, so that a reference which they share with the mark stays counted. */
	glint_list_append(&marks->all, &mark->link);
	marks->n++;
	marks->count.made++;
	if (old) {
		mark_free(marks, old);
		marks->count.replaced++;
	} else if (marks->n > GLINT_MARKS_MAX) {
		oldest_free(marks);
		marks->count.displaced++;
	}
	request->done(request, mark);
	return true;
}

/* --- Copies --------------------------------------------------------------------------- */

static void copy_on_worker(struct glint_job *job, unsigned part)
{
	struct copy *copy = container_of(job, struct copy, job);

	(void)part;
	copy->err = copy->marks->ops->copy_run(copy->frame, copy->src);
}

static void copy_done(struct glint_job *job)
{
	struct copy *copy = container_of(job, struct copy, job);
	struct glint_marks *marks = copy->marks;
	struct glint_frame_info info = copy->src->info;
	struct glint_mark_request *request;
	bool used = false;

	glint_list_remove(&copy->link);
	marks->n_copies--;
	copy->src = glint_frame_unref(copy->src);
	marks->count.copied++;
	while (!marks->ending &&
	       (request = glint_list_first(&copy->requests, struct glint_mark_request, link))) {
		bool made = request_make(marks, request, &info, copy->err == 0 ? copy->frame : NULL,
					 copy->err == 0 ? "" : "unreadable");

		used = used || (made && copy->err == 0);
	}
	if (!used)
		marks->bytes -= copy->size;
	glint_frame_unref(copy->frame);
	free(copy);
	if (!marks->ending)
		marks_set_alarm(marks);
}

/* Drop old references until @size more bytes fit. False: they never will. */
static bool make_room(struct glint_marks *marks, size_t size)
{
	struct glint_mark *mark;

	glint_list_for_each(mark, &marks->all, link) {
		if (marks->bytes + size <= GLINT_MARKS_BYTES_MAX)
			break;
		if (!mark->reference)
			continue;
		mark_drop_reference(marks, mark, "displaced");
		marks->count.dropped++;
	}
	return marks->bytes + size <= GLINT_MARKS_BYTES_MAX;
}

/* Begin to copy @src. NULL, and *@reason says why there will be no reference. */
static struct copy *copy_create(struct glint_marks *marks, struct glint_frame *src,
				const char **reason)
{
	size_t size = marks->ops->copy_size(src);
	struct copy *copy;

	*reason = "too-large";
	if (!make_room(marks, size))
		return NULL;
	*reason = "no-memory";
	if (!marks->worker && glint_workers_create(&marks->worker, marks->loop, "marks", 1) < 0)
		return NULL;
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return NULL;
	if (marks->ops->copy_begin(src, &copy->frame) < 0) {
		free(copy);
		return NULL;
	}
	copy->marks = marks;
	copy->job = (struct glint_job){ .run = copy_on_worker, .done = copy_done };
	copy->src = glint_frame_ref(src);
	copy->size = size;
	glint_list_init(&copy->requests);
	glint_list_append(&marks->copies, &copy->link);
	marks->n_copies++;
	marks->bytes += size;
	glint_workers_submit(marks->worker, &copy->job, 1);
	return copy;
}

static struct copy *copy_find(struct glint_marks *marks, const struct glint_frame *src)
{
	struct copy *copy;

	glint_list_for_each(copy, &marks->copies, link)
		if (copy->src == src)
			return copy;
	return NULL;
}

/* Give @request, which is in no list, the frame of its moment. */
static void request_take_frame(struct glint_marks *marks, struct glint_mark_request *request,
			       struct glint_frame *frame)
{
	struct copy *copy = copy_find(marks, frame);
	const char *reason;

	if (!copy)
		copy = copy_create(marks, frame, &reason);
	if (copy)
		glint_list_append(&copy->requests, &request->link);
	else
		(void)request_make(marks, request, &frame->info, NULL, reason);
}

/* --- Frames ------------------------------------------------------------------------------ */

static bool marks_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_marks *marks = container_of(sink, struct glint_marks, sink);
	bool may_keep;

	marks->newest = glint_frame_unref(marks->newest);
	may_keep = marks->ops->spare(marks->ctx) > 0;
	/* Requests that wait have no other frame: a copy gives it back soon. */
	if (may_keep || (!glint_list_empty(&marks->waiting) && marks->n_copies == 0))
		marks->newest = glint_frame_ref(frame);
	if (!glint_list_empty(&marks->waiting) && marks->newest)
		glint_loop_defer(marks->loop, &marks->make_ready);
	return marks->newest;
}

struct glint_frame *glint_marks_newest(struct glint_marks *marks)
{
	struct glint_source_state source = marks->ops->source(marks->ctx);

	if (!marks->newest || !source.online || marks->newest->info.stream != source.stream)
		return NULL;
	return marks->newest;
}

bool glint_marks_yield(struct glint_marks *marks)
{
	bool had = marks->newest;

	marks->newest = glint_frame_unref(marks->newest);
	return had;
}

/* --- Requests ---------------------------------------------------------------------------- */

/* From the loop's top level: done() is never called from within glint_marks_put(). */
static void marks_make_ready(struct glint_deferred *deferred)
{
	struct glint_marks *marks = container_of(deferred, struct glint_marks, make_ready);
	struct glint_source_state source = marks->ops->source(marks->ctx);
	struct glint_frame *newest = glint_marks_newest(marks);
	struct glint_list requests = GLINT_LIST_INIT(requests);
	uint64_t now_ns = glint_now_ns();
	struct glint_mark_request *request;

	marks_expire(marks);
	glint_list_take(&requests, &marks->waiting);
	glint_list_take(&requests, &marks->ready);
	newest = newest ? glint_frame_ref(newest) : NULL;
	while ((request = glint_list_first(&requests, struct glint_mark_request, link))) {
		glint_list_remove(&request->link);
		if (newest)
			request_take_frame(marks, request, newest);
		else if (!source.online)
			(void)request_make(marks, request, NULL, NULL, source.reason);
		else if (now_ns >= request->ns + FRAME_NS)
			(void)request_make(marks, request, NULL, NULL, "no-picture");
		else
			glint_list_append(&marks->waiting, &request->link);
	}
	glint_frame_unref(newest);
	if (!glint_marks_newest(marks) || marks->ops->spare(marks->ctx) == 0)
		(void)glint_marks_yield(marks);
	if (marks->n == 0 && glint_list_empty(&marks->waiting) &&
	    now_ns >= marks->used_ns + IDLE_NS) {
		glint_fanout_detach(marks->frames, &marks->sink);
		(void)glint_marks_yield(marks);
	}
	marks_set_alarm(marks);
}

void glint_marks_expect(struct glint_marks *marks)
{
	marks->used_ns = glint_now_ns();
	glint_fanout_attach(marks->frames, &marks->sink);
	marks_set_alarm(marks);
}

void glint_marks_put(struct glint_marks *marks, struct glint_mark_request *request)
{
	struct glint_frame *newest = glint_marks_newest(marks);

	glint_marks_expect(marks);
	glint_list_init(&request->link);
	/* Take the frame now: a newer one may come before the end of the loop's turn. */
	if (newest && newest->info.complete_ns <= request->ns) {
		const char *reason;
		struct copy *copy = copy_find(marks, newest);

		if (!copy)
			copy = copy_create(marks, newest, &reason);
		if (copy) {
			glint_list_append(&copy->requests, &request->link);
			return;
		}
	}
	glint_list_append(&marks->ready, &request->link);
	glint_loop_defer(marks->loop, &marks->make_ready);
}

void glint_marks_forget(struct glint_marks *marks, struct glint_mark_request *request)
{
	(void)marks;
	glint_list_remove(&request->link);
}

const struct glint_mark *glint_marks_find(struct glint_marks *marks, const char *id)
{
	marks_expire(marks);
	return mark_find(marks, id);
}

const struct glint_mark *glint_marks_find_at(struct glint_marks *marks, uint64_t ns)
{
	struct glint_mark *mark;

	marks_expire(marks);
	glint_list_for_each(mark, &marks->all, link)
		if (mark->reference && mark->before && mark->info.complete_ns <= ns &&
		    ns <= mark->ns)
			return mark;
	return NULL;
}

static uint64_t apart_ns(const struct glint_mark *mark, uint64_t ns)
{
	uint64_t complete_ns = mark->info.complete_ns;

	return complete_ns > ns ? complete_ns - ns : ns - complete_ns;
}

const struct glint_mark *glint_marks_nearest(struct glint_marks *marks, uint64_t ns)
{
	const struct glint_mark *nearest = NULL;
	struct glint_mark *mark;

	marks_expire(marks);
	glint_list_for_each(mark, &marks->all, link)
		if (mark->reference && (!nearest || apart_ns(mark, ns) < apart_ns(nearest, ns)))
			nearest = mark;
	return nearest;
}

bool glint_marks_remove(struct glint_marks *marks, const char *id)
{
	struct glint_mark *mark;

	marks_expire(marks);
	mark = mark_find(marks, id);
	if (!mark)
		return false;
	mark_free(marks, mark);
	marks->count.removed++;
	return true;
}

const struct glint_list *glint_marks_all(struct glint_marks *marks)
{
	marks_expire(marks);
	return &marks->all;
}

void glint_marks_source_changed(struct glint_marks *marks)
{
	if (!glint_marks_newest(marks))
		(void)glint_marks_yield(marks);
	if (!glint_list_empty(&marks->waiting))
		glint_loop_defer(marks->loop, &marks->make_ready);
}

static void marks_on_alarm(struct glint_alarm *alarm)
{
	struct glint_marks *marks = container_of(alarm, struct glint_marks, alarm);

	marks_make_ready(&marks->make_ready);
}

/* --- Life -------------------------------------------------------------------------------- */

void glint_marks_report(const struct glint_marks *marks, struct glint_report *report)
{
	unsigned references = 0;
	struct glint_mark *mark;

	glint_list_for_each(mark, &marks->all, link)
		references += mark->reference != NULL;
	glint_report_object(report, "marks");
	glint_report_uint(report, "count", marks->n);
	glint_report_uint(report, "references", references);
	glint_report_uint(report, "bytes", marks->bytes);
	glint_report_bool(report, "newest_kept", marks->newest != NULL);
	glint_report_uint(report, "made", marks->count.made);
	glint_report_uint(report, "copied", marks->count.copied);
	glint_report_uint(report, "replaced", marks->count.replaced);
	glint_report_uint(report, "removed", marks->count.removed);
	glint_report_uint(report, "expired", marks->count.expired);
	glint_report_uint(report, "displaced", marks->count.displaced);
	glint_report_uint(report, "references_displaced", marks->count.dropped);
	glint_report_end(report);
}

int glint_marks_create(struct glint_marks **out, struct glint_loop *loop,
		       struct glint_fanout *frames, const struct glint_marks_ops *ops, void *ctx)
{
	struct glint_marks *marks = calloc(1, sizeof(*marks));

	if (!marks)
		return -ENOMEM;
	marks->loop = loop;
	marks->frames = frames;
	marks->ops = ops;
	marks->ctx = ctx;
	marks->sink.push_frame = marks_on_frame;
	marks->make_ready.run = marks_make_ready;
	glint_list_init(&marks->sink.link);
	glint_list_init(&marks->all);
	glint_list_init(&marks->waiting);
	glint_list_init(&marks->ready);
	glint_list_init(&marks->copies);
	glint_alarm_init(&marks->alarm, loop, marks_on_alarm);
	*out = marks;
	return 0;
}

static void requests_forget(struct glint_list *requests)
{
	while (!glint_list_empty(requests))
		glint_list_remove(requests->next);
}

void glint_marks_destroy(struct glint_marks *marks)
{
	if (!marks)
		return;
	marks->ending = true;
	glint_fanout_detach(marks->frames, &marks->sink);
	glint_deferred_cancel(&marks->make_ready);
	requests_forget(&marks->waiting);
	requests_forget(&marks->ready);
	(void)glint_marks_yield(marks);
	(void)glint_workers_destroy(marks->worker, UINT64_MAX);
	while (marks->n > 0)
		oldest_free(marks);
	glint_alarm_end(&marks->alarm);
	while (glint_alarm_busy(&marks->alarm) && glint_loop_run_once(marks->loop, UINT64_MAX) == 0)
		;
	free(marks);
}
