/* SPDX-License-Identifier: MIT */
/* A recording as a device, used through its system calls, and through requests. */
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clip/clip.h"
#include "core/frame.h"
#include "loop_rig.h"
#include "mem/dmabuf.h"
#include "random.h"
#include "record/pixels.h"
#include "replay/replay.h"
#include "replay/track.h"
#include "v4l2/input.h"
#include "v4l2/vdev.h"

#define WIDTH	 32u
#define HEIGHT	 16u
#define SIZE	 (WIDTH * HEIGHT)
#define FRAME_NS 1000000u
#define BEGIN_NS UINT64_C(5000000000)
#define SEQ	 5000u /* of the first frame */

/* --- A clip ---------------------------------------------------------------------------- */

struct clip {
	int fd;
	char path[32];
	uint32_t seq;
};

static void clip_begin(struct clip *clip, const char *fourcc, uint32_t trigger_seq)
{
	struct glint_clip_head head = {
		.name = "lab",
		.device = "/dev/video7",
		.width = WIDTH,
		.height = HEIGHT,
		.matrix = 6,
		.frame_ns = FRAME_NS,
		.trigger = "command",
		.trigger_seq = trigger_seq,
	};
	uint8_t page[GLINT_CLIP_PAGE];

	memcpy(&head.fourcc, fourcc, 4);
	clip->fd = memfd_create("clip", MFD_CLOEXEC);
	clip->seq = SEQ;
	CU_ASSERT_TRUE_FATAL(clip->fd >= 0);
	snprintf(clip->path, sizeof(clip->path), "/proc/self/fd/%d", clip->fd);
	glint_clip_write_head(&head, page);
	CU_ASSERT_EQUAL_FATAL(write(clip->fd, page, sizeof(page)), (ssize_t)sizeof(page));
}

/* The byte of each pixel of a frame, by its number. */
static uint8_t shade(uint32_t seq)
{
	return (uint8_t)(seq * 37);
}

/* Add a frame of @size bytes, before which @missing are missing. */
static void clip_add_sized(struct clip *clip, uint32_t missing, uint32_t size)
{
	uint8_t *pages = calloc(1, glint_clip_frame_bytes(size));
	struct glint_clip_frame frame = {
		.stream = 1,
		.size = size,
		.before.dropped = missing - missing / 3,
		.before.lost = missing / 3,
	};
	ssize_t bytes = (ssize_t)glint_clip_frame_bytes(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(pages);
	if (!pages)
		return;
	clip->seq += missing;
	frame.seq = clip->seq++;
	/* Irregular, to the microsecond. */
	frame.capture_ns =
		BEGIN_NS + (uint64_t)(frame.seq - SEQ) * FRAME_NS + frame.seq % 7 * 1000u;
	memset(pages + GLINT_CLIP_PAGE, shade(frame.seq), size);
	glint_clip_write_frame(&frame, FRAME_NS, pages);
	CU_ASSERT_EQUAL_FATAL(write(clip->fd, pages, (size_t)bytes), bytes);
	free(pages);
}

static void clip_add(struct clip *clip, uint32_t missing)
{
	clip_add_sized(clip, missing, SIZE);
}

/* @n frames, the trigger's is the third. */
static void clip_plain(struct clip *clip, unsigned n)
{
	clip_begin(clip, "GREY", SEQ + 2);
	for (unsigned i = 0; i < n; i++)
		clip_add(clip, 0);
}

#define LOOPED 7u /* frames of a clip that is looped */

/* --- The device ---------------------------------------------------------------------------- */

struct rig {
	struct glint_loop *loop;
	struct glint_replay *replay;
	struct glint_vdev vdev;
	struct glint_dmabuf buffers[GLINT_VQUEUE_BUFFERS_MAX];
	unsigned n;
};

struct shown {
	struct glint_vbuf vbuf;
	uint8_t top, bottom; /* first and last pixel */
	bool even;	     /* all pixels are the first or the last one */
};

static void rig_stop(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n; i++)
		glint_dmabuf_fini(&rig->buffers[i]);
	rig->n = 0;
	glint_vdev_stream(&rig->vdev, false);
	glint_vdev_free(&rig->vdev);
}

static void rig_close(struct rig *rig)
{
	rig_stop(rig);
	glint_vdev_close(&rig->vdev);
	glint_loop_destroy(rig->loop);
	glint_replay_destroy(rig->replay);
}

static void rig_stream(struct rig *rig, unsigned count)
{
	CU_ASSERT_EQUAL_FATAL(glint_vdev_set_format(&rig->vdev, V4L2_PIX_FMT_YUYV, 640, 480), 0);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_alloc(&rig->vdev, count, rig->buffers), (int)count);
	rig->n = count;
	for (unsigned i = 0; i < count; i++) {
		CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(&rig->buffers[i]), 0);
		CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig->vdev, i), 0);
	}
	CU_ASSERT_EQUAL_FATAL(glint_vdev_stream(&rig->vdev, true), 0);
}

