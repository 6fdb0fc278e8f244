/* SPDX-License-Identifier: MIT */
#include "encode/encoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/alarm.h"
#include "core/events.h"
#include "core/frame.h"
#include "core/loop.h"
#include "core/packet.h"
#include "core/report.h"
#include "encode/backend.h"
#include "encode/pace.h"

static const struct glint_log_topic topic = { "encode" };

#define BACKENDS_MAX 4
#define CODEC	     GLINT_CODEC_JPEG /* of all packets: each backend makes it */

#define IDLE_NS	    (5 * GLINT_NSEC_PER_SEC) /* a packet that was not needed for so long is freed */
#define TRIM_GAP_NS (5 * GLINT_NSEC_PER_MSEC) /* between two: freeing one may take half a ms */

/*
 * One more than can be under way: a backend may have two jobs, and finished jobs wait for the
 * slow job in front of them.
 */
#define JOBS_MAX 8

struct glint_encoder {
	struct glint_loop *loop;
	struct glint_encoder_config config;
	struct glint_fanout *source;
	struct glint_sink sink; /* in @source, while packets are wanted */
	struct glint_fanout packets;
	/* The first that takes a frame gets it. */
	struct glint_encoder_backend *backends[BACKENDS_MAX];
	unsigned n_backends;
	struct glint_encoder_backend *current; /* that had the last frame */
	bool begun;			       /* some frame was given to a backend */

	struct glint_encoder_job jobs[JOBS_MAX]; /* free without a frame */
	struct glint_list queue;		 /* jobs with a frame, in capture order */
	uint64_t n_jobs;			 /* ever */
	bool running;				 /* encoder_run() is under way */
	struct glint_pace pace;
	struct glint_alarm trim; /* set while a pool has packets */
	uint64_t used_ns;	 /* when the last job began */

	uint64_t encoded, failed, skipped, bytes;
	size_t last_size;
	bool failure_logged; /* one line for a series of failures */
	struct {
		const struct glint_encoder_backend *backend; /* NULL: nothing yet */
		const char *state, *reason;		     /* constants */
	} told;						     /* by the last event */
	struct glint_rate rate;
	struct glint_histogram wait, encode;
};

/* --- The queue --------------------------------------------------------------------- */

/* Queue @frame, with a reference. NULL: the queue is full. */
static struct glint_encoder_job *job_create(struct glint_encoder *encoder,
					    struct glint_frame *frame)
{
	for (unsigned i = 0; i < JOBS_MAX; i++) {
		struct glint_encoder_job *job = &encoder->jobs[i];

		if (job->src)
			continue;
		*job = (struct glint_encoder_job){
			.encoder = encoder,
			.src = glint_frame_ref(frame),
			.number = ++encoder->n_jobs,
		};
		glint_list_append(&encoder->queue, &job->link);
		return job;
	}
	return NULL;
}

static void job_destroy(struct glint_encoder_job *job)
{
	struct glint_frame *src = job->src;

	glint_list_remove(&job->link);
	job->src = NULL;
	glint_frame_unref(src);
}

static bool job_waits(const struct glint_encoder_job *job)
{
	return !job->backend && !job->finished;
}

/* Newest first: a job that has not begun when a newer frame arrives would be late. */
static void encoder_drop_waiting(struct glint_encoder *encoder)
{
	struct glint_encoder_job *job;

	glint_list_for_each(job, &encoder->queue, link) {
		if (!job_waits(job))
			continue;
		encoder->skipped++;
		job_destroy(job);
	}
}

/* --- Events -------------------------------------------------------------------------- */

static struct glint_encoder_device_status encoder_device_status(const struct glint_encoder *encoder)
{
	struct glint_encoder_device_status device = { "", "", "", "", "", .driver_quality = -1 };

	for (unsigned i = 0; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->device_status)
			encoder->backends[i]->ops->device_status(encoder->backends[i], &device);
	return device;
}

