/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "capture/capture.h"
#include "core/loop.h"
#include "core/picture.h"
#include "core/status.h"
#include "encode/blank.h"
#include "encode/encoder.h"
#include "encode/offline.h"
#include "net/net.h"
#include "options.h"
#include "pattern/pattern.h"
#include "systemd.h"

#define STOP_TIMEOUT_NS (300 * GLINT_NSEC_PER_MSEC)	/* for a stuck device: the socket is gone before */

static const struct glint_log_topic topic = { "service" };

struct glint_service {
	const struct glint_settings *settings;
	struct glint_loop *loop;
	struct glint_net *net;
	struct glint_pattern *pattern;	/* NULL: a real device */
	struct glint_capture *capture;
	struct glint_encoder *encoder;
	struct glint_capture_listener listener;
	struct glint_op stop_op;	/* poll of the descriptor that asks us to stop */
	struct glint_op lonely_op;	/* timer: have there been no clients for too long? */
	uint64_t lonely_since_ns;
	uint64_t accepted;		/* clients ever, when lonely_op last looked */
	uint64_t started_ns;
	struct glint_offline *offline;
	enum glint_reason reason;	/* as last told */
	struct glint_systemd systemd;	/* with --systemd only */
	pid_t parent;			/* of the process, when it started */
	struct {
		bool online;
		uint32_t width, height;
	} told;				/* to the parent; no size: nothing yet */
	int exit_code;
};

/* Titles and advice for people; the reason's own word goes to programs. */
static const struct {
	const char *title, *advice;
} reason_texts[] = {
	[GLINT_REASON_NONE] = { "NO VIDEO", "" },
	[GLINT_REASON_OPENING] = { "STARTING", "waiting for the first frame" },
	[GLINT_REASON_NO_DEVICE] = { "NO DEVICE", "missing or unplugged; waiting for it" },
	[GLINT_REASON_BUSY] = { "DEVICE BUSY", "another process streams from it" },
	[GLINT_REASON_NO_PERMISSION] = { "NO PERMISSION",
					 "may not open the device; add the user to its group (video)" },
	[GLINT_REASON_NOT_CAPTURE] = { "NOT A CAPTURE DEVICE", "this node cannot capture video" },
	[GLINT_REASON_NO_SIGNAL] = { "NO SIGNAL", "nothing is connected, or it is switched off" },
	[GLINT_REASON_NO_LOCK] = { "NO LOCK", "there is a signal, but it is not stable" },
	[GLINT_REASON_OUT_OF_RANGE] = { "OUT OF RANGE", "the receiver cannot take these timings" },
	[GLINT_REASON_FORMAT] = { "NO USABLE FORMAT", "the device offers no pixel format that can be read" },
	[GLINT_REASON_STALLED] = { "STALLED", "the device delivers no frames" },
	[GLINT_REASON_CORRUPT] = { "CORRUPT FRAMES", "every frame that the device sends is damaged" },
	[GLINT_REASON_STUCK] = { "DEVICE STUCK", "a call into its driver does not return" },
	[GLINT_REASON_ERROR] = { "DEVICE ERROR", "see the log" },
};

static bool reason_is_device_error(enum glint_reason reason)
{
	switch (reason) {
	case GLINT_REASON_NO_DEVICE:
	case GLINT_REASON_BUSY:
	case GLINT_REASON_NO_PERMISSION:
	case GLINT_REASON_NOT_CAPTURE:
	case GLINT_REASON_FORMAT:
	case GLINT_REASON_STALLED:
	case GLINT_REASON_CORRUPT:
	case GLINT_REASON_STUCK:
	case GLINT_REASON_ERROR:
		return true;
	default:
		return false;
	}
}

static const char *range_name(enum glint_range range)
{
	return range == GLINT_RANGE_LIMITED ? "limited" : "full";
}

static const char *matrix_name(enum glint_matrix matrix)
{
	static const char *const names[] = {
		[GLINT_MATRIX_BT601] = "bt601",
		[GLINT_MATRIX_BT709] = "bt709",
		[GLINT_MATRIX_BT2020] = "bt2020",
	};

	return names[matrix];
}