#define RIG_OPEN(rig, config)                                                                      \
	do {                                                                                       \
		char rig_message_[GLINT_REPLAY_MESSAGE_MAX];                                       \
                                                                                                   \
		memset(rig, 0, sizeof(*(rig)));                                                    \
		RIG_LOOP((rig)->loop);                                                             \
		CU_ASSERT_EQUAL_FATAL(glint_replay_create(&(rig)->replay, (rig)->loop, config,     \
							  rig_message_),                           \
				      0);                                                          \
		glint_vdev_init(&(rig)->vdev);                                                     \
		CU_ASSERT_EQUAL_FATAL(glint_vdev_open(&(rig)->vdev,                                \
						      glint_replay_access((rig)->replay),          \
						      "clip:x"),                                   \
				      0);                                                          \
		rig_stream(rig, 4);                                                                \
	} while (0)

/* What the pixels of the buffer are. */
static void rig_look(const struct rig *rig, struct shown *shown)
{
	const uint8_t *pixels = rig->buffers[shown->vbuf.index].planes[0].map;

	shown->top = pixels[0];
	shown->bottom = pixels[SIZE - 1];
	shown->even = true;
	for (unsigned i = 0; i < SIZE; i++)
		shown->even &= pixels[i] == shown->top || pixels[i] == shown->bottom;
}

/* Returns the error of DQBUF. */
static int rig_try_next(struct rig *rig, struct shown *shown)
{
	struct pollfd pollfd = { .fd = rig->vdev.fd, .events = POLLIN };
	int err;

	do {
		CU_ASSERT_EQUAL_FATAL(poll(&pollfd, 1, -1), 1);
		err = glint_vdev_dqbuf(&rig->vdev, &shown->vbuf);
	} while (err == -EAGAIN);
	if (err < 0)
		return err;
	rig_look(rig, shown);
	CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig->vdev, shown->vbuf.index), 0);
	return 0;
}

static struct shown rig_next(struct rig *rig)
{
	struct shown shown = { .top = 0 };

	CU_ASSERT_EQUAL_FATAL(rig_try_next(rig, &shown), 0);
	return shown;
}

/* Whether all pixels are those of the frame with the number @seq of the clip. */
static bool shows(const struct shown *shown, uint32_t seq)
{
	return shown->even && shown->top == shade(seq) && shown->bottom == shade(seq);
}

/* The next frame is that with the number @seq, and shows it. */
#define ASSERT_NEXT(rig, number, seq_)                                                             \
	do {                                                                                       \
		struct shown shown_ = rig_next(rig);                                               \
                                                                                                   \
		CU_ASSERT_EQUAL(shown_.vbuf.seq, number);                                          \
		CU_ASSERT_TRUE(shows(&shown_, seq_));                                              \
	} while (0)

struct answer {
	struct glint_replay_request request;
	bool done;
	int err;
};

static void on_answer(struct glint_replay_request *request, int err)
{
	struct answer *answer = container_of(request, struct answer, request);

	answer->done = true;
	answer->err = err;
}

/* Ask, and take frames until the answer is there. */
static int rig_ask(struct rig *rig, struct glint_replay_request request)
{
	struct answer answer = { .request = request };
	struct glint_vbuf vbuf;

	answer.request.done = on_answer;
	glint_replay_ask(rig->replay, &answer.request);
	while (!answer.done) {
		CU_ASSERT_EQUAL_FATAL(
			glint_loop_run_once(rig->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC), 0);
		/* The frames stay for the test; but without a buffer none comes. */
		if (!answer.done && glint_vdev_dqbuf(&rig->vdev, &vbuf) == 0)
			glint_vdev_qbuf(&rig->vdev, vbuf.index);
	}
	return answer.err;
}

static struct glint_replay_status status_of(struct rig *rig)
{
	struct glint_replay_status status;

	glint_replay_status(rig->replay, &status);
	return status;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void test_the_device_presents_itself_as_a_recording(void)
{
	struct glint_replay_config config = { .speed_milli = 1000 };
	struct glint_replay_status status;
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 5);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	CU_ASSERT_STRING_EQUAL(rig.vdev.identity.driver, "glint-replay");
	CU_ASSERT_STRING_EQUAL(rig.vdev.identity.card, "Recording lab");
	CU_ASSERT_EQUAL(rig.vdev.format.fourcc, V4L2_PIX_FMT_GREY);
	CU_ASSERT_EQUAL(rig.vdev.format.width, WIDTH);
	CU_ASSERT_EQUAL(rig.vdev.format.height, HEIGHT);
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 0);
	status = status_of(&rig);
	CU_ASSERT_STRING_EQUAL(status.name, "lab");
	CU_ASSERT_STRING_EQUAL(status.device, "/dev/video7");
	CU_ASSERT_EQUAL(status.frames, 5);
	CU_ASSERT_EQUAL(status.first_n, -2);
	CU_ASSERT_EQUAL(status.last_n, 2);
	rig_close(&rig);
	close(clip.fd);
}