/* Add an event when another backend encodes, or a hardware encoder's state is another one. */
static void encoder_tell(struct glint_encoder *encoder)
{
	struct glint_encoder_device_status device = encoder_device_status(encoder);
	struct glint_events *events = encoder->config.events;
	struct glint_report *report;

	if (!encoder->begun || (encoder->told.backend == encoder->current &&
				strcmp(encoder->told.state, device.state) == 0 &&
				strcmp(encoder->told.reason, device.reason) == 0))
		return;
	encoder->told.backend = encoder->current;
	encoder->told.state = device.state;
	encoder->told.reason = device.reason;
	report = glint_events_begin(events, GLINT_EVENT_ENCODER);
	glint_report_text(report, "name", encoder->current->ops->name);
	glint_report_text(report, "state", device.state);
	glint_report_text(report, "reason", device.reason);
	glint_report_text(report, "device", device.path);
	glint_events_commit(events);
}

static void encoder_tell_failure(struct glint_encoder *encoder, const struct glint_encoder_job *job)
{
	struct glint_events *events = encoder->config.events;
	struct glint_report *report = glint_events_begin(events, GLINT_EVENT_FAULT);

	glint_report_text(report, "of", "encoder");
	glint_report_text(report, "fault", "frame");
	glint_report_text(report, "message", strerror(-job->err));
	glint_report_uint(report, "sequence", job->src->info.seq);
	glint_report_uint(report, "count", encoder->failed);
	glint_events_commit(events);
}

/* --- Endings ------------------------------------------------------------------------ */

static void encoder_deliver(struct glint_encoder *encoder, const struct glint_encoder_job *job)
{
	struct glint_packet *packet = job->packet;

	assert(job->src);

	packet->info = job->src->info;
	packet->encode_begin_ns = job->begin_ns;
	packet->encode_end_ns = glint_now_ns();
	glint_histogram_add(&encoder->encode, packet->encode_end_ns - packet->encode_begin_ns);
	/* Encoding times vary and must not show in the rate: it is that of the frames. */
	glint_rate_add(&encoder->rate, packet->info.dequeue_ns);
	encoder->encoded++;
	encoder->bytes += packet->size;
	encoder->last_size = packet->size;
	encoder->failure_logged = false;
	glint_packet_publish(packet);
	if (glint_fanout_push_packet(&encoder->packets, packet) > 0)
		job->src->outcome = GLINT_OUTCOME_DELIVERED;
	glint_packet_unref(packet);
}

static void encoder_fail(struct glint_encoder *encoder, const struct glint_encoder_job *job)
{
	assert(job->src);

	if (job->err == -ENOBUFS) {
		encoder->skipped++; /* readers are slow; the frame's outcome is SKIPPED already */
		return;
	}
	encoder->failed++;
	job->src->outcome = job->err == -EBADMSG ? GLINT_OUTCOME_CORRUPT : GLINT_OUTCOME_FAILED;
	if (!encoder->failure_logged) {
		encoder_tell_failure(encoder, job);
		glint_log_err(&topic, job->err, "cannot encode frame %u", job->src->info.seq);
	}
	encoder->failure_logged = true;
}

/* Packets leave in capture order, each as soon as the packets before it have left. */
static void encoder_settle(struct glint_encoder *encoder)
{
	struct glint_encoder_job *job;

	while ((job = glint_list_first(&encoder->queue, struct glint_encoder_job, link)) &&
	       job->finished) {
		assert(!job->packet == (job->err < 0));
		if (job->packet)
			encoder_deliver(encoder, job);
		else
			encoder_fail(encoder, job);
		job_destroy(job);
	}
}

/* --- Beginnings ------------------------------------------------------------------------ */

/* The first backend from @first on that takes @frame; NULL: none does. */
static struct glint_encoder_backend *encoder_choose(struct glint_encoder *encoder,
						    const struct glint_frame *frame, unsigned first)
{
	for (unsigned i = first; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->takes(encoder->backends[i], frame))
			return encoder->backends[i];
	return NULL;
}

static void job_begin(struct glint_encoder_job *job, struct glint_encoder_backend *backend)
{
	struct glint_encoder *encoder = job->encoder;

	assert(job->src);

	if (!job->begin_ns) { /* else another backend has returned the job */
		job->begin_ns = encoder->used_ns = glint_now_ns();
		glint_histogram_add(&encoder->wait, job->begin_ns - job->src->info.complete_ns);
	}
	encoder->current = backend;
	encoder->begun = true;
	job->backend = backend;
	backend->ops->begin(backend, job);
}

