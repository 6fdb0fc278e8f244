/* SPDX-License-Identifier: MIT */
#include "options/table.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/macros.h"
#include "v4l2/format.h"

#define WORKERS_DEFAULT_MAX 4
#define FPS_FASTEST	    255 /* above every device's rate, so a device takes its highest */
#define BEST_SIZE_FPS	    30	/* rate that a size chosen without --resolution must reach */

void glint_options_set_defaults(struct glint_settings *settings)
{
	int err;

	*settings = (struct glint_settings){ .log_color = -1, .net.unix_mode = -1 };
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		if (!option->fallback)
			continue;
		err = glint_option_set(option, option->fallback, settings);
		assert(err == 0);
	}
}

/* Return whether the user has given the option @name. */
static bool given(const struct glint_options_run *run, const char *name)
{
	const struct glint_option *option = glint_option_find(name);

	assert(option);
	return run->given[option - glint_option_rows];
}

static unsigned count_cores(const cpu_set_t *wished)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	if (CPU_COUNT(wished) > 0)
		CPU_AND(&set, &set, wished);
	return MAX((unsigned)CPU_COUNT(&set), 1u);
}

static int settle_capture(struct glint_options_run *run)
{
	struct glint_capture_config *capture = &run->settings->capture;
	bool pattern = strcmp(capture->device, "test") == 0;

	if (pattern && !IS_ENABLED(CONFIG_PATTERN)) {
		fputs("glintd: --device test: built without CONFIG_PATTERN\n", run->err);
		return -EINVAL;
	}
	if (!IS_ENABLED(CONFIG_REPLAY) &&
	    strncmp(capture->device, GLINT_CLIP_DEVICE, strlen(GLINT_CLIP_DEVICE)) == 0) {
		fputs("glintd: --device clip: built without CONFIG_REPLAY\n", run->err);
		return -EINVAL;
	}
	if (strcmp(capture->device, "auto") == 0)
		capture->device = NULL;
	/* As in ustreamer, a device runs at its highest rate; --desired-fps skips frames later. */
	capture->fps_milli = 1000 * (pattern ? run->settings->test_fps : FPS_FASTEST);
	return 0;
}

void glint_options_derive(struct glint_settings *settings)
{
	struct glint_capture_config *capture = &settings->capture;
	bool pattern = capture->device && strcmp(capture->device, "test") == 0;
	unsigned fps = settings->encoder.desired_fps;

	assert(settings->encoder.quality >= 1 && settings->encoder.quality <= 100);

	if (settings->encoder.workers == 0)
		settings->encoder.workers =
			MIN(count_cores(&settings->cpus), WORKERS_DEFAULT_MAX + 0u);
	/* ustreamer's default size. Without a size, capture looks for the device's best one. */
	if (capture->width == 0 && (pattern || settings->compat_ustreamer)) {
		capture->width = 640;
		capture->height = 480;
	}
	/* HW asks for the device's own JPEGs. */
	if (settings->encoder_type && strcmp(settings->encoder_type, "HW") == 0 &&
	    capture->fourcc == 0)
		capture->fourcc = glint_format_parse("MJPEG");
	capture->jpeg_quality = settings->encoder.quality;
	capture->keep_range = settings->encoder.keep_range;
	capture->size_fps = fps > 0 ? fps : BEST_SIZE_FPS;
	capture->buffers = MAX(capture->buffers, 2u);
	settings->truth.frozen_ns = settings->frozen_after_s * GLINT_NSEC_PER_SEC;
}

static void settle_encoder(struct glint_options_run *run)
{
	struct glint_settings *settings = run->settings;
	const char *type = settings->encoder_type;

	glint_options_derive(settings);
	if (strcmp(type, "CPU") == 0)
		settings->encoder.choice = GLINT_ENCODER_CPU;
	if (strncmp(type, "M2M", 3) == 0)
		settings->encoder.choice = GLINT_ENCODER_M2M;
}

