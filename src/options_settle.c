/* SPDX-License-Identifier: MIT */
#include "options_table.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "v4l2/format.h"

#define WORKERS_DEFAULT_MAX 4
#define FPS_FASTEST 255	/* no device is faster: it takes the fastest that it has */

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
	if (strcmp(capture->device, "auto") == 0)
		capture->device = NULL;
	/* A device runs as fast as it can; --desired-fps leaves frames out later, as ustreamer does. */
	capture->fps_milli = 1000 * (pattern ? capture->fps_milli : FPS_FASTEST);
	capture->buffers = MAX(capture->buffers, 2u);
	return 0;
}

static void settle_encoder(struct glint_options_run *run)
{
	struct glint_settings *settings = run->settings;
	const char *type = settings->encoder_type;

	settings->capture.jpeg_quality = settings->encoder.quality;
	settings->capture.keep_range = settings->encoder.keep_range;
	if (settings->encoder.workers == 0)
		settings->encoder.workers =
			MIN(count_cores(&settings->cpus), WORKERS_DEFAULT_MAX + 0u);
	/* HW means: the device's own JPEGs. */
	if (strcmp(type, "HW") == 0 && settings->capture.fourcc == 0)
		settings->capture.fourcc = glint_format_parse("MJPEG");
	if (strcmp(type, "CPU") == 0)
		settings->encoder.choice = GLINT_ENCODER_CPU;
	if (strncmp(type, "M2M", 3) == 0)
		settings->encoder.choice = GLINT_ENCODER_M2M;
}

/* TCP is for who asks for it, or has asked for nothing else. */
static int settle_net(struct glint_options_run *run)
{
	struct glint_net_config *net = &run->settings->net;
	bool other = net->unix_path || run->settings->systemd;

	if (!net->password)
		net->password = "";
	if (!net->instance_id)
		net->instance_id = "";
	if (*net->password && !net->user) {
		fputs("glintd: --passwd needs --user: nobody would be asked for it (try --help)\n",
		      run->err);
		return -EINVAL;
	}
	if (IS_ENABLED(CONFIG_NET_TCP)) {
		if (other && !given(run, "host") && !given(run, "port"))
			net->host = NULL;
		return 0;
	}
	net->host = NULL;
	if (other)
		return 0;
	fputs("glintd: --unix is needed: built without CONFIG_NET_TCP\n", run->err);
	return -EINVAL;
}

static void note_what_has_no_effect(const struct glint_options_run *run)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++)
		if (option->note && run->given[option - glint_option_rows])
			fprintf(run->err, "glintd: --%s has no effect: %s\n", option->name,
				option->note);
}

int glint_options_settle(struct glint_options_run *run)
{
	int err = settle_capture(run);

	if (err == 0)
		err = settle_net(run);
	if (err < 0)
		return err;
	settle_encoder(run);
	note_what_has_no_effect(run);
	return 0;
}