static void test_pixels_numbers_and_intervals_are_those_of_the_clip(void)
{
	struct glint_replay_config config = { .speed_milli = 1000 };
	uint64_t begin_ns = 0;
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 100);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (uint32_t seq = SEQ; seq < SEQ + 100; seq++) {
		uint64_t in_clip_ns = (uint64_t)(seq - SEQ) * FRAME_NS + seq % 7 * 1000u;
		struct shown shown = rig_next(&rig);

		CU_ASSERT_EQUAL(shown.vbuf.seq, seq);
		CU_ASSERT_TRUE(shows(&shown, seq));
		CU_ASSERT_TRUE(shown.vbuf.timestamp_ns <= glint_now_ns());
		if (seq == SEQ)
			begin_ns = shown.vbuf.timestamp_ns - SEQ % 7 * 1000u;
		else if (status_of(&rig).delays == 0) /* a host that stops us moves the rest */
			CU_ASSERT_EQUAL(shown.vbuf.timestamp_ns - begin_ns, in_clip_ns);
	}
	rig_close(&rig);
	close(clip.fd);
}

/* raspiraw once lost 97 of 7171 frames, and nothing said so. */
static void test_each_of_97_missing_frames_of_7171_is_a_number_that_is_missing(void)
{
	struct glint_replay_config config = { .speed_milli = 0 };
	unsigned lost = 0, found = 0;
	struct random random = { .state = 7171 };
	static bool missing[7171];
	struct glint_replay_status status;
	uint32_t gap = 0, expected = SEQ;
	struct clip clip;
	struct rig rig;

	memset(missing, 0, sizeof(missing));
	while (lost < 97) {
		unsigned i = 1 + random_below(&random, 7169);

		lost += !missing[i];
		missing[i] = true;
	}
	clip_begin(&clip, "GREY", SEQ);
	for (unsigned i = 0; i < 7171; i++) {
		gap += missing[i];
		if (missing[i])
			continue;
		clip_add(&clip, gap);
		gap = 0;
	}
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 7171 - 97; i++) {
		struct shown shown = rig_next(&rig);

		for (; expected < shown.vbuf.seq; expected++)
			found += missing[expected - SEQ];
		CU_ASSERT_EQUAL_FATAL(shown.vbuf.seq, expected);
		CU_ASSERT_FALSE(missing[expected - SEQ]);
		CU_ASSERT_TRUE(shows(&shown, expected));
		expected++;
	}
	CU_ASSERT_EQUAL(found, 97);
	CU_ASSERT_EQUAL(expected, SEQ + 7171);
	status = status_of(&rig);
	CU_ASSERT_EQUAL(status.missing, 97);
	CU_ASSERT_EQUAL(status.frames, 7171 - 97);
	rig_close(&rig);
	close(clip.fd);
}

