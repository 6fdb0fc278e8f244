/* SPDX-License-Identifier: MIT */
#include "v4l2/timings.h"

#include <ctype.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "v4l2/input.h"
#include "v4l2/vdev.h"
#include "v4l2/vic.h"

#define TIMINGS_MAX 512u /* enumerated; vivid has 109 */

/* --- Names ----------------------------------------------------------------------------- */

static bool take_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

static bool take_number(const char **at, unsigned most, unsigned *number)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)**at))
		return false;
	value = strtoul(*at, &end, 10);
	*number = (unsigned)value;
	*at = end;
	return value > 0 && value <= most;
}

/* A rate with up to three digits behind its point. */
static bool take_rate(const char **at, uint32_t *millihz)
{
	unsigned whole, scale = 100;

	if (!take_number(at, 1000, &whole))
		return false;
	*millihz = whole * 1000;
	if (**at != '.')
		return true;
	for (++*at; isdigit((unsigned char)**at) && scale > 0; ++*at, scale /= 10)
		*millihz += (uint32_t)(**at - '0') * scale;
	return true;
}

/* The width that a number of lines stands for; 0: none. */
static unsigned usual_width(unsigned height)
{
	static const uint16_t usual[][2] = {
		{ 480, 720 },	{ 576, 720 },	{ 720, 1280 },
		{ 1080, 1920 }, { 1440, 2560 }, { 2160, 3840 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (usual[i][0] == height)
			return usual[i][1];
	return 0;
}

static int parse_vic(const char *at, struct glint_timings_wish *wish)
{
	const struct glint_vic *vic;
	unsigned number;

	if (!take_number(&at, 255, &number) || *at)
		return -EINVAL;
	vic = glint_vic_find(number);
	if (!vic)
		return -EINVAL;
	wish->width = vic->width;
	wish->height = vic->height;
	wish->interlaced = vic->interlaced;
	wish->millihz = vic->hz * 1000u;
	return 0;
}

int glint_timings_parse(const char *name, struct glint_timings_wish *wish)
{
	static const struct {
		const char *prefix;
		uint32_t standard;
	} standards[] = {
		{ "CEA-", V4L2_DV_BT_STD_CEA861 }, { "CTA-", V4L2_DV_BT_STD_CEA861 },
		{ "DMT-", V4L2_DV_BT_STD_DMT },	   { "CVT-", V4L2_DV_BT_STD_CVT },
		{ "GTF-", V4L2_DV_BT_STD_GTF },
	};
	unsigned width, height;

	*wish = (struct glint_timings_wish){ 0 };
	if (strcasecmp(name, "follow") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(standards) && !wish->standards; i++)
		if (take_word(&name, standards[i].prefix))
			wish->standards = standards[i].standard;
	if (take_word(&name, "vic:"))
		return parse_vic(name, wish);
	if (!take_number(&name, UINT16_MAX, &width))
		return -EINVAL;
	if (take_word(&name, "x")) {
		if (!take_number(&name, UINT16_MAX, &height))
			return -EINVAL;
	} else {
		height = width;
		width = usual_width(height);
	}
	wish->width = (uint16_t)width;
	wish->height = (uint16_t)height;
	wish->interlaced = tolower((unsigned char)*name) == 'i';
	if (take_word(&name, "p") || take_word(&name, "i") || take_word(&name, "@"))
		if (*name && !take_rate(&name, &wish->millihz))
			return -EINVAL;
	return *name || width == 0 ? -EINVAL : 0;
}

const char *glint_timings_text(const struct glint_timings *timings, char text[GLINT_TIMINGS_TEXT])
{
	/* Interlaced modes are named by their fields. */
	uint64_t millihz = (uint64_t)timings->rate_millihz * (timings->interlaced ? 2 : 1);
	unsigned centihz = (unsigned)((millihz + 5) / 10);
	int n;

	*text = '\0';
	if (timings->width == 0)
		return text;
	n = snprintf(text, GLINT_TIMINGS_TEXT, "%ux%u%c%u", timings->width, timings->height,
		     timings->interlaced ? 'i' : 'p', centihz / 100);
	if (centihz % 100)
		snprintf(text + n, GLINT_TIMINGS_TEXT - (size_t)n, ".%02u", centihz % 100);
	return text;
}

const char *glint_timings_wish_text(const struct glint_timings_wish *wish,
				    char text[GLINT_TIMINGS_TEXT])
{
	const struct glint_timings timings = {
		.width = wish->width,
		.height = wish->height,
		.interlaced = wish->interlaced,
		.rate_millihz = wish->millihz / (wish->interlaced ? 2 : 1),
	};

	if (wish->width == 0)
		strcpy(text, "follow");
	else
		(void)glint_timings_text(&timings, text);
	return text;
}

/* --- Detecting ------------------------------------------------------------------------- */

static uint64_t frame_lines(const struct v4l2_bt_timings *bt)
{
	uint64_t lines = (uint64_t)bt->height + bt->vfrontporch + bt->vsync + bt->vbackporch;

	if (bt->interlaced)
		lines += (uint64_t)bt->il_vfrontporch + bt->il_vsync + bt->il_vbackporch;
	return lines;
}

static uint32_t timings_rate(const struct v4l2_bt_timings *bt)
{
	uint64_t line = (uint64_t)bt->width + bt->hfrontporch + bt->hsync + bt->hbackporch;
	uint64_t pixels;

	if (__builtin_mul_overflow(line, frame_lines(bt), &pixels) || pixels == 0 ||
	    bt->pixelclock > UINT64_MAX / 1000)
		return 0;
	return (uint32_t)MIN(bt->pixelclock * 1000 / pixels, (uint64_t)UINT32_MAX);
}

int glint_timings_read(const struct v4l2_dv_timings *dv, struct glint_timings *timings)
{
	const struct v4l2_bt_timings *bt = &dv->bt;

	if (dv->type != V4L2_DV_BT_656_1120 || bt->width == 0 || bt->height == 0)
		return -ERANGE;
	*timings = (struct glint_timings){
		.width = bt->width,
		.height = bt->height,
		.pixelclock = bt->pixelclock,
		.interlaced = bt->interlaced,
		.rate_millihz = timings_rate(bt),
	};
	return 0;
}

int glint_timings_follow(struct glint_vdev *vdev)
{
	struct v4l2_dv_timings dv = { 0 };
	struct glint_timings timings;
	int err = glint_vdev_receiver_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv);

	if (err < 0)
		return err == -ENOLINK ? glint_input_explain_loss(vdev) : err;
	err = glint_timings_read(&dv, &timings);
	if (err < 0)
		return err;
	err = glint_vdev_receiver_ioctl(vdev, VIDIOC_S_DV_TIMINGS, &dv);
	if (err < 0) /* vivid detects interlaced timings that it cannot capture */
		return err == -EINVAL ? -ERANGE : err;
	vdev->timings = timings;
	return 0;
}

int glint_timings_check(const struct glint_vdev *vdev)
{
	const struct glint_timings *before = &vdev->timings;
	struct v4l2_dv_timings dv = { 0 };
	struct glint_timings now;
	uint64_t highest, lowest;
	int err = glint_vdev_receiver_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv);

	/* Some receivers cannot measure while they stream; they report changes by event only. */
	if (err == -EBUSY || err == -ENOTTY || err == -ENODATA)
		return before->forced ? 0 : -EBUSY;
	if (err >= 0)
		err = glint_timings_read(&dv, &now);
	if (err < 0)
		return err == -ENOLINK ? glint_input_explain_loss(vdev) : err;
	if (before->forced)
		return 0;
	/* Receivers measure the pixel clock, so two readings of one signal differ slightly. */
	highest = MAX(now.pixelclock, before->pixelclock);
	lowest = MIN(now.pixelclock, before->pixelclock);
	return now.width != before->width || now.height != before->height ||
	       now.interlaced != before->interlaced || highest - lowest > highest / 100;
}