static int settle_net(struct glint_options_run *run)
{
	struct glint_server_config *net = &run->settings->net;
	bool has_other_sockets = net->unix_path || run->settings->systemd;

	if (!net->password)
		net->password = "";
	if (!net->instance_id)
		net->instance_id = "";
	if (*net->password && !net->user) {
		fputs("glintd: --passwd needs --user: without a user there is no login (try --help)\n",
		      run->err);
		return -EINVAL;
	}
	/* Listen on TCP if the user asks for TCP, or for no other socket. */
	if (!IS_ENABLED(CONFIG_NET_TCP) ||
	    (has_other_sockets && !given(run, "host") && !given(run, "port")))
		net->host = NULL;
	if (!IS_ENABLED(CONFIG_NET_TCP) && !has_other_sockets) {
		fputs("glintd: --unix is needed: built without CONFIG_NET_TCP\n", run->err);
		return -EINVAL;
	}
	return 0;
}

static void warn(const struct glint_options_run *run)
{
	const struct glint_server_config *net = &run->settings->net;

	/* As in ustreamer, an empty password is allowed; but it is rarely meant. */
	if (net->user && !*net->password && !given(run, "passwd"))
		fputs("glintd: --user without --passwd: the password is empty, and anybody can log "
		      "in\n",
		      run->err);
	for (const struct glint_option *option = glint_option_rows; option->help; option++)
		if (option->note && run->given[option - glint_option_rows])
			fprintf(run->err, "glintd: --%s has no effect: %s\n", option->name,
				option->note);
}

static int refuse_value(struct glint_options_run *run, const char *name, const char *value)
{
	const struct glint_option *option = glint_option_find(name);

	assert(option);
	fputs(GLINT_OPTIONS_COMMAND_LINE, run->err);
	glint_option_put_refusal(option, value, -EINVAL, run->err);
	fputs(" (try --help)\n", run->err);
	return -EINVAL;
}

static int settle_record(struct glint_options_run *run)
{
	struct glint_settings *settings = run->settings;

	if (!IS_ENABLED(CONFIG_RECORD))
		return 0;
	if (!settings->record.on_text)
		settings->record.on_text = "";
	if (glint_record_span_parse(settings->record.pre_text, &settings->record.pre) < 0)
		return refuse_value(run, "record-pre", settings->record.pre_text);
	if (glint_record_span_parse(settings->record.post_text, &settings->record.post) < 0)
		return refuse_value(run, "record-post", settings->record.post_text);
	if (glint_record_triggers_parse(settings->record.on_text, &settings->record.triggers) < 0)
		return refuse_value(run, "record-on", settings->record.on_text);
	if (settings->record.gpio_text &&
	    glint_record_line_parse(settings->record.gpio_text, true, &settings->record.gpio) < 0)
		return refuse_value(run, "record-gpio", settings->record.gpio_text);
	if (settings->record.gpio_out_text &&
	    glint_record_line_parse(settings->record.gpio_out_text, false,
				    &settings->record.gpio_out) < 0)
		return refuse_value(run, "record-gpio-out", settings->record.gpio_out_text);
	return 0;
}

static int settle_replay(struct glint_options_run *run)
{
	struct glint_settings *settings = run->settings;

	if (!IS_ENABLED(CONFIG_REPLAY))
		return 0;
	if (!settings->replay.faults_text)
		settings->replay.faults_text = "";
	if (glint_replay_speed_parse(settings->replay.speed_text, &settings->replay.speed_milli) <
	    0)
		return refuse_value(run, "replay-speed", settings->replay.speed_text);
	if (glint_replay_cues_parse(settings->replay.faults_text, &settings->replay.cues) < 0)
		return refuse_value(run, "replay-faults", settings->replay.faults_text);
	return 0;
}

int glint_options_settle(struct glint_options_run *run)
{
	int err = settle_capture(run);

	if (err == 0)
		err = settle_net(run);
	if (err == 0)
		err = settle_record(run);
	if (err == 0)
		err = settle_replay(run);
	if (err < 0)
		return err;
	settle_encoder(run);
	warn(run);
	return 0;
}