static void test_the_last_frame_stays_with_further_numbers(void)
{
	struct glint_replay_config config = { .speed_milli = 0 };
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 3);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 3; i++)
		ASSERT_NEXT(&rig, SEQ + i, SEQ + i);
	for (unsigned i = 3; i < 8; i++)
		ASSERT_NEXT(&rig, SEQ + i, SEQ + 2);
	CU_ASSERT_EQUAL(status_of(&rig).state, GLINT_REPLAY_ENDED);
	CU_ASSERT_EQUAL(status_of(&rig).n, 0);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_loop_begins_again_without_a_gap(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .loop = true };
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 3);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 10; i++)
		ASSERT_NEXT(&rig, SEQ + i, SEQ + i % 3);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_pause_shows_one_frame_and_a_step_the_next(void)
{
	struct glint_replay_config config = { .speed_milli = 1000, .paused = true };
	struct glint_replay_request step = { .action = GLINT_REPLAY_STEP, .frames = 1 };
	struct clip clip;
	struct shown shown;
	struct rig rig;

	clip_plain(&clip, 4);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	ASSERT_NEXT(&rig, SEQ + 1, SEQ);
	for (unsigned i = 1; i < 4; i++) {
		CU_ASSERT_EQUAL(rig_ask(&rig, step), 0);
		CU_ASSERT_EQUAL(status_of(&rig).clip_seq, SEQ + i);
		CU_ASSERT_EQUAL(status_of(&rig).state, GLINT_REPLAY_PAUSED);
		/* Frames from before the step may still be queued. */
		do
			shown = rig_next(&rig);
		while (shown.vbuf.seq < status_of(&rig).seq);
		CU_ASSERT_TRUE(shows(&shown, SEQ + i));
	}
	CU_ASSERT_EQUAL(rig_ask(&rig, step), 0); /* finds the end */
	CU_ASSERT_EQUAL(rig_ask(&rig, step), -ENOENT);
	CU_ASSERT_EQUAL(status_of(&rig).state, GLINT_REPLAY_ENDED);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_seek_shows_the_frame_or_the_one_after_a_gap(void)
{
	struct glint_replay_config config = { .speed_milli = 1000, .paused = true };
	struct clip clip;
	struct rig rig;

	clip_begin(&clip, "GREY", SEQ + 1);
	clip_add(&clip, 0);
	clip_add(&clip, 0);
	clip_add(&clip, 5); /* the numbers 1 to 5 are missing */
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	CU_ASSERT_EQUAL(
		rig_ask(&rig, (struct glint_replay_request){ .action = GLINT_REPLAY_SEEK, .n = 3 }),
		0);
	CU_ASSERT_EQUAL(status_of(&rig).n, 6);
	CU_ASSERT_EQUAL(status_of(&rig).clip_seq, SEQ + 7);
	CU_ASSERT_EQUAL(rig_ask(&rig, (struct glint_replay_request){ .action = GLINT_REPLAY_SEEK,
								     .n = -1 }),
			0);
	CU_ASSERT_EQUAL(status_of(&rig).n, -1);
	CU_ASSERT_EQUAL(
		rig_ask(&rig, (struct glint_replay_request){ .action = GLINT_REPLAY_SEEK, .n = 7 }),
		-ENOENT);
	CU_ASSERT_EQUAL(rig_ask(&rig, (struct glint_replay_request){ .action = GLINT_REPLAY_SEEK,
								     .n = -2 }),
			-ENOENT);
	rig_close(&rig);
	close(clip.fd);
}

static void test_faults_begin_at_their_frames(void)
{
	struct glint_replay_config config = { .speed_milli = 0 };
	struct glint_replay_status status;
	struct clip clip;
	struct shown shown;
	struct rig rig;

	CU_ASSERT_EQUAL(glint_replay_cues_parse("drop@-1:2,freeze@2:2,tear@5,noise@6,corrupt@7",
						&config.cues),
			0);
	clip_plain(&clip, 12);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	ASSERT_NEXT(&rig, SEQ + 3, SEQ + 3);
	ASSERT_NEXT(&rig, SEQ + 4, SEQ + 3);
	ASSERT_NEXT(&rig, SEQ + 5, SEQ + 3);
	ASSERT_NEXT(&rig, SEQ + 6, SEQ + 6);
	shown = rig_next(&rig);
	CU_ASSERT_EQUAL(shown.vbuf.seq, SEQ + 7);
	CU_ASSERT_EQUAL(shown.top, shade(SEQ + 7));
	CU_ASSERT_EQUAL(shown.bottom, shade(SEQ + 6));
	CU_ASSERT_TRUE(shown.even);
	shown = rig_next(&rig);
	CU_ASSERT_EQUAL(shown.vbuf.seq, SEQ + 8);
	CU_ASSERT_FALSE(shown.even);
	CU_ASSERT_FALSE(shown.vbuf.error);
	shown = rig_next(&rig);
	CU_ASSERT_TRUE(shown.vbuf.error);
	ASSERT_NEXT(&rig, SEQ + 10, SEQ + 10);
	status = status_of(&rig);
	CU_ASSERT_EQUAL(status.faults[GLINT_REPLAY_DROP], 2);
	CU_ASSERT_EQUAL(status.faults[GLINT_REPLAY_FREEZE], 2);
	CU_ASSERT_EQUAL(status.faults[GLINT_REPLAY_TEAR], 1);
	CU_ASSERT_EQUAL(status.faults[GLINT_REPLAY_NOISE], 1);
	CU_ASSERT_EQUAL(status.faults[GLINT_REPLAY_CORRUPT], 1);
	rig_close(&rig);
	close(clip.fd);
}

/* A dropped frame has a number, so the frames behind the last one that is shown are a gap. */
static void test_frames_that_are_dropped_at_the_end_of_a_loop_are_a_gap(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .loop = true };
	struct clip clip;
	struct rig rig;

	CU_ASSERT_EQUAL(glint_replay_cues_parse("drop@1:2", &config.cues), 0);
	clip_plain(&clip, 5);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 9; i++)
		ASSERT_NEXT(&rig, SEQ + i / 3 * 5 + i % 3, SEQ + i % 3);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_seek_to_a_last_frame_that_is_dropped_finds_the_end(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .paused = true };
	struct glint_replay_request drop = { .action = GLINT_REPLAY_INJECT,
					     .fault = GLINT_REPLAY_DROP,
					     .frames = 1 };
	struct glint_replay_request seek = { .action = GLINT_REPLAY_SEEK, .n = 2 };
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 5);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	CU_ASSERT_EQUAL(rig_ask(&rig, drop), 0);
	CU_ASSERT_EQUAL(rig_ask(&rig, seek), 0);
	CU_ASSERT_EQUAL(status_of(&rig).state, GLINT_REPLAY_ENDED);
	CU_ASSERT_EQUAL(status_of(&rig).faults[GLINT_REPLAY_DROP], 1);
	CU_ASSERT_EQUAL(status_of(&rig).n, -2);
	CU_ASSERT_EQUAL(rig_ask(&rig, seek), 0);
	CU_ASSERT_EQUAL(status_of(&rig).n, 2);
	rig_close(&rig);
	close(clip.fd);
}