/* --- Forcing --------------------------------------------------------------------------- */

/* How far the rate is off, in thousandths of a hertz; UINT64_MAX: other timings. */
static uint64_t distance(const struct glint_timings_wish *wish, const struct v4l2_bt_timings *bt,
			 const struct glint_timings *timings)
{
	uint64_t millihz = (uint64_t)timings->rate_millihz * (timings->interlaced ? 2 : 1);
	uint64_t apart =
		MAX(millihz, (uint64_t)wish->millihz) - MIN(millihz, (uint64_t)wish->millihz);

	if (timings->width != wish->width || timings->height != wish->height ||
	    timings->interlaced != wish->interlaced ||
	    (wish->standards && !(bt->standards & wish->standards)))
		return UINT64_MAX;
	if (wish->millihz == 0)
		return 0;
	/* 60 is 59.94 as well, and 59 is neither. */
	return apart <= wish->millihz / 200 ? apart : UINT64_MAX;
}

static void offer(char offers[GLINT_TIMINGS_OFFERS], const struct glint_timings *timings)
{
	char text[GLINT_TIMINGS_TEXT];
	size_t used = strlen(offers);

	(void)glint_timings_text(timings, text);
	if (strstr(offers, text) || used + strlen(text) + 3 > GLINT_TIMINGS_OFFERS)
		return;
	snprintf(offers + used, GLINT_TIMINGS_OFFERS - used, "%s%s", used > 0 ? ", " : "", text);
}