static struct glint_encoder_job *encoder_first_waiting(struct glint_encoder *encoder)
{
	struct glint_list *node;

	for (node = encoder->queue.next; node && node != &encoder->queue; node = node->next) {
		struct glint_encoder_job *job =
			glint_list_entry(node, struct glint_encoder_job, link);

		if (job_waits(job))
			return job;
	}
	return NULL;
}

/* Begins the oldest job that waits, if its backend has room. False: nothing has changed. */
static bool encoder_begin_next(struct glint_encoder *encoder)
{
	struct glint_encoder_job *job = encoder_first_waiting(encoder);
	struct glint_encoder_backend *backend;

	if (!job)
		return false;
	backend = encoder_choose(encoder, job->src, job->first);
	if (!backend) {
		job->finished = true;
		job->err = -ENOTSUP;
		return true;
	}
	if (!backend->ops->has_room(backend))
		return false;
	job_begin(job, backend);
	return true;
}

/* A backend may end a job from within begin(): then this loop, not a nested one, goes on. */
static void encoder_run(struct glint_encoder *encoder)
{
	if (encoder->running)
		return;
	encoder->running = true;
	do
		encoder_settle(encoder);
	while (encoder_begin_next(encoder));
	encoder->running = false;
	encoder_tell(encoder);
}

void glint_encoder_finish(struct glint_encoder_job *job, struct glint_packet *packet, int err)
{
	assert(job->src && job->backend && !job->finished && (packet || err < 0));

	job->finished = true;
	job->packet = packet;
	job->err = err;
	encoder_run(job->encoder);
}

void glint_encoder_return(struct glint_encoder_job *job)
{
	assert(job->src && job->backend && !job->finished);

	job->backend = NULL;
	encoder_run(job->encoder);
}

bool glint_encoder_pass_on(struct glint_encoder_job *job)
{
	struct glint_encoder *encoder = job->encoder;
	unsigned next = 1;

	assert(job->src && job->backend && !job->finished);

	while (encoder->backends[next - 1] != job->backend)
		next++;
	assert(next <= encoder->n_backends);
	if (!encoder_choose(encoder, job->src, next))
		return false;
	job->first = next;
	job->backend = NULL;
	encoder_run(encoder);
	return true;
}

void glint_encoder_continue(struct glint_encoder *encoder)
{
	encoder_run(encoder);
}

static bool encoder_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_encoder *encoder = container_of(sink, struct glint_encoder, sink);

	if (!glint_fanout_wants(&encoder->packets, CODEC, &frame->info))
		return false;
	if (!glint_pace_take(&encoder->pace, frame->info.complete_ns))
		return false;
	for (unsigned i = 0; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->offer)
			encoder->backends[i]->ops->offer(encoder->backends[i], frame);
	encoder_drop_waiting(encoder);
	if (!job_create(encoder, frame)) {
		encoder->skipped++;
		return false;
	}
	encoder_run(encoder);
	return true;
}

static void encoder_on_demand(struct glint_fanout *fanout, bool wanted)
{
	struct glint_encoder *encoder = container_of(fanout, struct glint_encoder, packets);

	if (wanted) {
		encoder->pace = (struct glint_pace){ .fps = encoder->config.desired_fps };
		glint_fanout_attach(encoder->source, &encoder->sink);
		return;
	}
	glint_fanout_detach(encoder->source, &encoder->sink);
	encoder_drop_waiting(encoder);
}

/* --- Giving memory back ------------------------------------------------------------- */

void glint_encoder_trim_later(struct glint_encoder *encoder)
{
	if (encoder->trim.due_ns == GLINT_ALARM_NEVER)
		glint_alarm_set(&encoder->trim, glint_now_ns() + IDLE_NS);
}

static void encoder_on_trim(struct glint_alarm *alarm)
{
	struct glint_encoder *encoder = container_of(alarm, struct glint_encoder, trim);
	enum glint_packet_pool_rest rest = GLINT_POOL_NONE;
	bool idle = glint_now_ns() - encoder->used_ns >= IDLE_NS;

	for (unsigned i = 0; i < encoder->n_backends; i++) {
		struct glint_encoder_backend *backend = encoder->backends[i];

		if (idle && backend->ops->idle)
			backend->ops->idle(backend);
		rest = MAX(rest, glint_packet_pool_trim(&backend->pool));
	}
	if (rest != GLINT_POOL_NONE)
		glint_alarm_set(alarm, glint_now_ns() +
					       (rest == GLINT_POOL_SPARE ? TRIM_GAP_NS : IDLE_NS));
}