static void test_without_any_frame_left_requests_are_answered(void)
{
	struct glint_replay_config config = { .speed_milli = 0 };
	struct glint_replay_request play = { .action = GLINT_REPLAY_PLAY };
	struct glint_replay_request seek = { .action = GLINT_REPLAY_SEEK, .n = -2 };
	struct clip clip;
	struct rig rig;

	CU_ASSERT_EQUAL(glint_replay_cues_parse("drop@-2:5", &config.cues), 0);
	clip_plain(&clip, 5);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	CU_ASSERT_EQUAL(rig_ask(&rig, seek), 0);
	CU_ASSERT_EQUAL(rig_ask(&rig, play), 0);
	CU_ASSERT_FALSE(status_of(&rig).has_frame);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_loop_that_drops_more_frames_than_it_has_goes_on(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .loop = true };
	uint32_t last = SEQ - 1;
	struct clip clip;
	struct rig rig;

	CU_ASSERT_EQUAL(glint_replay_cues_parse("drop@-2:12", &config.cues), 0);
	clip_plain(&clip, 5);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 9; i++) {
		struct shown shown = rig_next(&rig);

		CU_ASSERT_TRUE(shown.even);
		CU_ASSERT_TRUE(shown.vbuf.seq > last);
		last = shown.vbuf.seq;
	}
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_lost_signal_comes_back_and_the_clip_goes_on(void)
{
	struct glint_replay_config config = { .speed_milli = 0 };
	struct clip clip;
	struct shown shown;
	struct rig rig;

	CU_ASSERT_EQUAL(glint_replay_cues_parse("no-signal@1:20", &config.cues), 0);
	clip_plain(&clip, 8);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 3; i++)
		ASSERT_NEXT(&rig, SEQ + i, SEQ + i);
	CU_ASSERT_EQUAL(rig_try_next(&rig, &shown), -ENOLINK);
	/* A reader that is slow to stop loses no frame. */
	usleep(50000);
	rig_stop(&rig);
	while (glint_input_check(&rig.vdev, false) == -ENOLINK)
		usleep(1000);
	rig_stream(&rig, 4);
	for (unsigned i = 3; i < 8; i++)
		ASSERT_NEXT(&rig, SEQ + i, SEQ + i);
	rig_close(&rig);
	close(clip.fd);
}

static void test_without_a_buffer_the_replay_waits_and_drops_nothing(void)
{
	struct glint_replay_config config = { .speed_milli = 1000 };
	struct glint_vbuf held[4];
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 40);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 4; i++) {
		struct pollfd pollfd = { .fd = rig.vdev.fd, .events = POLLIN };

		while (glint_vdev_dqbuf(&rig.vdev, &held[i]) == -EAGAIN)
			poll(&pollfd, 1, -1);
		CU_ASSERT_EQUAL(held[i].seq, SEQ + i);
	}
	usleep(300000); /* longer than what later frames make up for */
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig.vdev, held[i].index), 0);
	for (unsigned i = 4; i < 40; i++)
		ASSERT_NEXT(&rig, SEQ + i, SEQ + i);
	CU_ASSERT_TRUE(status_of(&rig).delays >= 1);
	CU_ASSERT_TRUE(status_of(&rig).delay_ns > 100000000);
	rig_close(&rig);
	close(clip.fd);
}

/*
 * Let the replay fill all buffers, take @n frames, and begin another stream. @taken: how many were taken
 * before. Returns how many are taken.
 */
static unsigned rig_restart(struct rig *rig, unsigned taken, unsigned n)
{
	struct glint_replay_status status;
	struct shown shown;

	do {
		usleep(1000);
		status = status_of(rig);
	} while (status.shown + status.repeated < taken + rig->n);
	CU_ASSERT_EQUAL(status.shown + status.repeated, taken + rig->n);
	for (unsigned i = 0; i < n; i++, taken++) {
		CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig->vdev, &shown.vbuf), 0);
		rig_look(rig, &shown);
		CU_ASSERT_EQUAL(shown.vbuf.seq, SEQ + taken);
		CU_ASSERT_TRUE(shows(&shown, SEQ + taken % LOOPED));
	}
	rig_stop(rig);
	status = status_of(rig);
	CU_ASSERT_EQUAL(status.shown + status.repeated, taken);
	/* Whether the next round has begun is not known before its first frame is taken. */
	CU_ASSERT_TRUE(status.rounds == taken / LOOPED || status.rounds + 1 == taken / LOOPED);
	CU_ASSERT_TRUE(taken % LOOPED == 0 || status.rounds == taken / LOOPED);
	rig_stream(rig, 4);
	return taken;
}