/* Enumerate the device's timings: find the best in *@best. Returns how far it is off. */
static uint64_t find(const struct glint_vdev *vdev, const struct glint_timings_wish *wish,
		     struct v4l2_dv_timings *best, char offers[GLINT_TIMINGS_OFFERS])
{
	uint64_t nearest = UINT64_MAX;
	char others[GLINT_TIMINGS_OFFERS] = "";

	*offers = '\0';
	for (uint32_t i = 0; i < TIMINGS_MAX; i++) {
		struct v4l2_enum_dv_timings entry = {
			.index = i,
			.pad = vdev->receiver_fd >= 0 ? vdev->receiver_pad : 0,
		};
		struct glint_timings timings;
		uint64_t here;

		if (glint_vdev_receiver_ioctl(vdev, VIDIOC_ENUM_DV_TIMINGS, &entry) < 0)
			break;
		if (glint_timings_read(&entry.timings, &timings) < 0)
			continue;
		here = distance(wish, &entry.timings.bt, &timings);
		if (here < nearest) {
			nearest = here;
			*best = entry.timings;
		}
		if (timings.width == wish->width && timings.height == wish->height)
			offer(offers, &timings);
		else
			offer(others, &timings);
	}
	if (!*offers)
		memcpy(offers, others, sizeof(others));
	return nearest;
}

int glint_timings_force(struct glint_vdev *vdev, const struct glint_timings_wish *wish,
			char offers[GLINT_TIMINGS_OFFERS])
{
	struct v4l2_dv_timings dv = { 0 };
	int err;

	if (find(vdev, wish, &dv, offers) == UINT64_MAX)
		return -ERANGE;
	err = glint_vdev_receiver_ioctl(vdev, VIDIOC_S_DV_TIMINGS, &dv);
	if (err < 0)
		return err == -EINVAL ? -ERANGE : err;
	(void)glint_timings_read(&dv, &vdev->timings);
	vdev->timings.forced = true;
	return 0;
}

int glint_timings_look(const struct glint_vdev *vdev, const struct glint_timings_wish *wish,
		       char offers[GLINT_TIMINGS_OFFERS])
{
	struct v4l2_dv_timings dv;

	return find(vdev, wish, &dv, offers) == UINT64_MAX ? -ERANGE : 0;
}

/* --- Listing --------------------------------------------------------------------------- */

static int take_entry(const struct v4l2_dv_timings *dv, struct glint_timings_entry *entry)
{
	const struct v4l2_bt_timings *bt = &dv->bt;

	*entry = (struct glint_timings_entry){ 0 };
	if (bt->flags & V4L2_DV_FL_HAS_CEA861_VIC)
		entry->vic = bt->cea861_vic;
	entry->standards = bt->standards;
	return glint_timings_read(dv, &entry->timings);
}

int glint_timings_list(const struct glint_vdev *vdev, struct glint_timings_entry *list,
		       unsigned max)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < TIMINGS_MAX && n < max; i++) {
		struct v4l2_enum_dv_timings entry = {
			.index = i,
			.pad = vdev->receiver_fd >= 0 ? vdev->receiver_pad : 0,
		};
		int err = glint_vdev_receiver_ioctl(vdev, VIDIOC_ENUM_DV_TIMINGS, &entry);

		if (err == -EINVAL)
			break;
		if (err < 0)
			return err;
		n += take_entry(&entry.timings, &list[n]) == 0;
	}
	return (int)n;
}

int glint_timings_present(const struct glint_vdev *vdev, struct glint_timings_entry *entry)
{
	struct v4l2_dv_timings dv = { 0 };
	int err = glint_vdev_receiver_ioctl(vdev, VIDIOC_G_DV_TIMINGS, &dv);

	return err < 0 ? err : take_entry(&dv, entry);
}

int glint_timings_query(const struct glint_vdev *vdev, struct glint_timings_entry *entry)
{
	struct v4l2_dv_timings dv = { 0 };
	int err = glint_vdev_receiver_ioctl(vdev, VIDIOC_QUERY_DV_TIMINGS, &dv);

	if (err < 0)
		return err == -ENOLINK ? glint_input_explain_loss(vdev) : err;
	return take_entry(&dv, entry);
}
