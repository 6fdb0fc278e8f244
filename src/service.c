/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "capture/controls.h"
#include "capture/copy.h"
#include "core/edid.h"
#include "core/events.h"
#include "core/loop.h"
#include "core/marks.h"
#include "core/packet.h"
#include "core/report.h"
#include "core/status.h"
#include "encode/blank.h"
#include "encode/encoder.h"
#include "encode/offline.h"
#include "http/server.h"
#include "judge/judge.h"
#include "options/options.h"
#include "pattern/pattern.h"
#include "record/recorder.h"
#include "replay/replay.h"
#include "service_change.h"
#include "service_edid.h"
#include "service_events.h"
#include "stills/stills.h"
#include "systemd.h"
#include "truth/truth.h"

#define STOP_TIMEOUT_NS (300 * GLINT_NSEC_PER_MSEC) /* for a device that is stuck */
#define OFFLINE_WIDTH	640
#define OFFLINE_HEIGHT	480

static const struct glint_log_topic topic = { "service" };

struct glint_service {
	struct glint_owner owner;
	const struct glint_settings *settings; /* the owner's */
	struct glint_loop *loop;
	struct glint_events *events;
	struct glint_source_told told_source;
	uint64_t stop_timeout_ns; /* for each module that waits for a device or a disk */
	struct glint_server *server;
	uint8_t *edid; /* of --edid; NULL: none */
	size_t edid_size;
	struct glint_pattern *pattern; /* NULL: a real device, or a recording */
	struct glint_replay *replay;   /* NULL: no recording */
	char *replay_device;	       /* "clip:" and the whole path */
	struct glint_capture *capture;
	struct glint_encoder *encoder;
	struct glint_marks *marks;
	struct glint_judge *judge;
	struct glint_truth *truth;
	struct glint_recorder *recorder; /* NULL: nothing is recorded */
	struct glint_events_listener events_listener;
	uint64_t events_seen;	   /* the last event that the recorder was told of */
	struct glint_op signal_op; /* poll of @signal_fd */
	int signal_fd;		   /* eventfd: SIGUSR1 came */
	struct glint_capture_listener listener;
	struct glint_op stop_op;       /* poll of the descriptor that asks us to stop */
	struct glint_alarm idle_alarm; /* looks for clients, with --exit-on-no-clients */
	uint64_t idle_since_ns;
	uint64_t accepted; /* connections at the last idle_alarm */
	uint64_t started_ns;
	struct glint_offline *offline;
	struct glint_stills *stills;
	enum glint_reason reason;     /* at the last change of the source */
	struct glint_systemd systemd; /* with --systemd only */
	pid_t parent;		      /* at the start of the process */
	struct {
		bool online;
		uint32_t width, height;
	} notified; /* what the last SIGUSR2 to the parent was about; no size: none was sent */
	int exit_code;
	bool ending; /* glint_service_destroy() has begun: the modules go one by one */
};

/* Titles and advice for people. Programs get glint_reason_name(). */
static const struct {
	const char *title, *advice;
} reason_texts[] = {
	[GLINT_REASON_NONE] = { "NO VIDEO", "" },
	[GLINT_REASON_OPENING] = { "STARTING", "waiting for the first frame" },
	[GLINT_REASON_WARMING_UP] = { "WARMING UP", "the first frames are not shown" },
	[GLINT_REASON_IDLE] = { "IDLE", "nobody needs frames" },
	[GLINT_REASON_NO_DEVICE] = { "NO DEVICE", "missing or unplugged; waiting for it" },
	[GLINT_REASON_WRONG_DEVICE] = { "WRONG DEVICE", "another device is in its place" },
	[GLINT_REASON_BUSY] = { "DEVICE BUSY", "another process streams from it" },
	[GLINT_REASON_NO_PERMISSION] = { "NO PERMISSION",
					 "may not open the device; add the user to its group (video)" },
	[GLINT_REASON_NOT_CAPTURE] = { "NOT A CAPTURE DEVICE", "this node cannot capture video" },
	[GLINT_REASON_NO_SIGNAL] = { "NO SIGNAL", "nothing is connected, or it is switched off" },
	[GLINT_REASON_NO_LOCK] = { "NO LOCK", "there is a signal, but it is not stable" },
	[GLINT_REASON_UNPOWERED] = { "NO POWER", "the source is off, or its cable is out" },
	[GLINT_REASON_INTERLACED] = { "INTERLACED",
				      "the driver delivers fields only; choose a progressive mode" },
	[GLINT_REASON_OUT_OF_RANGE] = { "OUT OF RANGE", "the receiver cannot take these timings" },
	[GLINT_REASON_FORMAT] = { "NO USABLE FORMAT",
				  "the device offers no pixel format that can be read" },
	[GLINT_REASON_PIPELINE] = { "PIPELINE NOT SET UP",
				    "links or formats of the media graph are wrong; see glint media" },
	[GLINT_REASON_STALLED] = { "STALLED", "the device delivers no frames" },
	[GLINT_REASON_CORRUPT] = { "CORRUPT FRAMES",
				   "every frame that the device sends is damaged" },
	[GLINT_REASON_STUCK] = { "DEVICE STUCK", "a call into its driver does not return" },
	[GLINT_REASON_CARD] = { "NO SIGNAL", "the device shows the picture that it has for that" },
	[GLINT_REASON_BLACK] = { "BLACK", "the picture is black" },
	[GLINT_REASON_FROZEN] = { "FROZEN", "the picture does not change any more" },
	[GLINT_REASON_ERROR] = { "DEVICE ERROR", "see the log" },
};

