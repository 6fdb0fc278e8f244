/* SPDX-License-Identifier: MIT */
/*
 * Makes invalid requests of vjpeg's multi-planar API and checks the answers: hostile DEVICE. Prints
 * each wrong answer. A kernel with KASAN also reports reads beyond a buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/videodev2.h>

#define OUT V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE
#define CAP V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE

static int fd, failures;

/* @expected: 0 or an errno. */
static void expect(const char *what, int res, int expected)
{
	int got = res < 0 ? errno : 0;

	if (got == expected)
		return;
	printf("%s: %s, not %s\n", what, strerror(got), strerror(expected));
	failures++;
}

static int set_format(unsigned type, unsigned width, unsigned height)
{
	struct v4l2_format format = { .type = type };

	format.fmt.pix_mp.width = width;
	format.fmt.pix_mp.height = height;
	format.fmt.pix_mp.pixelformat = type == OUT ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_JPEG;
	return ioctl(fd, VIDIOC_S_FMT, &format);
}

static int set_crop(int left, int top, unsigned width, unsigned height)
{
	struct v4l2_selection sel = { .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
				      .target = V4L2_SEL_TGT_CROP };

	sel.r = (struct v4l2_rect){ left, top, width, height };
	return ioctl(fd, VIDIOC_S_SELECTION, &sel);
}

static int request(unsigned type, unsigned count)
{
	struct v4l2_requestbuffers req = { .count = count, .type = type };

	req.memory = V4L2_MEMORY_MMAP;
	return ioctl(fd, VIDIOC_REQBUFS, &req);
}

static int queue(unsigned type, unsigned index, unsigned used, unsigned offset)
{
	struct v4l2_plane plane = { .bytesused = used, .data_offset = offset };
	struct v4l2_buffer buf = { .type = type, .memory = V4L2_MEMORY_MMAP, .index = index };

	buf.field = V4L2_FIELD_NONE;
	buf.m.planes = &plane;
	buf.length = 1;
	return ioctl(fd, VIDIOC_QBUF, &buf);
}

static int stream(unsigned type)
{
	return ioctl(fd, VIDIOC_STREAMON, &type);
}

/* Waits for the JPEG; its content is not checked. */
static int take(void)
{
	struct v4l2_plane plane = { 0 };
	struct v4l2_buffer buf = { .type = CAP, .memory = V4L2_MEMORY_MMAP };

	buf.m.planes = &plane;
	buf.length = 1;
	return ioctl(fd, VIDIOC_DQBUF, &buf);
}

int main(int argc, char **argv)
{
	const unsigned size = 640 * 480 * 2;

	fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
	if (fd < 0) {
		fprintf(stderr, "usage: hostile DEVICE\n");
		return 2;
	}
	expect("a size out of all bounds is rounded", set_format(OUT, 0xffffffff, 0xffffffff), 0);
	expect("so is none", set_format(OUT, 0, 0), 0);
	expect("a format", set_format(OUT, 640, 480), 0);
	expect("a crop beyond the frame is cut", set_crop(600, 400, 0xffffffff, 0xffffffff), 0);
	expect("JPEG buffers", request(CAP, 2), 0);
	expect("a smaller frame under the JPEG's buffers", set_format(OUT, 64, 64), EBUSY);
	expect("buffers", request(OUT, 2), 0);
	expect("a frame that begins too late in its buffer", queue(OUT, 0, size, 4096), EINVAL);
	expect("more bytes than the buffer has", queue(OUT, 0, size + 4096, 0), EINVAL);
	expect("a buffer that is not there", queue(OUT, 31, size, 0), EINVAL);
	expect("fewer bytes than a frame", queue(OUT, 0, 1, 0), 0);
	expect("the same again", queue(OUT, 0, size, 0), EINVAL);
	expect("a JPEG buffer", queue(CAP, 0, 0xffffffff, 0xffffffff), 0);
	expect("streaming", stream(OUT), 0);
	expect("streaming JPEGs", stream(CAP), 0);
	expect("a crop while streaming", set_crop(0, 0, 64, 64), EBUSY);
	expect("the JPEG", take(), 0);
	return failures ? 1 : 0;
}