static void service_status_format(struct glint_status *status, const struct glint_format *format)
{
	if (!format->info)
		return;

	glint_fourcc_text(format->fourcc, status->format.fourcc);
	status->format.width = format->width;
	status->format.height = format->height;
	status->format.n_planes = format->n_planes;
	memcpy(status->format.stride, format->stride, sizeof(status->format.stride));
	memcpy(status->format.size, format->size, sizeof(status->format.size));
	status->format.range = range_name(format->range);
	status->format.matrix = matrix_name(format->matrix);
}

static void service_status_capture(const struct glint_service *service, struct glint_status *status)
{
	const struct glint_capture_config *wished = &service->settings->capture;
	struct glint_capture_status capture;

	glint_capture_status(service->capture, &capture);

	status->source.kind = capture.kind;
	status->source.reason = glint_reason_name(capture.reason);
	status->source.online = capture.online;
	status->source.stream = capture.stream;
	status->source.width = capture.width ? capture.width : wished->width;
	status->source.height = capture.height ? capture.height : wished->height;
	status->source.rate_millihz = capture.rate_millihz;
	status->source.nominal_millihz = capture.nominal_millihz;

	status->device.path = capture.path;
	status->device.driver = capture.driver;
	status->device.card = capture.card;
	status->device.bus = capture.bus;
	service_status_format(status, &capture.format);

	status->frame.any = capture.last_complete_ns != 0;
	status->frame.seq = capture.last_seq;
	status->frame.capture_ns = capture.last_capture_ns;
	status->frame.complete_ns = capture.last_complete_ns;
	status->frame.clock = capture.clock;
	status->frame.moment = capture.start_of_exposure ? "start-of-exposure" : "end-of-frame";

	status->ledger = *glint_capture_ledger(service->capture);
	status->buffers.memory = glint_memory_name(capture.memory);
	status->buffers.count = capture.buffers;
	status->buffers.with_driver = capture.with_driver;
	status->buffers.leased = capture.leased;
	status->buffers.cancelled = capture.cancelled;
	status->opens = capture.opens;
	status->restarts = capture.restarts;
}

/* @stages outlives the call: the status points at its histograms. */
static void service_status_encoder(const struct glint_service *service, struct glint_status *status,
				   struct glint_encoder_status *stages)
{
	glint_encoder_status(service->encoder, stages);

	status->encoder.type = stages->type;
	status->encoder.name = stages->name;
	status->encoder.subsampling = stages->subsampling;
	status->encoder.range = service->settings->encoder.keep_range ? "keep" : "expand";
	status->encoder.quality = stages->quality;
	status->encoder.workers = stages->workers;
	status->encoder.slices = stages->slices;
	status->encoder.encoded = stages->encoded;
	status->encoder.failed = stages->failed;
	status->encoder.skipped = stages->skipped;
	status->encoder.bytes = stages->bytes;
	status->encoder.last_size = stages->last_size;
	status->encoder.pictures = stages->pictures;
	status->encoder.pictures_held = stages->pictures_held;
	status->encoder.pictures_bytes = stages->pictures_bytes;
	status->encoder.rate_millihz = stages->rate_millihz;
	status->encoder.state = stages->m2m.state;
	status->encoder.reason = stages->m2m.reason;
	status->encoder.path = stages->m2m.path;
	status->encoder.driver = stages->m2m.driver;
	status->encoder.memory = stages->m2m.memory;
	status->encoder.driver_quality = stages->m2m.driver_quality;
	status->encoder.faults = stages->m2m.faults;
	status->encoder.probes = stages->m2m.probes;
	status->encoder.late = stages->m2m.late;
	status->encoder.leased = stages->m2m.leased;
	status->wait = &stages->wait;
	status->encode = &stages->encode;
	status->copies_per_frame =
		stages->encoded ? (double)stages->copies / (double)stages->encoded : 0;
}

static void service_status(void *ctx, struct glint_status *status)
{
	static struct glint_encoder_status stages;
	struct glint_offline_status offline;
	const struct glint_service *service = ctx;

	memset(status, 0, sizeof(*status));
	status->version = GLINT_VERSION;
	status->started_ns = service->started_ns;
	status->loop_backend = glint_loop_name(service->loop);
	status->loop_reason = glint_loop_reason(service->loop);
	glint_offline_status(service->offline, &offline);
	status->offline.drawn = offline.drawn;
	status->offline.failed = offline.failed;
	status->offline.drawing = offline.drawing;
	status->source.desired_fps = service->settings->encoder.desired_fps;
	status->format.range = status->format.matrix = "";
	service_status_capture(service, status);
	service_status_encoder(service, status, &stages);
}