static bool reason_is_device_error(enum glint_reason reason)
{
	switch (reason) {
	case GLINT_REASON_NO_DEVICE:
	case GLINT_REASON_WRONG_DEVICE:
	case GLINT_REASON_BUSY:
	case GLINT_REASON_NO_PERMISSION:
	case GLINT_REASON_NOT_CAPTURE:
	case GLINT_REASON_FORMAT:
	case GLINT_REASON_PIPELINE:
	case GLINT_REASON_STALLED:
	case GLINT_REASON_CORRUPT:
	case GLINT_REASON_STUCK:
	case GLINT_REASON_ERROR:
		return true;
	default:
		return false;
	}
}

/*
 * Return the video's size; before the first frame the size of --resolution, or else of a default
 * picture.
 */
static void service_size(const struct glint_service *service,
			 const struct glint_capture_status *capture, uint32_t *width,
			 uint32_t *height)
{
	const struct glint_capture_config *wished = &service->settings->capture;
	bool wish = wished->width > 0;

	*width = capture->width;
	*height = capture->height;
	if (capture->width == 0) {
		*width = wish ? wished->width : OFFLINE_WIDTH;
		*height = wish ? wished->height : OFFLINE_HEIGHT;
	}
}

/* --- Answers to the server ------------------------------------------------------------ */

static const char *service_replay_name(const struct glint_service *service)
{
	struct glint_replay_status status;

	if (!IS_ENABLED(CONFIG_REPLAY) || !service->replay)
		return NULL;
	glint_replay_status(service->replay, &status);
	return status.name;
}

static struct glint_source_state service_source(void *ctx)
{
	const struct glint_service *service = ctx;
	struct glint_capture_status capture;

	glint_capture_status(service->capture, &capture);
	return (struct glint_source_state){
		.online = capture.online,
		.stream = capture.stream,
		.reason = glint_reason_name(capture.reason),
		.replay = service_replay_name(service),
	};
}

static int service_newest(void *ctx, struct glint_frame_info *info)
{
	const struct glint_service *service = ctx;
	struct glint_capture_status capture;

	glint_capture_status(service->capture, &capture);
	if (capture.stream == 0 || capture.last.stream != capture.stream)
		return -ENOENT;
	*info = capture.last;
	return 0;
}

static int service_gaps(void *ctx, uint64_t stream, uint32_t since, uint32_t seq,
			struct glint_gaps *gaps)
{
	const struct glint_service *service = ctx;
	struct glint_capture_status capture;

	glint_capture_status(service->capture, &capture);
	if (stream == 0 || stream != capture.stream)
		return -ENOENT;
	return glint_ledger_gaps(glint_capture_ledger(service->capture), since, seq, gaps);
}

static void service_on_recorder_ready(void *ctx)
{
	struct glint_service *service = ctx;

	if (!service->ending)
		glint_capture_start(service->capture);
}

static bool service_is_short(void *ctx)
{
	const struct glint_service *service = ctx;

	return glint_capture_is_short(service->capture);
}

static int service_complete_by(void *ctx, uint32_t seq, uint64_t *complete_ns)
{
	const struct glint_service *service = ctx;

	return glint_ledger_complete_by(glint_capture_ledger(service->capture), seq, complete_ns);
}

/* The members of ustreamer's state, in ustreamer's order and with its types. */
static void report_as_ustreamer(const struct glint_service *service, struct glint_report *report)
{
	const struct glint_settings *settings = service->settings;
	struct glint_capture_status capture;
	uint32_t width, height;

	glint_report_text(report, "instance_id", settings->net.instance_id);

	glint_report_object(report, "encoder");
	glint_encoder_report_type(service->encoder, report);
	glint_report_end(report);

	glint_capture_status(service->capture, &capture);
	service_size(service, &capture, &width, &height);
	if (settings->fake_width > 0 && settings->fake_height > 0) {
		width = settings->fake_width;
		height = settings->fake_height;
	}
	glint_report_object(report, "source");
	glint_report_object(report, "resolution");
	glint_report_uint(report, "width", width);
	glint_report_uint(report, "height", height);
	glint_report_end(report);
	glint_report_bool(report, "online", capture.online);
	glint_report_uint(report, "desired_fps", settings->encoder.desired_fps);
	glint_report_rounded_rate(report, "captured_fps",
				  glint_capture_rate_millihz(service->capture));
	glint_report_end(report);

	glint_report_object(report, "stream");
	glint_server_report_streams(service->server, report);
	glint_report_end(report);
}

/* How often the CPU has gone over a frame for waits, as a part of all frames. */
static double service_judge_passes(const struct glint_service *service)
{
	uint64_t seen = glint_capture_ledger(service->capture)->seen;

	if (!IS_ENABLED(CONFIG_JUDGE) || seen == 0)
		return 0;
	return (double)glint_judge_copies(service->judge) / (double)seen;
}

static void service_report(void *ctx, struct glint_report *report)
{
	const struct glint_service *service = ctx;

	report_as_ustreamer(service, report);

	glint_report_object(report, "glint");
	glint_report_text(report, "version", GLINT_VERSION);
	glint_report_uint(report, "uptime_s",
			  (glint_now_ns() - service->started_ns) / GLINT_NSEC_PER_SEC);
	glint_report_uint(report, "settings_generation", service->owner.generation);
	glint_loop_report(service->loop, report);
	glint_capture_report(service->capture, report);
	glint_report_object(report, "picture");
	glint_truth_report(service->truth, report);
	glint_report_end(report);
	glint_encoder_report(service->encoder, report);
	glint_offline_report(service->offline, report);
	glint_marks_report(service->marks, report);
	if (IS_ENABLED(CONFIG_JUDGE))
		glint_judge_report(service->judge, report);
	glint_stills_report(service->stills, report);
	glint_report_object(report, "latency_ns");
	glint_capture_report_latencies(service->capture, report);
	glint_encoder_report_latencies(service->encoder, report);
	glint_server_report_latencies(service->server, report);
	if (IS_ENABLED(CONFIG_JUDGE))
		glint_judge_report_latencies(service->judge, report);
	glint_report_end(report);
	glint_server_report(service->server, report);
	glint_events_report(service->events, report);
	if (IS_ENABLED(CONFIG_RECORD))
		glint_recorder_report(service->recorder, report);
	if (IS_ENABLED(CONFIG_REPLAY))
		glint_replay_report(service->replay, report);
	glint_report_real(report, "copies_per_frame",
			  glint_encoder_copies_per_frame(service->encoder) +
				  service_judge_passes(service));
	glint_report_end(report);
}

