/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "picture.h"

#define SIZE_MAX_PIXELS 8192u
#define FPS_MAX 10000

static const struct {
	const char *name;
	uint32_t fourcc;
} formats[] = {
	{ "YUYV", V4L2_PIX_FMT_YUYV },
	{ "UYVY", V4L2_PIX_FMT_UYVY },
	{ "NV12", V4L2_PIX_FMT_NV12 },
	{ "MJPEG", V4L2_PIX_FMT_MJPEG },
};

static const char *setting(const char *name, const char *preset)
{
	const char *value = getenv(name);

	return value && *value ? value : preset;
}

static _Noreturn void refuse(const char *name, const char *value, const char *wanted)
{
	fprintf(stderr, "v4l2emu: %s=%s: expected %s\n", name, value, wanted);
	_exit(2);
}

static uint32_t read_format(void)
{
	const char *value = setting("V4L2EMU_FORMAT", "YUYV");

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(value, formats[i].name) == 0)
			return formats[i].fourcc;
	refuse("V4L2EMU_FORMAT", value, "YUYV, UYVY, NV12 or MJPEG");
}

static void read_size(struct emu_settings *settings)
{
	const char *value = setting("V4L2EMU_SIZE", "1920x1080");
	char *end = NULL;
	unsigned long width = strtoul(value, &end, 10), height;

	height = *end == 'x' ? strtoul(end + 1, &end, 10) : 0;
	if (*end || width % 2 || height % 2 || width < EMU_WIDTH_MIN || height < EMU_HEIGHT_MIN ||
	    width > SIZE_MAX_PIXELS || height > SIZE_MAX_PIXELS)
		refuse("V4L2EMU_SIZE", value, "WIDTHxHEIGHT, even, 160x128 to 8192x8192");
	settings->width = (uint32_t)width;
	settings->height = (uint32_t)height;
}

/* 59.94 means 60000/1001, as on every HDMI link. */
static struct v4l2_fract interval_of(double fps)
{
	uint32_t whole = (uint32_t)ceil(fps);

	if (fps == whole)
		return (struct v4l2_fract){ 1, whole };
	if (fabs(whole / 1.001 - fps) < 0.005)
		return (struct v4l2_fract){ 1001, whole * 1000 };
	return (struct v4l2_fract){ 1000, (uint32_t)lround(fps * 1000) };
}

static struct v4l2_fract read_interval(void)
{
	const char *value = setting("V4L2EMU_FPS", "60");
	char *end = NULL;
	double fps = strtod(value, &end);

	if (*end || !(fps >= 1) || fps > FPS_MAX)
		refuse("V4L2EMU_FPS", value, "frames a second, 1 to 10000");
	return interval_of(fps);
}

void emu_settings_read(struct emu_settings *settings)
{
	settings->fourcc = read_format();
	settings->interval = read_interval();
	settings->stats_path = setting("V4L2EMU_STATS", NULL);
	settings->no_signal_path = setting("V4L2EMU_NO_SIGNAL", NULL);
	read_size(settings);
}