static int service_offline_picture(void *ctx, struct glint_picture **out)
{
	struct glint_service *service = ctx;
	struct glint_capture_status capture;
	struct glint_status status = { 0 };
	struct glint_blank_wish wish;

	glint_capture_status(service->capture, &capture);
	service_status_capture(service, &status);
	wish.width = status.source.width;
	wish.height = status.source.height;
	wish.title = reason_texts[capture.reason].title;
	snprintf(wish.detail, sizeof(wish.detail), "%s%s%s", capture.path,
		 *capture.path ? ": " : "", reason_texts[capture.reason].advice);
	return glint_offline_picture(service->offline, &wish, out);
}

static void service_on_offline_drawn(void *ctx)
{
	struct glint_service *service = ctx;

	glint_net_offline_drawn(service->net);
}

static const struct glint_status_ops status_ops = {
	.status = service_status,
	.offline_picture = service_offline_picture,
};

static unsigned service_spare(void *ctx)
{
	const struct glint_service *service = ctx;

	return glint_capture_spare(service->capture);
}

static void service_stop(struct glint_service *service, int exit_code)
{
	service->exit_code = exit_code;
	glint_loop_stop(service->loop);
}

/*
 * Whoever has adopted us when the parent has ended is not signalled: for some init
 * programs SIGUSR2 is an order to switch off.
 */
static void service_tell_parent(struct glint_service *service)
{
	struct glint_status status = { 0 };

	if (!service->settings->notify_parent || getppid() != service->parent)
		return;
	service_status_capture(service, &status);
	if (service->told.online == status.source.online &&
	    service->told.width == status.source.width &&
	    service->told.height == status.source.height)
		return;
	service->told.online = status.source.online;
	service->told.width = status.source.width;
	service->told.height = status.source.height;
	if (kill(service->parent, SIGUSR2) < 0)
		glint_log_err(&topic, -errno, "cannot send SIGUSR2 to the parent");
}

static void service_on_source_changed(struct glint_capture_listener *listener)
{
	struct glint_service *service = container_of(listener, struct glint_service, listener);
	struct glint_capture_status capture;
	enum glint_reason before = service->reason;

	glint_capture_status(service->capture, &capture);
	service->reason = capture.reason;
	glint_net_source_changed(service->net);
	service_tell_parent(service);
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
	glint_loop_timer(service->loop, &service->lonely_op, glint_now_ns() + GLINT_NSEC_PER_SEC);
}

static void service_on_lonely(struct glint_op *op, int res, uint32_t flags)
{
	struct glint_service *service = container_of(op, struct glint_service, lonely_op);
	uint64_t limit_ns = service->settings->exit_on_no_clients_s * GLINT_NSEC_PER_SEC;
	struct glint_net_counters counters;
	uint64_t now_ns = glint_now_ns();

	(void)flags;
	if (res < 0)
		return;

	glint_net_counters(service->net, &counters);
	if (counters.clients > 0 || counters.accepted != service->accepted)
		service->lonely_since_ns = now_ns;
	service->accepted = counters.accepted;

	if (now_ns - service->lonely_since_ns < limit_ns) {
		service_watch_clients(service);
		return;
	}
	glint_log_info(&topic, "no clients for %u s: exiting, as --exit-on-no-clients asks",
		       service->settings->exit_on_no_clients_s);
	service_stop(service, EXIT_SUCCESS);
}

static int service_create_net(struct glint_service *service)
{
	struct glint_net_config config = service->settings->net;
	int fds[GLINT_SYSTEMD_FDS_MAX];

	if (IS_ENABLED(CONFIG_SYSTEMD) && service->settings->systemd) {
		config.n_listen_fds = glint_systemd_listeners(fds);
		config.listen_fds = fds;
	}
	return glint_net_create(&service->net, service->loop, &config);
}

