/* SPDX-License-Identifier: MIT */
#include "truth/truth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "core/events.h"
#include "core/fanout.h"
#include "core/frame.h"
#include "core/report.h"
#include "core/workers.h"
#include "mem/dmabuf.h"
#include "pixels/pixels.h"
#include "truth/cards.h"
#include "truth/look.h"

#define RAW_NS	     (250 * GLINT_NSEC_PER_MSEC)
#define RAW_FAST_NS  (100 * GLINT_NSEC_PER_MSEC) /* frames of a card are live until a look sees it */
#define JPEG_NS	     (3 * GLINT_NSEC_PER_SEC)
#define JPEG_FAST_NS (500 * GLINT_NSEC_PER_MSEC) /* while the picture is no source's */
#define PATIENCE     3 /* intervals without a frame to spare; then a frame is borrowed all the same */

/* A finding: it holds since a time, or does not hold. */
struct finding {
	bool holds;
	uint64_t since_ns; /* CLOCK_MONOTONIC, of the frame */
};

/* What looks are made with. The thread borrows all but @anchor. */
struct pictures {
	struct glint_look look;
	struct glint_cards cards;
	uint8_t line[GLINT_LOOK_LINE_MAX];
	struct glint_look anchor; /* the look that later ones are compared with */
};

struct glint_truth {
	struct glint_loop *loop;
	struct glint_fanout *frames;
	struct glint_truth_config config;
	struct glint_sink sink;
	/* NULL before the first look. */
	struct glint_workers *worker; /* one thread */
	struct pictures *pictures;

	/* A look under way. The thread borrows all of it. */
	struct glint_job job;
	bool runs, ending;
	struct glint_frame *frame;
	struct glint_pixels_source source;
	struct glint_truth_config job_config;
	int err;
	bool dark;
	char card[GLINT_CARD_NAME_MAX]; /* that it shows; "" */

	uint64_t looked_ns, stream;
	uint64_t anchor_ns; /* time of the frame of the anchor */
	uint64_t equal;	    /* looks since then */
	struct finding black, frozen, shows_card;
	char shown[GLINT_CARD_NAME_MAX];
	enum glint_untruth told;
	uint64_t looks, failed, look_ns; /* the last figure: thread time of all looks */
	unsigned n_cards;		 /* as of the last look */
};

/* --- On the thread -------------------------------------------------------------------------- */

static void truth_run(struct glint_job *job, unsigned part)
{
	struct glint_truth *truth = container_of(job, struct glint_truth, job);
	const struct glint_truth_config *config = &truth->job_config;
	struct pictures *pictures = truth->pictures;
	const struct glint_card *card;

	(void)part;
	if (config->cards)
		glint_cards_update(&pictures->cards, config->cards, pictures->line);
	truth->card[0] = '\0';
	truth->err = glint_dmabuf_begin_read(truth->frame->buf);
	if (truth->err == 0) {
		truth->err = glint_look_take(&pictures->look, &truth->source, pictures->line);
		(void)glint_dmabuf_end_read(truth->frame->buf);
	}
	if (truth->err < 0)
		return;
	truth->dark = config->black_level > 0 &&
		      glint_look_is_dark(&pictures->look, config->black_level);
	card = glint_cards_find(&pictures->cards, &pictures->look, config->card_tolerance);
	if (card)
		memcpy(truth->card, card->name, sizeof(truth->card));
}

/* --- Findings ------------------------------------------------------------------------------- */

const char *glint_untruth_name(enum glint_untruth untruth)
{
	static const char *const names[] = {
		[GLINT_UNTRUTH_NONE] = "",
		[GLINT_UNTRUTH_CARD] = "card",
		[GLINT_UNTRUTH_BLACK] = "black",
		[GLINT_UNTRUTH_FROZEN] = "frozen",
	};

	return names[untruth];
}

static void set_finding(struct glint_truth *truth, struct finding *finding, const char *name,
			bool holds, uint64_t since_ns)
{
	struct glint_report *report;

	if (finding->holds == holds)
		return;
	finding->holds = holds;
	finding->since_ns = since_ns;
	report = glint_events_begin(truth->config.events, GLINT_EVENT_PICTURE);
	glint_report_text(report, "finding", name);
	glint_report_bool(report, "holds", holds);
	glint_report_uint(report, "since_ns", since_ns);
	if (finding == &truth->shows_card && holds)
		glint_report_text(report, "card", truth->shown);
	glint_events_commit(truth->config.events);
}