static struct glint_marks *service_marks(void *ctx)
{
	const struct glint_service *service = ctx;

	return service->marks;
}

static int service_offline_picture(void *ctx, struct glint_packet **out)
{
	struct glint_service *service = ctx;
	struct glint_capture_status capture;
	struct glint_blank_wish wish;

	glint_capture_status(service->capture, &capture);
	service_size(service, &capture, &wish.width, &wish.height);
	wish.title = reason_texts[capture.reason].title;
	assert(wish.title); /* each reason has a row */
	snprintf(wish.detail, sizeof(wish.detail), "%s%s%s%s%s", capture.path,
		 *capture.path ? ": " : "", reason_texts[capture.reason].advice,
		 *capture.message ? ": " : "", capture.message);
	return glint_offline_packet(service->offline, &wish, out);
}

static void service_on_offline_drawn(void *ctx)
{
	struct glint_service *service = ctx;

	glint_server_offline_drawn(service->server);
}

static int refuse_wait(struct glint_wait *wait, unsigned status, const char *reason,
		       const char *message)
{
	wait->status = status;
	wait->reason = reason;
	wait->message = message;
	return -EINVAL;
}

/* The mark of the frame with the number @seq of the live stream; NULL: there is none. */
static const struct glint_mark *find_numbered(struct glint_service *service, uint32_t seq)
{
	const struct glint_mark *mark;
	struct glint_capture_status capture;

	glint_capture_status(service->capture, &capture);
	glint_list_for_each(mark, glint_marks_all(service->marks), link)
		if (mark->reference && mark->info.seq == seq && mark->info.stream == capture.stream)
			return mark;
	return NULL;
}

/* Refuse the wait, as the frame that it compares with is not kept; name the nearest that is. */
static int refuse_reference(struct glint_service *service, struct glint_wait *wait,
			    const struct glint_moment *since, uint64_t ns)
{
	const struct glint_mark *mark = glint_marks_nearest(service->marks, ns);
	char what[40], kept[GLINT_MARK_ID_MAX + 64] = "no frame is kept";

	snprintf(what, sizeof(what), "the frame of that time");
	if (since->kind == GLINT_MOMENT_SEQ)
		snprintf(what, sizeof(what), "frame %u", since->seq);
	if (since->kind == GLINT_MOMENT_MARK)
		snprintf(what, sizeof(what), "the frame of that mark");
	if (mark)
		snprintf(kept, sizeof(kept), "the nearest that is kept is frame %u of mark:%s",
			 mark->info.seq, mark->id);
	snprintf(wait->text, sizeof(wait->text),
		 "%s is not kept: POST /marks keeps the frame of a moment; %s", what, kept);
	return refuse_wait(wait, 409, "no-reference", wait->text);
}

/* The kept frame that was the newest complete one at @ns; NULL: it is not kept. */
static struct glint_frame *find_shown_at(struct glint_service *service, uint64_t ns)
{
	struct glint_frame *newest = glint_marks_newest(service->marks);
	const struct glint_mark *mark = glint_marks_find_at(service->marks, ns);
	uint32_t seq;

	if (!mark &&
	    glint_ledger_newest_at(glint_capture_ledger(service->capture), ns, &seq) == 0) {
		if (newest && newest->info.seq == seq)
			return newest;
		mark = find_numbered(service, seq);
	}
	return mark ? mark->reference : NULL;
}

/*
 * Find the frame that @condition compares with, and take a reference: marks may expire while the
 * frames of further conditions are looked up. -EINVAL: the wait has the refusal.
 */
static int service_find_reference(struct glint_service *service, struct glint_wait *wait,
				  struct glint_condition *condition)
{
	struct glint_frame *newest = glint_marks_newest(service->marks), *found = NULL;
	const struct glint_moment *since = &condition->since;
	const struct glint_mark *mark = NULL;
	uint64_t ns = wait->since_ns;

	assert(!condition->reference);

	switch (since->kind) {
	case GLINT_MOMENT_NOW:
		return 0;
	case GLINT_MOMENT_LAST:
		if (newest)
			condition->reference = glint_frame_ref(newest);
		else
			glint_marks_expect(service->marks); /* the next one comes at once */
		return 0;
	case GLINT_MOMENT_TIME:
		ns = since->ns;
		found = find_shown_at(service, ns);
		break;
	case GLINT_MOMENT_SEQ:
		(void)glint_ledger_complete_by(glint_capture_ledger(service->capture), since->seq,
					       &ns);
		mark = find_numbered(service, since->seq);
		found = mark ? mark->reference : NULL;
		if (newest && newest->info.seq == since->seq)
			found = newest;
		break;
	case GLINT_MOMENT_MARK:
		mark = glint_marks_find(service->marks, since->mark);
		if (!mark)
			return refuse_wait(wait, 404, "unknown-mark",
					   "there is no mark of that name");
		ns = mark->ns;
		found = mark->reference;
		break;
	}
	if (!found)
		return refuse_reference(service, wait, since, ns);
	condition->reference = glint_frame_ref(found);
	return 0;
}

static int service_wait(void *ctx, struct glint_wait *wait)
{
	struct glint_service *service = ctx;
	int err = 0;

	if (!IS_ENABLED(CONFIG_JUDGE))
		return -ENOSYS;
	for (unsigned i = 0; i < wait->n_conditions && err == 0; i++)
		err = service_find_reference(service, wait, &wait->conditions[i]);
	if (err == 0)
		err = glint_judge_begin(service->judge, wait);
	/* The judge has references of its own. */
	for (unsigned i = 0; i < wait->n_conditions; i++)
		wait->conditions[i].reference = glint_frame_unref(wait->conditions[i].reference);
	return err;
}