static int service_create_capture(struct glint_service *service)
{
	struct glint_capture_config config = service->settings->capture;

	config.raw_formats = IS_ENABLED(CONFIG_ENCODE_CPU);
	config.other_formats = IS_ENABLED(CONFIG_LIBV4LCONVERT);
	if (IS_ENABLED(CONFIG_PATTERN) && config.device && strcmp(config.device, "test") == 0) {
		service->pattern = glint_pattern_create(config.fps_milli);
		if (!service->pattern)
			return -ENOMEM;
		config.access = glint_pattern_access(service->pattern);
		config.kind = "test";
	}
	return glint_capture_create(&service->capture, service->loop, &config, &service->listener);
}

static void service_destroy_pattern(struct glint_service *service)
{
	if (IS_ENABLED(CONFIG_PATTERN))
		glint_pattern_destroy(service->pattern);
}

static int service_create_encoder(struct glint_service *service)
{
	struct glint_encoder_config config = service->settings->encoder;
	int err;

	config.pictures = service->settings->net.clients_max + GLINT_NET_EXTRA_MAX + 3;
	config.spare = service_spare;
	config.spare_ctx = service;
	err = glint_encoder_create(&service->encoder, service->loop,
				   glint_capture_frames(service->capture), &config);
	if (err == 0)
		glint_capture_set_partner(service->capture,
					  glint_encoder_partner(service->encoder));
	return err;
}

int glint_service_create(struct glint_service **out, const struct glint_settings *settings)
{
	struct glint_service *service = calloc(1, sizeof(*service));
	int err;

	if (!service)
		return glint_log_err(&topic, -ENOMEM, "cannot start");

	service->settings = settings;
	service->parent = getppid();
	service->started_ns = glint_now_ns();
	service->lonely_since_ns = service->started_ns;
	service->listener.changed = service_on_source_changed;
	service->stop_op.done = service_on_stop;
	service->lonely_op.done = service_on_lonely;
	service->reason = GLINT_REASON_OPENING;

	err = glint_loop_create(&service->loop, settings->loop);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot make the event loop");
		goto free_service;
	}
	/* The sockets first: whoever started us may connect at once. */
	err = service_create_net(service);
	if (err < 0)
		goto destroy_loop;
	err = glint_offline_create(&service->offline, service->loop, service_on_offline_drawn,
				   service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the pictures without video");
		goto destroy_net;
	}
	err = service_create_capture(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the capture");
		goto destroy_pattern;
	}
	err = service_create_encoder(service);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot prepare the encoder");
		goto destroy_capture;
	}
	if (IS_ENABLED(CONFIG_SYSTEMD) && settings->systemd)
		glint_systemd_init(&service->systemd, service->loop);
	*out = service;
	return 0;

destroy_capture:
	glint_capture_destroy(service->capture, glint_now_ns() + STOP_TIMEOUT_NS);
destroy_pattern:
	service_destroy_pattern(service);
	glint_offline_destroy(service->offline);
destroy_net:
	glint_net_destroy(service->net);
destroy_loop:
	glint_loop_destroy(service->loop);
free_service:
	free(service);
	return err;
}

int glint_service_run(struct glint_service *service, int stop_fd)
{
	int err;

	glint_loop_poll(service->loop, &service->stop_op, stop_fd, POLLIN);
	if (service->settings->exit_on_no_clients_s > 0)
		service_watch_clients(service);
	glint_net_start(service->net, glint_encoder_pictures(service->encoder), &status_ops,
			service);
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

	/* What is left of the loop must not look at what is gone. */
	glint_loop_cancel(service->loop, &service->lonely_op);
	/* Readers let go of pictures, pictures of frames, frames of the device. */
	net_clean = glint_net_destroy(service->net);
	glint_offline_destroy(service->offline);
	/* Nor may the device's thread ask an encoder that is gone. */
	glint_encoder_close_partner(service->encoder);
	if (!glint_capture_leave_partner(service->capture, glint_now_ns() + STOP_TIMEOUT_NS))
		return false;
	if (!glint_encoder_destroy(service->encoder))
		return false;	/* it still has frames of the device */
	clean = glint_capture_destroy(service->capture, glint_now_ns() + STOP_TIMEOUT_NS);
	if (!clean)
		return false;	/* a stuck thread still borrows what is left */
	service_destroy_pattern(service);
	glint_loop_destroy(service->loop);
	free(service);
	return net_clean;
}

void glint_service_unlink(const struct glint_service *service)
{
	glint_net_unlink(service->net);
}