/* --- Life -------------------------------------------------------------------------- */

/* In the order of the table. */
static int encoder_create_backends(struct glint_encoder *encoder)
{
	for (unsigned i = 0; glint_encoder_backends[i]; i++) {
		const struct glint_encoder_backend_ops *ops = glint_encoder_backends[i];
		int err;

		if (ops->wanted && !ops->wanted(&encoder->config))
			continue;
		assert(encoder->n_backends < BACKENDS_MAX);
		err = ops->create(&encoder->backends[encoder->n_backends], encoder->loop,
				  &encoder->config, encoder);
		if (err < 0)
			return err;
		encoder->n_backends++;
	}
	return 0;
}

static bool encoder_destroy_backends(struct glint_encoder *encoder)
{
	bool clean = true;

	while (encoder->n_backends > 0) {
		struct glint_encoder_backend *backend = encoder->backends[--encoder->n_backends];

		clean = backend->ops->destroy(backend) && clean;
	}
	return clean;
}

int glint_encoder_create(struct glint_encoder **out, struct glint_loop *loop,
			 struct glint_fanout *source, const struct glint_encoder_config *config)
{
	struct glint_encoder *encoder = calloc(1, sizeof(*encoder));
	int err;

	if (!encoder)
		return -ENOMEM;
	encoder->loop = loop;
	encoder->config = *config;
	encoder->source = source;
	encoder->sink.push_frame = encoder_on_frame;
	glint_alarm_init(&encoder->trim, loop, encoder_on_trim);
	glint_list_init(&encoder->sink.link);
	glint_list_init(&encoder->queue);
	glint_fanout_init(&encoder->packets, encoder_on_demand);

	err = encoder_create_backends(encoder);
	if (err < 0) {
		(void)encoder_destroy_backends(encoder);
		free(encoder);
		return err;
	}
	assert(encoder->n_backends > 0); /* passthrough is always wanted */
	/* What /state names before the first frame: the backend that takes the most formats. */
	encoder->current = encoder->backends[encoder->n_backends - 1];
	*out = encoder;
	return 0;
}

bool glint_encoder_destroy(struct glint_encoder *encoder)
{
	bool clean;

	if (!encoder)
		return true;
	glint_fanout_detach(encoder->source, &encoder->sink);
	encoder_drop_waiting(encoder);
	glint_alarm_end(&encoder->trim);
	while ((!glint_list_empty(&encoder->queue) || glint_alarm_busy(&encoder->trim)) &&
	       glint_loop_run_once(encoder->loop, UINT64_MAX) == 0)
		;
	clean = encoder_destroy_backends(encoder);
	if (clean) /* else a stuck thread may still use it */
		free(encoder);
	return clean;
}

struct glint_downstream *glint_encoder_downstream(struct glint_encoder *encoder)
{
	for (unsigned i = 0; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->downstream)
			return encoder->backends[i]->ops->downstream(encoder->backends[i]);
	return NULL;
}

struct glint_fanout *glint_encoder_packets(struct glint_encoder *encoder)
{
	return &encoder->packets;
}

/* --- Changes ------------------------------------------------------------------------- */

int glint_encoder_prepare(struct glint_encoder *encoder, const struct glint_encoder_config *wanted,
			  struct glint_prepare *prepare, enum glint_holds *holds)
{
	/* At most one backend has a device to ask. */
	for (unsigned i = 0; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->prepare)
			return encoder->backends[i]->ops->prepare(encoder->backends[i], wanted,
								  prepare, holds);
	return 0;
}

void glint_encoder_apply(struct glint_encoder *encoder, const struct glint_encoder_config *wanted)
{
	struct glint_encoder_config *config = &encoder->config;

	if (config->desired_fps != wanted->desired_fps)
		encoder->pace = (struct glint_pace){ .fps = wanted->desired_fps };
	config->quality = wanted->quality;
	config->chroma = wanted->chroma;
	config->keep_range = wanted->keep_range;
	config->desired_fps = wanted->desired_fps;
	for (unsigned i = 0; i < encoder->n_backends; i++)
		if (encoder->backends[i]->ops->apply)
			encoder->backends[i]->ops->apply(encoder->backends[i]);
}