enum glint_untruth glint_truth_finds(const struct glint_truth *truth)
{
	if (truth->shows_card.holds)
		return GLINT_UNTRUTH_CARD;
	if (truth->black.holds)
		return GLINT_UNTRUTH_BLACK;
	return truth->frozen.holds ? GLINT_UNTRUTH_FROZEN : GLINT_UNTRUTH_NONE;
}

static void tell(struct glint_truth *truth)
{
	enum glint_untruth finds = glint_truth_finds(truth);

	if (finds == truth->told)
		return;
	truth->told = finds;
	truth->config.changed(truth->config.ctx);
}

/* The picture is unknown until the next look; the result of a look under way is dropped. */
static void forget(struct glint_truth *truth)
{
	uint64_t now_ns = glint_now_ns();

	truth->stream = 0;
	if (truth->pictures)
		truth->pictures->anchor.width = 0;
	truth->equal = 0;
	set_finding(truth, &truth->shows_card, "card", false, now_ns);
	set_finding(truth, &truth->black, "black", false, now_ns);
	set_finding(truth, &truth->frozen, "frozen", false, now_ns);
	truth->told = GLINT_UNTRUTH_NONE;
}

static void judge(struct glint_truth *truth, uint64_t now_ns)
{
	uint64_t frozen_ns = truth->config.frozen_ns;
	struct pictures *pictures = truth->pictures;
	bool frozen;

	if (glint_look_differs(&pictures->anchor, &pictures->look, truth->config.frozen_noise)) {
		pictures->anchor = pictures->look;
		truth->anchor_ns = now_ns;
		truth->equal = 0;
	} else {
		truth->equal++;
	}
	frozen = frozen_ns > 0 && truth->equal > 0 && now_ns - truth->anchor_ns >= frozen_ns;
	memcpy(truth->shown, truth->card, sizeof(truth->shown));
	set_finding(truth, &truth->shows_card, "card", *truth->card, now_ns);
	set_finding(truth, &truth->black, "black", truth->dark, now_ns);
	set_finding(truth, &truth->frozen, "frozen", frozen, frozen ? truth->anchor_ns : now_ns);
}

static void truth_done(struct glint_job *job)
{
	struct glint_truth *truth = container_of(job, struct glint_truth, job);
	uint64_t now_ns = truth->frame->info.complete_ns;
	bool lost = truth->stream != truth->frame->info.stream;

	truth->runs = false;
	truth->frame = glint_frame_unref(truth->frame);
	truth->looks++;
	truth->look_ns += job->took_ns;
	truth->n_cards = truth->pictures->cards.n;
	if (truth->ending || lost)
		return;
	if (truth->err < 0) {
		truth->failed++;
		return;
	}
	judge(truth, now_ns);
	tell(truth);
}

/* --- Frames --------------------------------------------------------------------------------- */

static uint64_t interval_ns(const struct glint_truth *truth, const struct glint_frame *frame)
{
	if (!frame->jpeg)
		return truth->config.cards ? RAW_FAST_NS : RAW_NS;
	return truth->told == GLINT_UNTRUTH_CARD || truth->told == GLINT_UNTRUTH_BLACK ?
		       JPEG_FAST_NS :
		       JPEG_NS;
}

/* Without anything to look for, no frame is borrowed. */
static bool is_wanted(const struct glint_truth_config *config)
{
	return config->cards || config->black_level > 0 || config->frozen_ns > 0;
}

static int point_to(struct glint_truth *truth, struct glint_frame *frame)
{
	const struct glint_pixels_rules rules = { truth->config.swap_rgb,
						  truth->config.keep_range };
	int err = glint_dmabuf_map(frame->buf);

	if (err < 0)
		return err;
	if (!frame->jpeg)
		return glint_pixels_of_frame(&truth->source, frame->format, frame->buf, rules);
	glint_pixels_of_jpeg(&truth->source,
			     frame->buf->planes[0].map + frame->buf->planes[0].offset, frame->used,
			     frame->info.width, frame->info.height);
	return 0;
}

