/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "picture.h"

#define SIZE_MAX_PIXELS 8192u
#define FPS_MAX		10000
#define CONTROL_MS_MAX	60000

static const struct {
	const char *name;
	uint32_t fourcc;
} formats[] = {
	{ "YUYV", V4L2_PIX_FMT_YUYV },
	{ "UYVY", V4L2_PIX_FMT_UYVY },
	{ "NV12", V4L2_PIX_FMT_NV12 },
	{ "NV16", V4L2_PIX_FMT_NV16 },
	{ "NV24", V4L2_PIX_FMT_NV24 },
	{ "P010", v4l2_fourcc('P', '0', '1', '0') },
	{ "Y210", v4l2_fourcc('Y', '2', '1', '0') },
	{ "RGB24", V4L2_PIX_FMT_RGB24 },
	{ "MJPEG", V4L2_PIX_FMT_MJPEG },
	{ "SRGGB8", V4L2_PIX_FMT_SRGGB8 },
	{ "SRGGB10P", V4L2_PIX_FMT_SRGGB10P },
	{ "SRGGB12P", V4L2_PIX_FMT_SRGGB12P },
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
	refuse("V4L2EMU_FORMAT", value,
	       "YUYV, UYVY, NV12, NV16, NV24, P010, Y210, "
	       "RGB24, MJPEG, SRGGB8, SRGGB10P or SRGGB12P");
}

/* The index of the variable's value in @words, which ends with NULL; the first is the default. */
static unsigned read_word(const char *name, const char *const *words, const char *wanted)
{
	const char *value = setting(name, words[0]);

	for (unsigned i = 0; words[i]; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	refuse(name, value, wanted);
}

static enum emu_scene read_scene(void)
{
	static const char *const scenes[] = { "screen", "busy", "photo", "ui", NULL };
	unsigned i = read_word("V4L2EMU_SCENE", scenes, "screen, busy, photo or ui");

	_Static_assert(ARRAY_SIZE(scenes) == EMU_SCENES + 2, "each scene has a word");
	return i == 0 ? EMU_SCREEN : (enum emu_scene)(i - 1);
}

static enum emu_change read_change(void)
{
	static const char *const changes[] = { "box", "all", "blink", NULL };

	return (enum emu_change)read_word("V4L2EMU_CHANGE", changes, "box, all or blink");
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
	if (settings->fourcc == V4L2_PIX_FMT_SRGGB10P && width % 4)
		refuse("V4L2EMU_SIZE", value, "a width that is a multiple of 4, for SRGGB10P");
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

static unsigned read_control_ms(void)
{
	const char *value = setting("V4L2EMU_CONTROL_MS", "0");
	char *end = NULL;
	unsigned long ms = strtoul(value, &end, 10);

	if (*end || ms > CONTROL_MS_MAX)
		refuse("V4L2EMU_CONTROL_MS", value, "milliseconds, 0 to 60000");
	return (unsigned)ms;
}

void emu_settings_read(struct emu_settings *settings)
{
	settings->fourcc = read_format();
	settings->interval = read_interval();
	settings->scene = read_scene();
	settings->change = read_change();
	settings->limited = read_word("V4L2EMU_RANGE",
				      (const char *const[]){ "full", "limited", NULL },
				      "full or limited") == 1;
	settings->control_ms = read_control_ms();
	settings->users = read_word("V4L2EMU_MEMORY",
				    (const char *const[]){ "mmap", "userptr", NULL },
				    "mmap or userptr") == 1;
	settings->stats_path = setting("V4L2EMU_STATS", NULL);
	settings->no_signal_path = setting("V4L2EMU_NO_SIGNAL", NULL);
	read_size(settings);
}