static void service_unwait(void *ctx, struct glint_wait *wait)
{
	struct glint_service *service = ctx;

	if (IS_ENABLED(CONFIG_JUDGE))
		glint_judge_cancel(service->judge, wait);
}

static void service_settings(void *ctx, struct glint_report *report)
{
	const struct glint_service *service = ctx;

	glint_owner_report(&service->owner, report);
}

static void service_change(void *ctx, struct glint_change *change)
{
	struct glint_service *service = ctx;

	glint_owner_change(&service->owner, change);
}

static void service_forget(void *ctx, struct glint_change *change)
{
	struct glint_service *service = ctx;

	glint_owner_forget(&service->owner, change);
}

static int service_ask_still(void *ctx, struct glint_still *still)
{
	struct glint_service *service = ctx;

	return glint_stills_ask(service->stills, still);
}

static int service_convert_still(void *ctx, struct glint_still *still, struct glint_packet *picture)
{
	struct glint_service *service = ctx;

	return glint_stills_convert(service->stills, still, picture);
}

static void service_forget_still(void *ctx, struct glint_still *still)
{
	struct glint_service *service = ctx;

	glint_stills_forget(service->stills, still);
}

static bool service_still_is_due(void *ctx, const struct glint_still *still)
{
	const struct glint_service *service = ctx;

	return glint_stills_due(service->stills, still);
}

static int service_ask_controls(void *ctx, struct glint_control_request *request)
{
	struct glint_service *service = ctx;

	return glint_capture_ask_controls(service->capture, request);
}

static void service_forget_controls(void *ctx, struct glint_control_request *request)
{
	struct glint_service *service = ctx;

	glint_capture_forget_controls(service->capture, request);
}

static void service_tell_controls(void *ctx, const struct glint_control_request *request,
				  struct glint_report *report)
{
	(void)ctx;
	glint_capture_tell_controls(request, report);
}

static int service_ask_edid(void *ctx, struct glint_edid_request *request)
{
	struct glint_service *service = ctx;
	int err = glint_service_check_edid(request);

	return err < 0 ? err : glint_capture_ask_edid(service->capture, request);
}

static void service_forget_edid(void *ctx, struct glint_edid_request *request)
{
	struct glint_service *service = ctx;

	glint_capture_forget_edid(service->capture, request);
}

static void service_tell_edid(void *ctx, const uint8_t *edid, size_t size,
			      struct glint_report *report)
{
	(void)ctx;
	glint_service_tell_edid(edid, size, report);
}

static int service_ask_timings(void *ctx, struct glint_timings_request *request)
{
	struct glint_service *service = ctx;

	return glint_capture_ask_timings(service->capture, request);
}

static void service_forget_timings(void *ctx, struct glint_timings_request *request)
{
	struct glint_service *service = ctx;

	glint_capture_forget_timings(service->capture, request);
}

static void service_tell_timings(void *ctx, const struct glint_timings_request *request,
				 struct glint_report *report)
{
	(void)ctx;
	glint_capture_tell_timings(request, report);
}

/* --- Recordings ------------------------------------------------------------------------- */

static int service_record(void *ctx, struct glint_record_request *request)
{
	struct glint_service *service = ctx;

	if (!IS_ENABLED(CONFIG_RECORD) || !service->recorder)
		return -ENODEV;
	glint_recorder_trigger(service->recorder, request);
	return 0;
}

static bool service_records(void *ctx)
{
	const struct glint_service *service = ctx;

	return service->recorder != NULL;
}

static void service_forget_record(void *ctx, struct glint_record_request *request)
{
	struct glint_service *service = ctx;

	if (IS_ENABLED(CONFIG_RECORD))
		glint_recorder_forget(service->recorder, request);
}

static int service_stop_record(void *ctx, const char *name)
{
	struct glint_service *service = ctx;

	if (!IS_ENABLED(CONFIG_RECORD) || !service->recorder)
		return -ENOENT;
	return glint_recorder_stop(service->recorder, name);
}

static const struct glint_recording *service_recording(void *ctx, unsigned index)
{
	const struct glint_service *service = ctx;

	if (!IS_ENABLED(CONFIG_RECORD) || !service->recorder)
		return NULL;
	return glint_recorder_recording(service->recorder, index);
}

static void service_report_recorder(void *ctx, struct glint_report *report)
{
	const struct glint_service *service = ctx;

	if (IS_ENABLED(CONFIG_RECORD))
		glint_recorder_report(service->recorder, report);
}

static int service_ask_replay(void *ctx, struct glint_replay_request *request)
{
	struct glint_service *service = ctx;

	if (!IS_ENABLED(CONFIG_REPLAY) || !service->replay)
		return -ENODEV;
	glint_replay_ask(service->replay, request);
	return 0;
}

static void service_forget_replay(void *ctx, struct glint_replay_request *request)
{
	struct glint_service *service = ctx;

	if (IS_ENABLED(CONFIG_REPLAY))
		glint_replay_forget(service->replay, request);
}

static void service_report_replay(void *ctx, struct glint_report *report)
{
	const struct glint_service *service = ctx;

	if (IS_ENABLED(CONFIG_REPLAY))
		glint_replay_report(service->replay, report);
}