/* Allocate what the first look needs. What was allocated stays after a failure. */
static int prepare(struct glint_truth *truth)
{
	if (!truth->pictures)
		truth->pictures = calloc(1, sizeof(*truth->pictures));
	if (!truth->pictures)
		return -ENOMEM;
	return truth->worker ? 0 : glint_workers_create(&truth->worker, truth->loop, "truth", 1);
}

static bool truth_push(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_truth *truth = container_of(sink, struct glint_truth, sink);
	bool begins = frame->info.stream != truth->stream;
	uint64_t interval = interval_ns(truth, frame), now_ns = frame->info.dequeue_ns;

	if (truth->runs || !is_wanted(&truth->config) ||
	    (!begins && now_ns - truth->looked_ns < interval))
		return false;
	if (!begins && now_ns - truth->looked_ns < PATIENCE * interval &&
	    truth->config.spare(truth->config.ctx) == 0)
		return false;
	truth->stream = frame->info.stream;
	truth->looked_ns = now_ns;
	if (prepare(truth) < 0) {
		truth->failed++;
		return false;
	}
	if (point_to(truth, frame) < 0)
		return false;
	truth->frame = glint_frame_ref(frame);
	truth->job_config = truth->config;
	truth->runs = true;
	glint_workers_submit(truth->worker, &truth->job, 1);
	return false; /* a look is no delivery */
}

void glint_truth_source_lost(struct glint_truth *truth)
{
	forget(truth);
}

/* --- The object ----------------------------------------------------------------------------- */

int glint_truth_create(struct glint_truth **out, struct glint_loop *loop,
		       struct glint_fanout *frames, const struct glint_truth_config *config)
{
	struct glint_truth *truth = calloc(1, sizeof(*truth));

	if (!truth)
		return -ENOMEM;
	truth->loop = loop;
	truth->frames = frames;
	truth->config = *config;
	truth->job.run = truth_run;
	truth->job.done = truth_done;
	truth->sink.push_frame = truth_push;
	glint_list_init(&truth->sink.link);
	glint_fanout_attach(frames, &truth->sink);
	*out = truth;
	return 0;
}

bool glint_truth_destroy(struct glint_truth *truth, uint64_t deadline_ns)
{
	if (!truth)
		return true;
	truth->ending = true;
	glint_fanout_detach(truth->frames, &truth->sink);
	if (!glint_workers_destroy(truth->worker, deadline_ns))
		return false;
	free(truth->pictures);
	free(truth);
	return true;
}

void glint_truth_apply(struct glint_truth *truth, const struct glint_truth_config *config)
{
	truth->config = *config;
	/* No look follows that could end a finding. */
	if (!is_wanted(config))
		forget(truth);
}

/* @rests_on: what the finding is made from. */
static void report_finding(struct glint_report *report, const char *name,
			   const struct finding *finding, const char *rests_on)
{
	glint_report_object(report, name);
	glint_report_bool(report, "holds", finding->holds);
	glint_report_uint(report, "since_ns", finding->since_ns);
	glint_report_text(report, "rests_on", finding->holds ? rests_on : "");
	glint_report_end(report);
}

void glint_truth_report(const struct glint_truth *truth, struct glint_report *report)
{
	const struct glint_truth_config *config = &truth->config;
	unsigned lines = truth->pictures ? truth->pictures->anchor.n_lines : 0;
	char text[192];

	glint_report_text(report, "finding", glint_untruth_name(glint_truth_finds(truth)));
	snprintf(text, sizeof(text), "as '%s', within %u grey levels", truth->shown,
		 config->card_tolerance);
	report_finding(report, "card", &truth->shows_card, text);
	snprintf(text, sizeof(text), "no piece of %u lines is above %u", lines,
		 config->black_level);
	report_finding(report, "black", &truth->black, text);
	snprintf(text, sizeof(text), "%llu looks at %u lines differ by at most %u",
		 (unsigned long long)truth->equal, lines, config->frozen_noise);
	report_finding(report, "frozen", &truth->frozen, text);
	glint_report_uint(report, "looks", truth->looks);
	glint_report_uint(report, "failed", truth->failed);
	glint_report_uint(report, "look_ns", truth->look_ns);
	glint_report_uint(report, "cards", truth->n_cards);
}