static void test_a_restart_of_the_stream_loses_and_repeats_nothing(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .loop = true };
	unsigned taken = 0;
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, LOOPED);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	for (unsigned i = 0; i < 40; i++)
		taken = rig_restart(&rig, taken, i % 5);
	for (; taken < 100; taken++)
		ASSERT_NEXT(&rig, SEQ + taken, SEQ + taken % LOOPED);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_restart_of_the_stream_keeps_faults_and_steps(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .paused = true };
	struct answer answer = {
		.request = { .action = GLINT_REPLAY_STEP, .frames = 3, .done = on_answer },
	};
	struct clip clip;
	struct rig rig;
	uint32_t at = SEQ;

	CU_ASSERT_EQUAL(glint_replay_cues_parse("corrupt@-1:2", &config.cues), 0);
	clip_plain(&clip, 10); /* numbers -2 to 7 */
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	glint_replay_ask(rig.replay, &answer.request);
	/* Further frames are ready at each restart, the repeated ones of a pause among them. */
	for (unsigned i = 0; i < 40 || at < SEQ + 3; i++) {
		struct shown shown = rig_next(&rig);
		bool begins = !shows(&shown, at);

		at += begins;
		CU_ASSERT_TRUE_FATAL(shows(&shown, at));
		CU_ASSERT_EQUAL(shown.vbuf.error, begins && at < SEQ + 3);
		if (i % 3 == 2) {
			rig_stop(&rig);
			rig_stream(&rig, 4);
		}
	}
	CU_ASSERT_EQUAL(at, SEQ + 3); /* the pause */
	CU_ASSERT_EQUAL(status_of(&rig).faults[GLINT_REPLAY_CORRUPT], 2);
	while (!answer.done)
		CU_ASSERT_EQUAL_FATAL(
			glint_loop_run_once(rig.loop, glint_now_ns() + GLINT_NSEC_PER_MSEC), 0);
	CU_ASSERT_EQUAL(answer.err, 0);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_forgotten_request_is_not_answered(void)
{
	struct glint_replay_config config = { .speed_milli = 1000, .paused = true };
	struct answer answer = {
		.request = { .action = GLINT_REPLAY_STEP, .frames = 1, .done = on_answer },
	};
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 4);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	glint_replay_ask(rig.replay, &answer.request);
	glint_replay_forget(rig.replay, &answer.request);
	CU_ASSERT_EQUAL(
		rig_ask(&rig, (struct glint_replay_request){ .action = GLINT_REPLAY_PAUSE }), 0);
	CU_ASSERT_FALSE(answer.done);
	rig_close(&rig);
	close(clip.fd);
}

/* Run the loop until the answer is there, without taking a frame: no wait for one ends. */
static int answer_of(struct rig *rig, struct answer *answer)
{
	for (unsigned i = 0; i < 100 && !answer->done; i++)
		CU_ASSERT_EQUAL_FATAL(
			glint_loop_run_once(rig->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC), 0);
	CU_ASSERT_TRUE_FATAL(answer->done);
	return answer->err;
}

static void test_while_too_many_requests_wait_only_those_for_frames_are_refused(void)
{
	struct glint_replay_config config = { .speed_milli = 10, .paused = true };
	struct answer waiting[GLINT_REPLAY_REQUESTS_MAX] = { 0 };
	struct glint_replay_request step = { .action = GLINT_REPLAY_STEP,
					     .frames = 1000,
					     .done = on_answer };
	struct glint_replay_request pause = { .action = GLINT_REPLAY_PAUSE, .done = on_answer };
	struct answer late = { .request = step }, seek = late, noise = late, last = late;
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 2000);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	for (unsigned i = 0; i < ARRAY_SIZE(waiting); i++) {
		waiting[i].request = step;
		glint_replay_ask(rig.replay, &waiting[i].request);
	}
	glint_replay_ask(rig.replay, &late.request);
	CU_ASSERT_EQUAL(answer_of(&rig, &late), -EUSERS);
	seek.request.action = GLINT_REPLAY_SEEK;
	glint_replay_ask(rig.replay, &seek.request);
	CU_ASSERT_EQUAL(answer_of(&rig, &seek), -EUSERS);
	noise.request.action = GLINT_REPLAY_INJECT;
	noise.request.fault = GLINT_REPLAY_NOISE;
	glint_replay_ask(rig.replay, &noise.request);
	CU_ASSERT_EQUAL(answer_of(&rig, &noise), 0);
	CU_ASSERT_FALSE(waiting[0].done);

	/* A request that is forgotten makes room for another one. */
	glint_replay_forget(rig.replay, &waiting[0].request);
	glint_replay_ask(rig.replay, &last.request);

	CU_ASSERT_EQUAL(rig_ask(&rig, pause), 0);
	for (unsigned i = 1; i < ARRAY_SIZE(waiting); i++)
		CU_ASSERT_EQUAL(answer_of(&rig, &waiting[i]), 0);
	CU_ASSERT_EQUAL(answer_of(&rig, &last), 0);
	CU_ASSERT_FALSE(waiting[0].done);
	rig_close(&rig);
	close(clip.fd);
}