static const struct glint_status_ops status_ops = {
	.source = service_source,
	.newest = service_newest,
	.gaps = service_gaps,
	.complete_by = service_complete_by,
	.marks = service_marks,
	.report = service_report,
	.settings = service_settings,
	.change = service_change,
	.forget = service_forget,
	.offline_picture = service_offline_picture,
	.ask_controls = service_ask_controls,
	.forget_controls = service_forget_controls,
	.tell_controls = service_tell_controls,
	.ask_edid = service_ask_edid,
	.forget_edid = service_forget_edid,
	.tell_edid = service_tell_edid,
	.ask_timings = service_ask_timings,
	.forget_timings = service_forget_timings,
	.tell_timings = service_tell_timings,
	.wait = service_wait,
	.unwait = service_unwait,
	.ask_still = service_ask_still,
	.convert_still = service_convert_still,
	.forget_still = service_forget_still,
	.still_is_due = service_still_is_due,
	.record = service_record,
	.records = service_records,
	.forget_record = service_forget_record,
	.stop_record = service_stop_record,
	.recording = service_recording,
	.report_recorder = service_report_recorder,
	.ask_replay = service_ask_replay,
	.forget_replay = service_forget_replay,
	.report_replay = service_report_replay,
};

static uint32_t service_captured_millihz(void *ctx)
{
	const struct glint_service *service = ctx;

	return glint_capture_rate_millihz(service->capture);
}

/* For marks: what they keep must not cost other readers a copy. */
static unsigned service_spare_for_marks(void *ctx)
{
	const struct glint_service *service = ctx;

	return glint_capture_spare(service->capture);
}

static unsigned service_spare(void *ctx)
{
	const struct glint_service *service = ctx;
	unsigned spare = glint_capture_spare(service->capture);

	if (spare == 0 && service->marks && glint_marks_yield(service->marks))
		spare = glint_capture_spare(service->capture);
	return spare;
}

static void service_stop(struct glint_service *service, int exit_code)
{
	service->exit_code = exit_code;
	glint_loop_stop(service->loop);
}

/*
 * After the parent's end another process, such as init, becomes the parent. It gets no signal: some
 * init programs switch the machine off on SIGUSR2.
 */
static void service_notify_parent(struct glint_service *service,
				  const struct glint_capture_status *capture)
{
	uint32_t width, height;

	if (!service->settings->notify_parent || getppid() != service->parent)
		return;
	service_size(service, capture, &width, &height);
	if (service->notified.online == capture->online && service->notified.width == width &&
	    service->notified.height == height)
		return;
	service->notified.online = capture->online;
	service->notified.width = width;
	service->notified.height = height;
	if (kill(service->parent, SIGUSR2) < 0)
		glint_log_err(&topic, -errno, "cannot send SIGUSR2 to the parent");
}

static void service_tell_recorder(struct glint_service *service,
				  const struct glint_capture_status *capture)
{
	const struct glint_recorder_source source = {
		.online = capture->online,
		.device = capture->path,
		.frame_ns = capture->nominal_millihz > 0 ?
				    1000 * GLINT_NSEC_PER_SEC / capture->nominal_millihz :
				    0,
		.memory = capture->borrowed ? glint_memory_name(capture->memory) : "copy",
		.memory_reason = service->settings->record.jpegs ? "encoded" : capture->loan_reason,
	};

	if (IS_ENABLED(CONFIG_RECORD) && service->recorder)
		glint_recorder_source_changed(service->recorder, &source);
}

/* A fault triggers a recording, if --record-on says so. */
static void service_on_events(struct glint_events_listener *listener)
{
	struct glint_service *service =
		container_of(listener, struct glint_service, events_listener);
	uint64_t last = glint_events_last(service->events);
	uint64_t seq = MAX(service->events_seen + 1, glint_events_first(service->events));

	service->events_seen = last;
	for (; seq <= last; seq++)
		if (IS_ENABLED(CONFIG_RECORD) &&
		    glint_events_type(service->events, seq) == GLINT_EVENT_FAULT) {
			glint_recorder_fire(service->recorder, "fault");
			return;
		}
}

static void service_on_signal(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_service *service = container_of(op, struct glint_service, signal_op);
	eventfd_t ignored;

	(void)flags;
	if (res < 0)
		return;
	(void)eventfd_read(service->signal_fd, &ignored);
	if (IS_ENABLED(CONFIG_RECORD) && service->recorder)
		glint_recorder_fire(service->recorder, "signal");
}

void glint_service_signal(const struct glint_service *service)
{
	if (service->signal_fd >= 0)
		(void)eventfd_write(service->signal_fd, 1);
}

static void service_on_source_changed(struct glint_capture_listener *listener)
{
	struct glint_service *service = container_of(listener, struct glint_service, listener);
	struct glint_capture_status capture;
	enum glint_reason before = service->reason;

	if (service->ending)
		return;
	glint_capture_status(service->capture, &capture);
	service->reason = capture.reason;
	/* What the picture shows is known again with the next frames. */
	if (service->truth && capture.reason != GLINT_REASON_NONE &&
	    capture.reason != GLINT_REASON_OPENING && capture.reason != GLINT_REASON_WARMING_UP &&
	    !glint_reason_is_of_picture(capture.reason)) {
		glint_truth_source_lost(service->truth);
		glint_capture_judge(service->capture, GLINT_REASON_NONE);
	}
	glint_source_tell(&service->told_source, service->events, &capture);
	glint_server_source_changed(service->server);
	if (service->marks)
		glint_marks_source_changed(service->marks);
	if (IS_ENABLED(CONFIG_JUDGE) && service->judge)
		glint_judge_source_changed(service->judge);
	service_tell_recorder(service, &capture);
	service_notify_parent(service, &capture);
	if (before == capture.reason)
		return;

	if (IS_ENABLED(CONFIG_SYSTEMD) && service->settings->systemd)
		glint_systemd_status(&service->systemd,
				     capture.online ? "live" : glint_reason_name(capture.reason));
	if (service->settings->exit_on_device_error && reason_is_device_error(capture.reason)) {
		glint_log_error(&topic,
				"device error '%s': exiting, as --exit-on-device-error asks",
				glint_reason_name(capture.reason));
		service_stop(service, EXIT_FAILURE);
	}
}

