/* SPDX-License-Identifier: MIT */
#include "record/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/frame.h"
#include "core/report.h"
#include "record/folder.h"
#include "record/internal.h"

#define PREPARE_NS (20 * GLINT_NSEC_PER_SEC) /* the source waits so long for the memory */

static const struct glint_log_topic topic = { "record" };

/* --- Life ------------------------------------------------------------------------------------- */

static void let_source_start(struct glint_recorder *recorder)
{
	if (recorder->config.ready && !recorder->ready_told)
		recorder->config.ready(recorder->config.ctx);
	recorder->ready_told = true;
}

static void recorder_on_alarm(struct glint_alarm *alarm)
{
	struct glint_recorder *recorder = container_of(alarm, struct glint_recorder, alarm);

	let_source_start(recorder);
	glint_recordings_check(recorder);
}

/* Use the memory. */
static void begin_to_keep(struct glint_recorder *recorder)
{
	struct glint_record_ring *ring = glint_writer_ring(recorder->writer);

	/* Of pointers. NOLINTNEXTLINE(bugprone-sizeof-expression) */
	recorder->held = calloc(ring->n_entries, sizeof(recorder->held[0]));
	if (!recorder->held)
		return;
	recorder->state = GLINT_RECORDER_READY;
	recorder->ring = ring;
	recorder->disk = glint_writer_disk_ring(recorder->writer);
	recorder->index = recorder->disk ? recorder->disk : ring;
	recorder->memory = glint_writer_memory(recorder->writer);
	glint_fanout_attach(recorder->frames, &recorder->sink);
}

static void recorder_on_ready(struct glint_writer_listener *listener, int err)
{
	struct glint_recorder *recorder = container_of(listener, struct glint_recorder, listener);

	recorder->ready_ns = glint_now_ns();
	recorder->state = GLINT_RECORDER_FAILED;
	if (recorder->ending)
		return;
	if (err == 0)
		begin_to_keep(recorder);
	let_source_start(recorder);
}

static void close_lines(struct glint_recorder *recorder)
{
	if (!IS_ENABLED(CONFIG_RECORD_GPIO))
		return;
	glint_gpio_destroy(recorder->gpio);
	glint_gpio_out_destroy(recorder->out);
	recorder->gpio = NULL;
	recorder->out = NULL;
}

static int open_lines(struct glint_recorder *recorder)
{
	const struct glint_recorder_config *config = &recorder->config;
	const struct glint_record_line *line = &config->in;
	int err = 0;

	if (!IS_ENABLED(CONFIG_RECORD_GPIO))
		return 0;
	if (*line->chip)
		err = glint_gpio_create(&recorder->gpio, recorder->loop, line, config->gpio,
					&recorder->edges);
	if (err == 0 && *config->out.chip) {
		line = &config->out;
		err = glint_gpio_out_create(&recorder->out, line, config->gpio);
	}
	if (err == 0)
		return 0;
	glint_log_error(&topic, "%s '%s:%s': %s",
			line == &config->in ? "--record-gpio" : "--record-gpio-out", line->chip,
			line->line, glint_gpio_advice(err));
	close_lines(recorder);
	return err;
}

int glint_recorder_create(struct glint_recorder **out, struct glint_loop *loop,
			  struct glint_fanout *frames, const struct glint_recorder_config *config)
{
	struct glint_recorder *recorder = calloc(1, sizeof(*recorder));
	const struct glint_writer_config writer = {
		.folder = config->folder,
		.memory = config->memory / GLINT_CLIP_PAGE * GLINT_CLIP_PAGE,
		.ring = config->disk_size / GLINT_CLIP_PAGE * GLINT_CLIP_PAGE,
		.uring = config->uring,
		.disk = config->disk,
	};
	int err;

	if (!recorder)
		return -ENOMEM;
	recorder->loop = loop;
	recorder->config = *config;
	recorder->frames = frames;
	recorder->listener.ready = recorder_on_ready;
	glint_record_frames_init(recorder);
	glint_recordings_init(recorder);
	err = open_lines(recorder);
	if (err < 0) {
		free(recorder);
		return err;
	}
	err = glint_writer_create(&recorder->writer, loop, &writer, &recorder->listener);
	if (err < 0) {
		close_lines(recorder);
		glint_log_error(&topic, "--record '%s': %s", config->folder,
				glint_record_folder_advice(err));
		free(recorder);
		return err;
	}
	glint_alarm_init(&recorder->alarm, loop, recorder_on_alarm);
	glint_alarm_set(&recorder->alarm, glint_now_ns() + PREPARE_NS);
	*out = recorder;
	return 0;
}