static void test_frames_that_cannot_be_read_are_damaged_ones(void)
{
	struct glint_replay_config config = { .speed_milli = 0, .loop = true };
	struct shown shown;
	struct clip clip;
	struct rig rig;

	clip_plain(&clip, 50);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	/* The first frame alone is left. */
	CU_ASSERT_EQUAL_FATAL(ftruncate(clip.fd, 3 * GLINT_CLIP_PAGE), 0);
	do
		shown = rig_next(&rig);
	while (!shown.vbuf.error);
	/* Those that were read before the cut are whole; all behind them are damaged, and none missing. */
	while (shown.vbuf.seq < SEQ + 49) {
		uint32_t before = shown.vbuf.seq;

		shown = rig_next(&rig);
		CU_ASSERT_EQUAL_FATAL(shown.vbuf.seq, before + 1);
		CU_ASSERT_TRUE(shown.vbuf.error);
	}
	shown = rig_next(&rig);
	CU_ASSERT_FALSE(shown.vbuf.error);
	CU_ASSERT_TRUE(shows(&shown, SEQ));
	CU_ASSERT_TRUE(rig_next(&rig).vbuf.error);
	rig_close(&rig);
	close(clip.fd);
}

static void test_a_frame_of_a_wrong_size_is_short_and_never_written_past_its_buffer(void)
{
	struct glint_replay_config config = { .speed_milli = 0 };
	struct clip clip;
	struct rig rig;

	clip_begin(&clip, "GREY", SEQ);
	clip_add(&clip, 0);
	clip_add_sized(&clip, 0, SIZE / 2);
	clip_add_sized(&clip, 0, 100 * SIZE);
	config.path = clip.path;
	RIG_OPEN(&rig, &config);
	ASSERT_NEXT(&rig, SEQ, SEQ);
	CU_ASSERT_TRUE(rig_next(&rig).vbuf.short_data);
	CU_ASSERT_EQUAL(rig_next(&rig).vbuf.used, SIZE);
	rig_close(&rig);
	close(clip.fd);
}

static void clip_set_head(const struct clip *clip, uint32_t fourcc, uint32_t width, uint32_t height)
{
	struct glint_clip_head head = {
		.name = "lab",
		.fourcc = fourcc,
		.width = width,
		.height = height,
	};
	uint8_t page[GLINT_CLIP_PAGE];

	glint_clip_write_head(&head, page);
	CU_ASSERT_EQUAL_FATAL(pwrite(clip->fd, page, sizeof(page), 0), (ssize_t)sizeof(page));
}

static int try_open(const char *path, char *message)
{
	struct glint_track track;
	int err = glint_track_open(&track, path, message);

	if (err == 0)
		glint_track_close(&track);
	return err;
}

/* A clip of one frame in the format @info, as the recorder writes it, can be opened. */
static void check_format(const struct glint_format_info *info, uint32_t width, uint32_t height)
{
	/* Lines and the memory behind them have padding, as with many drivers. */
	const struct glint_format format = {
		.info = info,
		.fourcc = info->fourcc,
		.width = width,
		.height = height,
		.n_planes = info->mem_planes,
		.stride = { width * 6, width * 6, width * 6 },
		.size = { width * 6 * height * 3 + GLINT_CLIP_PAGE },
	};
	struct glint_dmabuf buf = { .n_planes = 1, .planes = { { .size = SIZE_MAX } } };
	const struct glint_frame frame = { .format = &format, .buf = &buf };
	char message[GLINT_TRACK_MESSAGE_MAX];
	struct glint_track track;
	struct clip clip;
	uint32_t fourcc = glint_record_fourcc(&frame);

	clip_begin(&clip, "GREY", SEQ);
	clip_set_head(&clip, fourcc, width, height);
	clip_add_sized(&clip, 0, (uint32_t)glint_record_size(&frame));
	CU_ASSERT_EQUAL(glint_track_open(&track, clip.path, message), 0);
	if (*message) {
		printf("# %s: %s\n", info->name, message);
	} else {
		if (info->becomes && !info->in_blocks)
			CU_ASSERT_EQUAL(glint_track_stride(&track),
					width * info->bits_per_pixel / 8);
		glint_track_close(&track);
	}
	close(clip.fd);
}

static void test_what_the_recorder_writes_of_each_raw_format_can_be_replayed(void)
{
	const struct glint_format_info *info;

	if (!IS_ENABLED(CONFIG_RECORD))
		GLINT_SKIP("built without the recorder");
	for (unsigned i = 0; (info = glint_format_at(i)); i++) {
		/* V4L2 has no planes of 4:4:4 in one piece. */
		if (info->layout == GLINT_LAYOUT_JPEG ||
		    (info->layout == GLINT_LAYOUT_PLANAR && info->h_sub == 1))
			continue;
		check_format(info, WIDTH, HEIGHT);
		if ((info->h_sub == 1 && !info->becomes) || info->layout == GLINT_LAYOUT_PACKED_YUV)
			check_format(info, WIDTH + 1, HEIGHT + 1);
	}
}