static void service_on_stop(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_service *service = container_of(op, struct glint_service, stop_op);

	(void)flags;
	if (res != -ECANCELED)
		service_stop(service, service->exit_code);
}

static void service_watch_clients(struct glint_service *service)
{
	bool wanted = service->settings->exit_on_no_clients_s > 0;

	glint_alarm_set(&service->idle_alarm,
			wanted ? glint_now_ns() + GLINT_NSEC_PER_SEC : GLINT_ALARM_NEVER);
}

static void service_on_idle(struct glint_alarm *alarm)
{
	struct glint_service *service = container_of(alarm, struct glint_service, idle_alarm);
	uint64_t limit_ns = service->settings->exit_on_no_clients_s * GLINT_NSEC_PER_SEC;
	struct glint_server_counters counters;
	uint64_t now_ns = glint_now_ns();

	glint_server_counters(service->server, &counters);
	if (counters.clients > 0 || counters.accepted != service->accepted)
		service->idle_since_ns = now_ns;
	service->accepted = counters.accepted;

	if (now_ns - service->idle_since_ns < limit_ns) {
		service_watch_clients(service);
		return;
	}
	glint_log_info(&topic, "no clients for %u s: exiting, as --exit-on-no-clients asks",
		       service->settings->exit_on_no_clients_s);
	service_stop(service, EXIT_SUCCESS);
}

static struct glint_stills_config service_stills_config(struct glint_service *service)
{
	const struct glint_settings *settings = service->settings;

	return (struct glint_stills_config){
		.quality = settings->encoder.quality,
		.swap_rgb = settings->encoder.swap_rgb,
		.keep_range = settings->encoder.keep_range,
		.spare = service_spare,
		.ctx = service,
	};
}

/* Each finding that is at least as certain as --offline-when ends online. */
static void service_on_untruth(void *ctx)
{
	static const enum glint_reason reasons[] = {
		[GLINT_UNTRUTH_NONE] = GLINT_REASON_NONE,
		[GLINT_UNTRUTH_CARD] = GLINT_REASON_CARD,
		[GLINT_UNTRUTH_BLACK] = GLINT_REASON_BLACK,
		[GLINT_UNTRUTH_FROZEN] = GLINT_REASON_FROZEN,
	};
	struct glint_service *service = ctx;
	enum glint_untruth finds = glint_truth_finds(service->truth);

	glint_capture_judge(service->capture, finds <= service->settings->offline_when ?
						      reasons[finds] :
						      GLINT_REASON_NONE);
}

static struct glint_truth_config service_truth_config(struct glint_service *service)
{
	struct glint_truth_config config = service->settings->truth;

	config.swap_rgb = service->settings->encoder.swap_rgb;
	config.keep_range = service->settings->encoder.keep_range;
	config.spare = service_spare;
	config.changed = service_on_untruth;
	config.ctx = service;
	config.events = service->events;
	return config;
}

static void service_on_applied(struct glint_owner *owner)
{
	struct glint_service *service = container_of(owner, struct glint_service, owner);
	struct glint_stills_config stills = service_stills_config(service);
	struct glint_truth_config truth = service_truth_config(service);

	glint_truth_apply(service->truth, &truth);
	service_on_untruth(service);

	glint_stills_apply(service->stills, &stills);
	service_watch_clients(service);
}

static int service_create_net(struct glint_service *service)
{
	struct glint_server_config config = service->settings->net;
	int fds[GLINT_SYSTEMD_FDS_MAX];

	config.events = service->events;
	if (IS_ENABLED(CONFIG_SYSTEMD) && service->settings->systemd) {
		config.n_listen_fds = glint_systemd_listeners(fds);
		config.listen_fds = fds;
	}
	return glint_server_create(&service->server, service->loop, &config);
}

/* -EINVAL and others: the user's mistakes, which have been logged. */
static int service_create_replay(struct glint_service *service)
{
	const struct glint_settings *settings = service->settings;
	const char *path = settings->capture.device;
	struct glint_replay_config config = {
		.speed_milli = settings->replay.speed_milli,
		.loop = settings->replay.loop,
		.paused = settings->replay.paused,
		.cues = settings->replay.cues,
	};
	char message[GLINT_REPLAY_MESSAGE_MAX];
	char *whole;
	int err;

	if (!IS_ENABLED(CONFIG_REPLAY) || !path ||
	    strncmp(path, GLINT_CLIP_DEVICE, strlen(GLINT_CLIP_DEVICE)) != 0)
		return 0;
	path += strlen(GLINT_CLIP_DEVICE);
	whole = realpath(path, NULL);
	if (asprintf(&service->replay_device, GLINT_CLIP_DEVICE "%s", whole ? whole : path) < 0)
		service->replay_device = NULL;
	free(whole);
	if (!service->replay_device)
		return -ENOMEM;
	config.path = service->replay_device + strlen(GLINT_CLIP_DEVICE);
	err = glint_replay_create(&service->replay, service->loop, &config, message);
	if (err < 0)
		glint_log_error(&topic, "%s", message);
	return err;
}

static int service_create_capture(struct glint_service *service)
{
	struct glint_capture_config config = service->settings->capture;

	/* Without the CPU encoder, raw frames need an M2M encoder, which AUTO may not find. */
	config.raw_formats = IS_ENABLED(CONFIG_ENCODE_CPU) ||
			     service->settings->encoder.choice == GLINT_ENCODER_M2M;
	config.other_formats = IS_ENABLED(CONFIG_LIBV4LCONVERT);
	config.events = service->events;
	if (IS_ENABLED(CONFIG_PATTERN) && config.device && strcmp(config.device, "test") == 0) {
		service->pattern = glint_pattern_create(config.fps_milli);
		if (!service->pattern)
			return -ENOMEM;
		config.access = glint_pattern_access(service->pattern);
		config.kind = "test";
	}
	if (IS_ENABLED(CONFIG_REPLAY) && service->replay) {
		config.device = service->replay_device;
		config.access = glint_replay_access(service->replay);
		config.kind = "replay";
	}
	config.edid = service->edid;
	config.edid_size = service->edid_size;
	return glint_capture_create(&service->capture, service->loop, &config, &service->listener);
}