/* --- Figures ------------------------------------------------------------------------- */

static struct glint_encoder_backend_status encoder_backend_status(
	const struct glint_encoder *encoder)
{
	struct glint_encoder_backend_status status = { .engine = "", .subsampling = "" };

	encoder->current->ops->status(encoder->current, &status);
	return status;
}

/* Members for the hardware encoder; without one they are there, too. */
static void report_device(const struct glint_encoder *encoder, struct glint_report *report)
{
	struct glint_encoder_device_status device = encoder_device_status(encoder);

	glint_report_text(report, "state", device.state);
	glint_report_text(report, "reason", device.reason);
	glint_report_text(report, "device", device.path);
	glint_report_text(report, "driver", device.driver);
	glint_report_text(report, "memory", device.memory);
	if (device.driver_quality < 0)
		glint_report_null(report, "driver_quality");
	else
		glint_report_int(report, "driver_quality", device.driver_quality);
	glint_report_uint(report, "faults", device.faults);
	glint_report_uint(report, "late", device.late);
	glint_report_uint(report, "probes", device.probes);
	glint_report_uint(report, "leased", device.leased);
}

static uint32_t encoder_rate_millihz(const struct glint_encoder *encoder)
{
	const struct glint_encoder_config *config = &encoder->config;
	uint32_t millihz = glint_rate_millihz(&encoder->rate, glint_now_ns());

	if (!config->captured_millihz)
		return millihz;
	return MIN(millihz, config->captured_millihz(config->spare_ctx));
}

void glint_encoder_report(const struct glint_encoder *encoder, struct glint_report *report)
{
	struct glint_encoder_backend_status status = encoder_backend_status(encoder);
	uint64_t pictures = status.pictures, held = status.pictures_held, bytes = 0;

	for (unsigned i = 0; i < encoder->n_backends; i++) {
		const struct glint_encoder_backend *each = encoder->backends[i];

		pictures += each->pool.made;
		held += each->pool.held;
		bytes += each->pool.bytes;
	}
	held -= MIN(held, status.pictures_kept);
	glint_report_object(report, "encoder");
	glint_report_text(report, "name", encoder->current->ops->name);
	glint_report_text(report, "engine", status.engine);
	glint_report_text(report, "subsampling", status.subsampling);
	glint_report_text(report, "range", encoder->config.keep_range ? "keep" : "expand");
	glint_report_uint(report, "workers", status.workers);
	glint_report_uint(report, "slices", status.slices);
	glint_report_uint(report, "rows_reused", status.rows_reused);
	glint_report_uint(report, "quality", status.quality);
	glint_report_uint(report, "encoded", encoder->encoded);
	glint_report_uint(report, "failed", encoder->failed);
	glint_report_uint(report, "skipped", encoder->skipped);
	glint_report_uint(report, "bytes", encoder->bytes);
	glint_report_uint(report, "last_size", encoder->last_size);
	glint_report_uint(report, "pictures", pictures);
	glint_report_uint(report, "pictures_held", held);
	glint_report_uint(report, "pictures_bytes", bytes);
	glint_report_rate(report, "fps", encoder_rate_millihz(encoder));
	report_device(encoder, report);
	glint_report_end(report);
}

void glint_encoder_report_type(const struct glint_encoder *encoder, struct glint_report *report)
{
	glint_report_text(report, "type", encoder->current->ops->type);
	glint_report_uint(report, "quality", encoder_backend_status(encoder).quality);
}

void glint_encoder_report_latencies(const struct glint_encoder *encoder,
				    struct glint_report *report)
{
	glint_report_latency(report, "wait", &encoder->wait);
	glint_report_latency(report, "encode", &encoder->encode);
}

double glint_encoder_copies_per_frame(const struct glint_encoder *encoder)
{
	uint64_t copies = 0;

	for (unsigned i = 0; i < encoder->n_backends; i++)
		copies += encoder->backends[i]->copies;
	return encoder->encoded > 0 ? (double)copies / (double)encoder->encoded : 0;
}