static void test_what_is_no_clip_is_refused_in_words(void)
{
	char message[GLINT_TRACK_MESSAGE_MAX];
	struct clip clip;

	CU_ASSERT_EQUAL(try_open("/proc/self/does-not-exist", message), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "does-not-exist"));
	CU_ASSERT_EQUAL(try_open("/dev/zero", message), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "is no clip"));
	clip_begin(&clip, "GREY", SEQ);
	CU_ASSERT_EQUAL(try_open(clip.path, message), -ENODATA);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "no whole frame"));
	clip_add_sized(&clip, 0, SIZE - 1);
	CU_ASSERT_EQUAL(try_open(clip.path, message), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "cannot have 511 bytes"));
	clip_set_head(&clip, V4L2_PIX_FMT_GREY, 20000, 1);
	CU_ASSERT_EQUAL(try_open(clip.path, message), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "20000x1"));
	clip_set_head(&clip, v4l2_fourcc('X', 'X', 'X', 'X'), WIDTH, HEIGHT);
	CU_ASSERT_EQUAL(try_open(clip.path, message), -EMEDIUMTYPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, "XXXX"));
	close(clip.fd);
}

static void test_speeds_and_faults_are_read(void)
{
	static const char *const bad_speeds[] = { "",	 "0",	"0.001", "101", "1e1", "-1",
						  "nan", "inf", "1x",	 " 1",	"Max" };
	static const char *const bad_cues[] = { "drop",
						"drop@",
						"drop@x",
						"drop@1:0",
						"drop@1:",
						"drops@1",
						"drop@1,",
						",drop@1",
						"drop@1:x",
						"drop@ 1",
						"@1",
						"drop@1:+2",
						"drop@1:9999999999",
						"drop@99999999999999999999" };
	struct glint_replay_cues cues;
	uint32_t speed;

	CU_ASSERT_EQUAL(glint_replay_speed_parse("max", &speed), 0);
	CU_ASSERT_EQUAL(speed, 0);
	CU_ASSERT_EQUAL(glint_replay_speed_parse("0.25", &speed), 0);
	CU_ASSERT_EQUAL(speed, 250);
	CU_ASSERT_EQUAL(glint_replay_speed_parse("100", &speed), 0);
	CU_ASSERT_EQUAL(speed, 100000);
	for (size_t i = 0; i < ARRAY_SIZE(bad_speeds); i++)
		CU_ASSERT_EQUAL(glint_replay_speed_parse(bad_speeds[i], &speed), -EINVAL);
	CU_ASSERT_EQUAL(glint_replay_cues_parse("", &cues), 0);
	CU_ASSERT_EQUAL(cues.n, 0);
	CU_ASSERT_EQUAL(glint_replay_cues_parse("no-signal@-7:60", &cues), 0);
	CU_ASSERT_EQUAL(cues.list[0].fault, GLINT_REPLAY_SIGNAL);
	CU_ASSERT_EQUAL(cues.list[0].n, -7);
	CU_ASSERT_EQUAL(cues.list[0].frames, 60);
	for (size_t i = 0; i < ARRAY_SIZE(bad_cues); i++)
		CU_ASSERT_EQUAL(glint_replay_cues_parse(bad_cues[i], &cues), -EINVAL);
}

GLINT_TESTS("replay", GLINT_TEST(test_the_device_presents_itself_as_a_recording),
	    GLINT_TEST(test_pixels_numbers_and_intervals_are_those_of_the_clip),
	    GLINT_TEST(test_each_of_97_missing_frames_of_7171_is_a_number_that_is_missing),
	    GLINT_TEST(test_the_last_frame_stays_with_further_numbers),
	    GLINT_TEST(test_a_loop_begins_again_without_a_gap),
	    GLINT_TEST(test_a_pause_shows_one_frame_and_a_step_the_next),
	    GLINT_TEST(test_a_seek_shows_the_frame_or_the_one_after_a_gap),
	    GLINT_TEST(test_faults_begin_at_their_frames),
	    GLINT_TEST(test_frames_that_are_dropped_at_the_end_of_a_loop_are_a_gap),
	    GLINT_TEST(test_a_seek_to_a_last_frame_that_is_dropped_finds_the_end),
	    GLINT_TEST(test_without_any_frame_left_requests_are_answered),
	    GLINT_TEST(test_a_loop_that_drops_more_frames_than_it_has_goes_on),
	    GLINT_TEST(test_a_lost_signal_comes_back_and_the_clip_goes_on),
	    GLINT_TEST(test_without_a_buffer_the_replay_waits_and_drops_nothing),
	    GLINT_TEST(test_a_restart_of_the_stream_loses_and_repeats_nothing),
	    GLINT_TEST(test_a_restart_of_the_stream_keeps_faults_and_steps),
	    GLINT_TEST(test_a_forgotten_request_is_not_answered),
	    GLINT_TEST(test_while_too_many_requests_wait_only_those_for_frames_are_refused),
	    GLINT_TEST(test_frames_that_cannot_be_read_are_damaged_ones),
	    GLINT_TEST(test_a_frame_of_a_wrong_size_is_short_and_never_written_past_its_buffer),
	    GLINT_TEST(test_what_the_recorder_writes_of_each_raw_format_can_be_replayed),
	    GLINT_TEST(test_what_is_no_clip_is_refused_in_words),
	    GLINT_TEST(test_speeds_and_faults_are_read), )