static void service_destroy_pattern(struct glint_service *service)
{
	if (IS_ENABLED(CONFIG_PATTERN))
		glint_pattern_destroy(service->pattern);
}

/* After the loop. */
static void service_destroy_replay(struct glint_service *service)
{
	if (IS_ENABLED(CONFIG_REPLAY))
		glint_replay_destroy(service->replay);
	free(service->replay_device);
}

static int service_create_encoder(struct glint_service *service)
{
	struct glint_encoder_config config = service->settings->encoder;
	int err;

	config.events = service->events;
	config.packets = service->settings->net.clients_max + GLINT_SERVER_EXTRA_MAX + 3;
	config.spare = service_spare;
	config.spare_ctx = service;
	config.captured_millihz = service_captured_millihz;
	err = glint_encoder_create(&service->encoder, service->loop,
				   glint_capture_frames(service->capture), &config);
	if (err == 0)
		glint_capture_set_downstream(service->capture,
					     glint_encoder_downstream(service->encoder));
	return err;
}

static int service_create_marks(struct glint_service *service)
{
	static const struct glint_marks_ops ops = {
		.source = service_source,
		.spare = service_spare_for_marks,
		.copy_size = glint_frame_copy_size,
		.copy_begin = glint_frame_copy_begin,
		.copy_run = glint_frame_copy_run,
	};

	return glint_marks_create(&service->marks, service->loop,
				  glint_capture_frames(service->capture), &ops, service);
}

static struct glint_judge_source service_judge_source(void *ctx)
{
	const struct glint_service *service = ctx;
	struct glint_capture_status capture;

	glint_capture_status(service->capture, &capture);
	return (struct glint_judge_source){
		.online = capture.online,
		.reason = glint_reason_name(capture.reason),
		.width = capture.width,
		.height = capture.height,
		.last = capture.last,
		.swap_rgb = service->settings->encoder.swap_rgb,
		.keep_range = service->settings->encoder.keep_range,
	};
}

static int service_create_judge(struct glint_service *service)
{
	const struct glint_judge_config config = {
		.source = service_judge_source,
		.spare = service_spare,
		.ctx = service,
	};

	if (!IS_ENABLED(CONFIG_JUDGE))
		return 0;
	return glint_judge_create(&service->judge, service->loop,
				  glint_capture_all(service->capture), &config);
}

static int service_create_recorder(struct glint_service *service)
{
	const struct glint_settings *settings = service->settings;
	const struct glint_recorder_config config = {
		.folder = settings->record.folder,
		.memory = (uint64_t)settings->record.memory_mib << 20,
		.disk_size = (uint64_t)settings->record.disk_mib << 20,
		.pre = settings->record.pre,
		.post = settings->record.post,
		.triggers = settings->record.triggers,
		.in = settings->record.gpio,
		.out = settings->record.gpio_out,
		.jpegs = settings->record.jpegs,
		.separate = settings->record.separate,
		.uring = glint_loop_backend(service->loop) == GLINT_LOOP_URING,
		.events = service->events,
		.ready = service_on_recorder_ready,
		.is_short = service_is_short,
		.gaps = service_gaps,
		.ctx = service,
	};
	struct glint_fanout *frames;
	int err;

	service->signal_fd = -1;
	if (!IS_ENABLED(CONFIG_RECORD) || !config.folder)
		return 0;
	frames = config.jpegs ? glint_encoder_packets(service->encoder) :
				glint_capture_all(service->capture);
	err = glint_recorder_create(&service->recorder, service->loop, frames, &config);
	if (err < 0)
		return err;
	if (!config.jpegs)
		glint_capture_set_lender(service->capture,
					 glint_recorder_lender(service->recorder));
	service->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	service->signal_op.done = service_on_signal;
	if (service->signal_fd >= 0)
		glint_loop_poll(service->loop, &service->signal_op, service->signal_fd, POLLIN);
	if (config.triggers & GLINT_RECORD_ON_FAULT) {
		service->events_listener.added = service_on_events;
		glint_events_listen(service->events, &service->events_listener);
	}
	return 0;
}

/* False: the disk does not answer. */
static bool service_destroy_recorder(struct glint_service *service)
{
	if (!IS_ENABLED(CONFIG_RECORD) || !service->recorder)
		return true;
	if (service->events_listener.added)
		glint_events_unlisten(&service->events_listener);
	if (glint_op_busy(&service->signal_op))
		glint_loop_cancel(service->loop, &service->signal_op);
	glint_capture_set_lender(service->capture, NULL);
	if (!glint_recorder_destroy(service->recorder, glint_now_ns() + service->stop_timeout_ns))
		return false;
	service->recorder = NULL;
	return true;
}

static int service_create_stills(struct glint_service *service)
{
	struct glint_stills_config config = service_stills_config(service);

	return glint_stills_create(&service->stills, service->loop,
				   glint_capture_frames(service->capture), &config);
}

static int service_create_truth(struct glint_service *service)
{
	struct glint_truth_config config = service_truth_config(service);

	return glint_truth_create(&service->truth, service->loop,
				  glint_capture_looks(service->capture), &config);
}