bool glint_recorder_destroy(struct glint_recorder *recorder, uint64_t deadline_ns)
{
	uint64_t first, next, n_entries;

	if (!recorder)
		return true;
	recorder->ending = true;
	glint_fanout_detach(recorder->frames, &recorder->sink);
	glint_recordings_end(recorder);
	close_lines(recorder);
	glint_alarm_end(&recorder->alarm);
	first = recorder->ring ? recorder->ring->first : 0;
	next = recorder->ring ? recorder->ring->next : 0;
	n_entries = recorder->ring ? recorder->ring->n_entries : 1;
	/* The thread may read the frames until it has ended. */
	if (!glint_writer_destroy(recorder->writer, deadline_ns))
		return false;
	for (uint64_t n = first; n < next; n++)
		glint_frame_unref(recorder->held[n % n_entries]);
	free(recorder->held);
	recorder->held = NULL;
	glint_deferred_cancel(&recorder->settle);
	while (glint_alarm_busy(&recorder->alarm) && glint_time_left_ns(deadline_ns) > 0)
		if (glint_loop_run_once(recorder->loop, deadline_ns) < 0)
			break;
	if (glint_alarm_busy(&recorder->alarm))
		return false;
	free(recorder);
	return true;
}

struct glint_lender *glint_recorder_lender(struct glint_recorder *recorder)
{
	return &recorder->lender;
}

/* --- Figures ----------------------------------------------------------------------------------- */

/* Frames that recordings are to have, and that are in no file yet. */
static uint64_t count_backlog(const struct glint_recorder *recorder)
{
	uint64_t backlog = 0;

	for (unsigned i = 0; i < GLINT_RECORDS_ACTIVE; i++) {
		const struct glint_record_running *recording = &recorder->recordings[i];

		if (recording->used && recording->open)
			backlog += atomic_load(&recording->job.ready) -
				   atomic_load(&recording->job.done);
	}
	return backlog;
}

static const char *state_name(const struct glint_recorder *recorder)
{
	static const char *const names[] = { "preparing", "ready", "failed" };

	return recorder ? names[recorder->state] : "off";
}

void glint_recorder_report(const struct glint_recorder *recorder, struct glint_report *report)
{
	static const struct glint_recorder none;
	const struct glint_recorder *of = recorder ? recorder : &none;
	struct glint_writer_figures figures = { .engine = "" };
	uint64_t in_ring = 0, unwritten = 0, held_ns = 0;
	const struct glint_record_ring *index = of->index;
	int gpio_err = IS_ENABLED(CONFIG_RECORD_GPIO) ? glint_gpio_error(of->gpio) : 0;

	if (recorder)
		glint_writer_figures(recorder->writer, &figures);
	if (index)
		in_ring = index->next - index->first - of->in_files;
	if (of->disk)
		unwritten = of->disk->next - glint_writer_kept(of->writer);
	if (index && index->next > index->first)
		held_ns = glint_record_ring_at(index, index->next - 1)->frame.capture_ns -
			  glint_record_ring_at(index, index->first)->frame.capture_ns;
	glint_report_object(report, "recorder");
	glint_report_text(report, "state", state_name(recorder));
	glint_report_text(report, "folder", recorder ? of->config.folder : "");
	glint_report_text(report, "memory", of->source.memory ? of->source.memory : "");
	glint_report_text(report, "memory_reason",
			  of->source.memory_reason ? of->source.memory_reason : "");
	glint_report_uint(report, "memory_bytes", of->ring ? of->ring->size : 0);
	glint_report_uint(report, "disk_bytes", of->disk ? of->disk->size : 0);
	glint_report_uint(report, "disk_unwritten", unwritten);
	glint_report_text(report, "disk_error",
			  figures.ring_err < 0 ? strerror(-figures.ring_err) : "");
	glint_report_text(report, "writer", figures.engine);
	glint_report_bool(report, "direct", figures.direct);
	glint_report_uint(report, "seen", of->seen);
	glint_report_uint(report, "recorded", of->recorded);
	glint_report_uint(report, "lost", of->lost);
	glint_report_uint(report, "passed", of->passed);
	glint_report_uint(report, "in_ring", in_ring);
	glint_report_uint(report, "backlog", count_backlog(of));
	glint_report_uint(report, "dropped", of->dropped);
	glint_report_uint(report, "corrupt", of->corrupt);
	glint_report_uint(report, "skipped", of->skipped);
	glint_report_uint(report, "held_ns", held_ns);
	glint_report_uint(report, "copied", of->copied);
	glint_report_uint(report, "bytes_written", figures.written);
	glint_report_real(report, "worst_write_ms", (double)figures.worst_write_ns / 1e6);
	glint_report_uint(report, "active", of->n_active);
	glint_report_uint(report, "closed", of->closed);
	glint_report_uint(report, "failed", of->failed);
	glint_report_uint(report, "refused", of->refused);
	glint_report_uint(report, "recovered", figures.recovered);
	glint_report_uint(report, "gpio_edges",
			  IS_ENABLED(CONFIG_RECORD_GPIO) ? glint_gpio_edges(of->gpio) : 0);
	glint_report_uint(report, "gpio_missed",
			  IS_ENABLED(CONFIG_RECORD_GPIO) ? glint_gpio_missed(of->gpio) : 0);
	glint_report_text(report, "gpio_error", gpio_err < 0 ? strerror(-gpio_err) : "");
	glint_report_end(report);
}