int glint_service_create(struct glint_service **out, const struct glint_settings *settings)
{
	struct glint_service *service = calloc(1, sizeof(*service));
	int err;

	if (!service)
		return glint_log_err(&topic, -ENOMEM, "cannot start");

	service->settings = &service->owner.now;
	service->stop_timeout_ns = STOP_TIMEOUT_NS;
	service->parent = getppid();
	service->started_ns = glint_now_ns();
	service->idle_since_ns = service->started_ns;
	service->listener.changed = service_on_source_changed;
	service->stop_op.done = service_on_stop;
	service->reason = GLINT_REASON_OPENING;

	err = glint_service_load_edid(settings->edid, &service->edid, &service->edid_size);
	if (err < 0)
		goto free_service;
	err = glint_loop_create(&service->loop, settings->loop);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot make the event loop");
		goto free_edid;
	}
	err = glint_events_create(&service->events, service->loop);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot keep events");
		goto destroy_loop;
	}
	glint_owner_init(&service->owner, service->loop, settings);
	service->owner.applied = service_on_applied;
	glint_alarm_init(&service->idle_alarm, service->loop, service_on_idle);
	/* The sockets first: the process that started the service may connect at once. */
	err = service_create_net(service);
	if (err < 0)
		goto destroy_loop;
	err = glint_offline_create(&service->offline, service->loop, service_on_offline_drawn,
				   service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the pictures without video");
		goto destroy_net;
	}
	err = service_create_replay(service);
	if (err < 0)
		goto destroy_pattern;
	err = service_create_capture(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the capture");
		goto destroy_pattern;
	}
	err = service_create_marks(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the marks");
		goto destroy_capture;
	}
	err = service_create_encoder(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the encoder");
		goto destroy_marks;
	}
	err = service_create_judge(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the judging of frames");
		goto destroy_encoder;
	}
	err = service_create_stills(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare exact pictures");
		goto destroy_judge;
	}
	err = service_create_truth(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare looks at pictures");
		goto destroy_stills;
	}
	/* The last: errors are the user's mistakes, which have been logged. */
	err = service_create_recorder(service);
	if (err < 0)
		goto destroy_truth;
	service->owner.capture = service->capture;
	service->owner.encoder = service->encoder;
	service->owner.server = service->server;
	service->owner.events = service->events;
	if (IS_ENABLED(CONFIG_SYSTEMD) && settings->systemd)
		glint_systemd_init(&service->systemd, service->loop);
	*out = service;
	return 0;

destroy_truth:
	(void)glint_truth_destroy(service->truth, glint_now_ns() + service->stop_timeout_ns);
destroy_stills:
	glint_stills_destroy(service->stills);
destroy_judge:
	if (IS_ENABLED(CONFIG_JUDGE))
		(void)glint_judge_destroy(service->judge,
					  glint_now_ns() + service->stop_timeout_ns);
destroy_encoder:
	glint_encoder_destroy(service->encoder);
destroy_marks:
	glint_marks_destroy(service->marks);
destroy_capture:
	glint_capture_destroy(service->capture, glint_now_ns() + service->stop_timeout_ns);
destroy_pattern:
	service_destroy_pattern(service);
	glint_offline_destroy(service->offline);
destroy_net:
	glint_server_destroy(service->server);
destroy_loop:
	glint_events_end(service->events);
	glint_loop_destroy(service->loop);
	glint_events_destroy(service->events);
	service_destroy_replay(service);
free_edid:
	free(service->edid);
free_service:
	free(service);
	return err;
}

int glint_service_run(struct glint_service *service, int stop_fd)
{
	int err;

	glint_loop_poll(service->loop, &service->stop_op, stop_fd, POLLIN);
	service_watch_clients(service);
	glint_server_start(service->server, glint_encoder_packets(service->encoder), &status_ops,
			   service);
	/* With a recorder, when its memory is ready: the device may fill it. */
	if (!service->recorder)
		glint_capture_start(service->capture);
	if (IS_ENABLED(CONFIG_SYSTEMD) && service->settings->systemd)
		glint_systemd_ready(&service->systemd);

	err = glint_loop_run(service->loop);
	if (err < 0) {
		glint_log_err(&topic, err, "the event loop failed");
		return EXIT_FAILURE;
	}
	return service->exit_code;
}

bool glint_service_destroy(struct glint_service *service)
{
	bool net_clean, clean;

	if (IS_ENABLED(CONFIG_SYSTEMD) && service->settings->systemd)
		glint_systemd_fini(&service->systemd);

	/* The loop runs until its end, and must not call into what has been destroyed. */
	service->ending = true;
	glint_owner_end(&service->owner);
	glint_alarm_end(&service->idle_alarm);
	/* Readers release pictures, pictures release frames, frames release the device. */
	net_clean = glint_server_destroy(service->server);
	glint_offline_destroy(service->offline);
	if (IS_ENABLED(CONFIG_JUDGE) &&
	    !glint_judge_destroy(service->judge, glint_now_ns() + service->stop_timeout_ns))
		return false;  /* a frame of the device is still being judged */
	service->judge = NULL; /* the source may yet change */
	if (!service_destroy_recorder(service))
		return false;
	if (!glint_truth_destroy(service->truth, glint_now_ns() + service->stop_timeout_ns))
		return false;  /* a look at a frame, or at a file, is under way */
	service->truth = NULL; /* the source may yet change */
	glint_marks_destroy(service->marks);
	service->marks = NULL; /* the encoder may yet ask for a spare buffer */
	glint_stills_destroy(service->stills);
	/* The device's thread must not ask an encoder that has been destroyed. */
	if (!glint_capture_leave_downstream(service->capture,
					    glint_now_ns() + service->stop_timeout_ns))
		return false;
	if (!glint_encoder_destroy(service->encoder))
		return false; /* the M2M encoder's thread still reads frames of the device */
	clean = glint_capture_destroy(service->capture, glint_now_ns() + service->stop_timeout_ns);
	if (!clean)
		return false; /* a stuck device thread still uses the rest */
	service_destroy_pattern(service);
	glint_events_end(service->events);
	glint_loop_destroy(service->loop);
	glint_events_destroy(service->events);
	service_destroy_replay(service);
	free(service->edid);
	glint_close(&service->signal_fd); /* the loop had it */
	free(service);
	return net_clean;
}

void glint_service_unlink(const struct glint_service *service)
{
	glint_server_unlink(service->server);
}
