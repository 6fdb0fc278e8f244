/* SPDX-License-Identifier: MIT */
/*
 * Random triggers over HTTP to the whole service, while the size of the source changes, and frames
 * are dropped and damaged. A witness beside the recorder logs each good frame; a file must have
 * exactly the frames that the log has around the trigger. Each frame has a picture of its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>

#include "clip/clip.h"
#include "core/fanout.h"
#include "core/frame.h"
#include "random.h"
#include "record/recorder.h"
#include "report_rig.h"
#include "service_rig.h"

#define TRIGGERS   250u /* to each of the four services: all of them are a thousand; GLINT_TRIGGERS */
#define AT_ONCE	   3u
#define SPAN_MAX   8u /* frames before a trigger, and behind it */
#define PAST_MAX   8u /* a moment in the past is at most so many frames back */
#define FRAMES_MAX 40000u
#define HEIGHT	   96u
#define WIDE	   160u
#define NARROW	   128u

/* What the service told of a good frame, and where it stands among all frames. */
struct shot {
	uint64_t stream, exposure_ns, capture_ns;
	uint64_t position;
	uint32_t seq, width;
};

enum kind { KIND_SEQ, KIND_TIME, KIND_NOW };

struct ask {
	int fd; /* -1: none is under way */
	enum kind kind;
	uint32_t seq;
	uint64_t ns, stream; /* of the newest frame at that time */
	unsigned pre, post;
	size_t used;
	char text[4096];
};

/* A file that was read, with the numbers of its frames in the log. */
struct file {
	char name[64];
	unsigned first, last;
	uint64_t end; /* position that the latest trigger needs */
	bool cut;     /* the source, which waits for the disk, had no frame for 5 s */
};

struct scene {
	struct world world;
	struct glint_sink witness;
	struct random random;
	char folder[64];
	bool separate, in_place;
	struct shot shots[FRAMES_MAX];
	unsigned n_shots;
	uint64_t last_stamp_ns;
	uint32_t width, raw[WIDE * HEIGHT / 2];
	struct ask asks[AT_ONCE];
	struct file files[TRIGGERS];
	unsigned n_files, asked, refused;
};

/* GLINT_TRIGGERS=N: fewer for each service. */
static unsigned triggers(void)
{
	const char *wish = getenv("GLINT_TRIGGERS");

	return wish ? MIN((unsigned)strtoul(wish, NULL, 10), TRIGGERS) : TRIGGERS;
}

static bool witness_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct scene *scene = container_of(sink, struct scene, witness);
	const struct glint_frame_info *info = &frame->info;
	const struct shot *before = scene->n_shots > 0 ? &scene->shots[scene->n_shots - 1] : NULL;
	uint64_t step = before && before->stream == info->stream ? info->seq - before->seq : 1;

	CU_ASSERT_TRUE_FATAL(scene->n_shots < FRAMES_MAX);
	scene->shots[scene->n_shots++] = (struct shot){
		.stream = info->stream,
		.seq = info->seq,
		.width = info->width,
		.exposure_ns = info->exposure_ns,
		.capture_ns = info->capture_ns,
		.position = (before ? before->position : 0) + step,
	};
	return false;
}

/* --- The source -------------------------------------------------------------------------------- */

/* The picture of the frame with this number in the log. */
static void draw(uint32_t number, uint32_t width, uint32_t *to)
{
	for (uint32_t i = 0; i < width * HEIGHT / 2; i++)
		to[i] = number * 2654435761u + i;
}

/* Frames come no faster than the disk takes them: here nothing may be lost. */
static void drain(struct scene *scene, unsigned most)
{
	while (REPORTED(int, recorder, scene->world.service->recorder, "recorder.backlog") > most)
		world_turn(&scene->world);
}

static bool has_queued(struct world *w)
{
	bool any;

	fake_v4l2_lock(&w->camera);
	any = w->camera.queued != 0;
	fake_v4l2_unlock(&w->camera);
	return any;
}

static void shoot(struct scene *scene, uint32_t dropped, bool damaged)
{
	struct world *w = &scene->world;
	uint64_t seen = glint_capture_ledger(w->service->capture)->seen;
	struct fake_frame frame = {
		.seq = w->seq += 1 + dropped,
		.data = scene->raw,
		.used = scene->width * HEIGHT * 2,
		.flags = damaged ? V4L2_BUF_FLAG_ERROR : 0,
	};
	unsigned n = scene->n_shots;

	/* One slow write keeps its frames in memory, however few they are, while others come. */
	drain(scene, scene->n_shots % 64 == 0 ? 0 : 16);
	draw(n, scene->width, scene->raw);
	do
		frame.stamp_ns = glint_now_ns() / 1000 * 1000;
	while (frame.stamp_ns <= scene->last_stamp_ns);
	scene->last_stamp_ns = frame.stamp_ns;
	while (!has_queued(w))
		world_turn(w);
	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w->camera, -1, &frame) >= 0);
	while (glint_capture_ledger(w->service->capture)->seen == seen)
		world_turn(w);
	CU_ASSERT_EQUAL_FATAL(scene->n_shots, damaged ? n : n + 1);
	if (damaged)
		return;
	CU_ASSERT_EQUAL(scene->shots[n].capture_ns, frame.stamp_ns);
	CU_ASSERT_EQUAL(scene->shots[n].width, scene->width);
}

/* The source has another size from now on, and counts anew. */
static void change_size(struct scene *scene)
{
	struct world *w = &scene->world;
	uint64_t stream;

	/* A number is one of the stream in which a client asks for it. */
	shoot(scene, 0, false);
	shoot(scene, 0, false);
	shoot(scene, 0, false);
	/* A source has a stream from its first frame on: the scene may begin here. */
	stream = world_source(w).stream;
	/* The source gets the memory back for the other size only when no recording needs it. */
	drain(scene, 0);
	scene->width = scene->width == WIDE ? NARROW : WIDE;
	fake_v4l2_lock(&w->camera);
	w->camera.timings_width = scene->width;
	fake_v4l2_unlock(&w->camera);
	fake_v4l2_event(&w->camera);
	/* The test runner ends a loop that hangs. */
	while (world_source(w).stream == stream || !world_streams(w) ||
	       world_source(w).format.width != scene->width)
		world_turn(w);
	w->seq = 0;
	shoot(scene, 0, false);
}

/* --- Triggers ---------------------------------------------------------------------------------- */

static void ask_begin(struct scene *scene, struct ask *ask)
{
	const struct shot *newest = &scene->shots[scene->n_shots - 1];
	unsigned back = random_below(&scene->random, PAST_MAX);
	char request[256], at[64];

	*ask = (struct ask){
		.pre = random_below(&scene->random, SPAN_MAX + 1),
		.post = random_below(&scene->random, SPAN_MAX + 1),
		.stream = newest->stream,
	};
	switch (random_below(&scene->random, 4)) {
	case 0: /* of the past, or up to two frames ahead */
		ask->kind = KIND_SEQ;
		ask->seq = newest->seq + 2 > back ? newest->seq + 2 - back : 1;
		snprintf(at, sizeof(at), "seq:%u", ask->seq);
		break;
	case 1:
		ask->kind = KIND_TIME;
		ask->ns = scene->shots[scene->n_shots - MIN(scene->n_shots, 1 + back)].capture_ns;
		snprintf(at, sizeof(at), "%" PRIu64, ask->ns);
		break;
	default:
		/* Where a recording is made longer, the answer has the moment of the first trigger. */
		ask->kind = scene->separate ? KIND_NOW : KIND_TIME;
		ask->ns = glint_now_ns();
		snprintf(at, sizeof(at), "%" PRIu64, ask->ns);
	}
	snprintf(request, sizeof(request),
		 "POST /record?wait=true&pre=%u&post=%u&at=%s HTTP/1.1\r\nHost: x\r\n\r\n",
		 ask->pre, ask->post, ask->kind == KIND_NOW ? "now" : at);
	ask->fd = world_ask(&scene->world, request);
	scene->asked++;
}

/* The first frame at the moment; -1: it has not come. */
static int find_zero(const struct scene *scene, const struct ask *ask)
{
	for (unsigned i = 0; i < scene->n_shots; i++) {
		const struct shot *shot = &scene->shots[i];

		if (ask->kind == KIND_SEQ ? shot->stream == ask->stream && shot->seq >= ask->seq :
					    shot->exposure_ns > 0 && shot->exposure_ns >= ask->ns)
			return (int)i;
	}
	return -1;
}

/*
 * Whether the moment, or its frame, is of before the newest stream; or, in place, in the first frames
 * of the stream, which leave the memory when the source gets it for the other size.
 */
static bool may_be_gone(struct scene *scene, const struct ask *ask)
{
	unsigned first = scene->n_shots - 1;
	int zero = find_zero(scene, ask);
	int64_t in_ring =
		REPORTED(int, recorder, scene->world.service->recorder, "recorder.in_ring");

	while (first > 0 && scene->shots[first - 1].stream == scene->shots[first].stream)
		first--;
	if (ask->kind != KIND_SEQ && ask->ns < scene->shots[first].capture_ns)
		return true;
	return zero >= 0 &&
	       (zero < (int)first || (scene->in_place && (int64_t)scene->n_shots - zero > in_ring));
}

/* --- Files --------------------------------------------------------------------------------------- */

static void remove_file(const struct scene *scene, const char *name, const char *end)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s%s", scene->folder, name, end);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

/* A frame of the file is that of the log, to the last pixel. */
static void compare_frame(const struct scene *scene, const struct glint_clip_reader *reader,
			  const struct glint_clip_frame *frame, unsigned number, bool first)
{
	static uint32_t expected[WIDE * HEIGHT / 2], found[WIDE * HEIGHT / 2];
	const struct shot *shot = &scene->shots[number];

	CU_ASSERT_EQUAL_FATAL(frame->stream, shot->stream);
	CU_ASSERT_EQUAL_FATAL(frame->seq, shot->seq);
	CU_ASSERT_EQUAL(frame->capture_ns, shot->capture_ns);
	CU_ASSERT_EQUAL(frame->exposure_ns, shot->exposure_ns);
	CU_ASSERT_EQUAL_FATAL(frame->size, shot->width * HEIGHT * 2);
	if (!first)
		CU_ASSERT_EQUAL(glint_clip_gap_count(&frame->before),
				shot->position - shot[-1].position - 1);
	draw(number, shot->width, expected);
	CU_ASSERT_EQUAL(pread(reader->fd, found, frame->size, (off_t)reader->offset),
			(ssize_t)frame->size);
	CU_ASSERT_EQUAL_FATAL(memcmp(found, expected, frame->size), 0);
}

static struct file *read_file(struct scene *scene, const char *name)
{
	struct file *file = &scene->files[scene->n_files];
	struct glint_clip_reader reader;
	struct glint_clip_frame frame;
	char path[256];
	unsigned n = 0;
	int fd, err;

	for (unsigned i = 0; i < scene->n_files; i++)
		if (strcmp(scene->files[i].name, name) == 0)
			return &scene->files[i];
	CU_ASSERT_TRUE_FATAL(scene->n_files < TRIGGERS);
	scene->n_files++;
	snprintf(file->name, sizeof(file->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s.mkv", scene->folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(glint_clip_read_head(&reader, fd), 0);
	CU_ASSERT_TRUE(reader.head.finished);
	for (; (err = glint_clip_read_frame(&reader, &frame)) == 0; n++) {
		for (; n == 0 && file->first < scene->n_shots; file->first++)
			if (scene->shots[file->first].capture_ns == frame.capture_ns)
				break;
		CU_ASSERT_TRUE_FATAL(file->first + n < scene->n_shots);
		compare_frame(scene, &reader, &frame, file->first + n, n == 0);
	}
	CU_ASSERT_EQUAL(err, -ENODATA);
	CU_ASSERT_TRUE_FATAL(n > 0);
	CU_ASSERT_EQUAL(reader.head.frames, n);
	file->last = file->first + n - 1;
	close(fd);
	remove_file(scene, name, ".mkv");
	remove_file(scene, name, ".jsonl");
	return file;
}

static bool is_of_one_size(const struct scene *scene, unsigned a, unsigned b)
{
	/* The size changes with each stream, and only then. */
	return scene->shots[a].stream == scene->shots[b].stream;
}

/* Where the window of a trigger begins, as the log has it. */
static unsigned window_first(const struct scene *scene, unsigned zero, unsigned pre)
{
	unsigned first = zero;

	while (first > 0 && is_of_one_size(scene, first - 1, zero) &&
	       scene->shots[first - 1].position + pre >= scene->shots[zero].position)
		first--;
	return first;
}

static unsigned window_last(const struct scene *scene, unsigned from, uint64_t end)
{
	unsigned last = from;

	while (last + 1 < scene->n_shots && is_of_one_size(scene, last + 1, from) &&
	       scene->shots[last + 1].position <= end)
		last++;
	return last;
}

static int64_t member(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return json_is_true(value) ? 1 : json_integer_value(value);
}

static void check_answer(struct scene *scene, struct ask *ask, json_t *result)
{
	struct file *file = read_file(scene, json_string_value(json_object_get(result, "name")));
	bool extended = member(result, "extended"), old;
	unsigned first;
	int zero;

	if (ask->kind == KIND_NOW)
		ask->ns = (uint64_t)member(result, "moment_ns");
	file->cut = strcmp(json_string_value(json_object_get(result, "ended")), "no-frames") == 0;
	zero = find_zero(scene, ask);
	/* The frame of an extension may not have come when a slow disk ended the file. */
	CU_ASSERT_TRUE_FATAL(zero >= 0 || file->cut);
	if (zero < 0)
		return;
	old = scene->shots[zero].stream != ask->stream;
	file->end = MAX(file->end, scene->shots[zero].position + ask->post);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(result, "state")), "closed");
	CU_ASSERT_EQUAL(member(result, "lost"), 0);
	CU_ASSERT_EQUAL(member(result, "frames"), file->last - file->first + 1);
	CU_ASSERT_EQUAL(member(result, "last_seq"), scene->shots[file->last].seq);
	if (file->cut)
		return;
	if (extended) {
		CU_ASSERT_FALSE(scene->separate);
		CU_ASSERT_TRUE(file->first <= (unsigned)zero && (unsigned)zero <= file->last);
		return;
	}
	CU_ASSERT_EQUAL(member(result, "trigger_seq"), scene->shots[zero].seq);
	CU_ASSERT_EQUAL(member(result, "first_seq"), scene->shots[file->first].seq);
	first = window_first(scene, (unsigned)zero, ask->pre);
	if (file->first != first)
		printf("# %s: from %u, not %u; frame 0 is %d, pre %u\n", file->name, file->first,
		       first, zero, ask->pre);
	/* Memory that goes over to a source of another size is lent without frames. */
	if (!old || !member(result, "shortened"))
		CU_ASSERT_EQUAL(file->first, first);
	CU_ASSERT_TRUE(file->first >= first && file->first <= (unsigned)zero);
}

/* Returns whether the answer has come. */
static bool ask_poll(struct scene *scene, struct ask *ask)
{
	json_t *answer, *result;
	const char *body;

	ask->used += world_take(ask->fd, ask->text + ask->used, sizeof(ask->text) - 1 - ask->used);
	if (!world_reply_is_whole(ask->text, ask->used))
		return false;
	close(ask->fd);
	ask->fd = -1;
	body = strstr(ask->text, "\r\n\r\n");
	answer = json_loads(body, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	result = json_object_get(answer, "result");
	if (strncmp(ask->text, "HTTP/1.1 200", 12) == 0) {
		check_answer(scene, ask, result);
	} else if (strstr(body, "no-frames")) {
		/* The source waited for the disk: again. */
		scene->asked--;
	} else {
		bool gone = strstr(body, "not-held") && may_be_gone(scene, ask);

		if (!gone)
			printf("# refused: %s\n", ask->text);
		CU_ASSERT_TRUE(gone);
		scene->refused++;
	}
	json_decref(answer);
	return true;
}

/* --- The tests ------------------------------------------------------------------------------------ */

static void scene_open(struct scene *scene, bool separate, bool in_place)
{
	struct world *w = &scene->world;

	memset(scene, 0, sizeof(*scene));
	scene->random = random_begin();
	scene->separate = separate;
	scene->in_place = in_place;
	strcpy(scene->folder, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(scene->folder));
	for (unsigned i = 0; i < AT_ONCE; i++)
		scene->asks[i].fd = -1;
	scene->width = WIDE;
	world_prepare(w, V4L2_PIX_FMT_YUYV, WIDE, HEIGHT);
	w->camera.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	w->camera.has_events = true;
	w->camera.formats[0].width = w->camera.formats[0].height = 0;
	w->camera.timings_width = WIDE;
	w->camera.timings_height = HEIGHT;
	w->camera.users = in_place;
	w->settings.record.folder = scene->folder;
	w->settings.record.memory_mib = 8;
	w->settings.record.separate = separate;
}

static void scene_close(struct scene *scene)
{
	char lock[128];

	glint_fanout_detach(glint_capture_all(scene->world.service->capture), &scene->witness);
	world_close(&scene->world);
	snprintf(lock, sizeof(lock), "%s/.glint-record.lock", scene->folder);
	unlink(lock);
	CU_ASSERT_EQUAL(rmdir(scene->folder), 0);
}

static unsigned under_way(const struct scene *scene)
{
	unsigned n = 0;

	for (unsigned i = 0; i < AT_ONCE; i++)
		n += scene->asks[i].fd >= 0;
	return n;
}

static void step(struct scene *scene)
{
	struct random *random = &scene->random;
	struct ask *ask = &scene->asks[random_below(random, AT_ONCE)];
	uint32_t dropped = random_below(random, 8) == 0 ? random_below(random, 4) : 0;

	if (random_below(random, 60) == 0)
		change_size(scene);
	else
		shoot(scene, dropped, random_below(random, 16) == 0);
	if (ask->fd < 0 && scene->asked < triggers() && scene->n_shots > PAST_MAX)
		ask_begin(scene, ask);
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (scene->asks[i].fd >= 0)
			ask_poll(scene, &scene->asks[i]);
}

static void check_random_triggers(bool separate, bool in_place)
{
	static struct scene scene;
	struct world *w = &scene.world;
	const char *memory;

	scene_open(&scene, separate, in_place);
	WORLD_START(w);
	scene.witness.push_frame = witness_on_frame;
	glint_list_init(&scene.witness.link);
	glint_fanout_attach(glint_capture_all(w->service->capture), &scene.witness);
	while (scene.asked < triggers() || under_way(&scene) > 0)
		step(&scene);
	for (unsigned i = 0; i < scene.n_files; i++) {
		const struct file *file = &scene.files[i];
		unsigned last = window_last(&scene, file->first, file->end);

		if (!file->cut && file->last != last)
			printf("# %s: to %u, not %u\n", file->name, file->last, last);
		CU_ASSERT_TRUE(file->cut || file->last == last);
	}
	CU_ASSERT_TRUE(scene.refused < triggers() / 2);
	memory = REPORTED(text, recorder, w->service->recorder, "recorder.memory");
	CU_ASSERT_STRING_EQUAL(memory, in_place ? "userptr" : "copy");
	printf("# %u triggers, %u files, %u not held, %u frames\n", scene.asked, scene.n_files,
	       scene.refused, scene.n_shots);
	CU_ASSERT_TRUE(separate ? scene.n_files == triggers() - scene.refused :
				  scene.n_files < triggers());
	CU_ASSERT_EQUAL(REPORTED(int, recorder, w->service->recorder, "recorder.lost"), 0);
	CU_ASSERT_EQUAL(REPORTED(int, recorder, w->service->recorder, "recorder.seen"),
			scene.n_shots);
	scene_close(&scene);
}

static void test_random_triggers_with_a_file_each_are_exact(void)
{
	check_random_triggers(true, false);
}

static void test_random_triggers_with_a_file_each_in_place_are_exact(void)
{
	check_random_triggers(true, true);
}

static void test_random_triggers_that_make_files_longer_are_exact(void)
{
	check_random_triggers(false, false);
}

static void test_random_triggers_that_make_files_longer_in_place_are_exact(void)
{
	check_random_triggers(false, true);
}

GLINT_TESTS("recorder of the service", GLINT_TEST(test_random_triggers_with_a_file_each_are_exact),
	    GLINT_TEST(test_random_triggers_with_a_file_each_in_place_are_exact),
	    GLINT_TEST(test_random_triggers_that_make_files_longer_are_exact),
	    GLINT_TEST(test_random_triggers_that_make_files_longer_in_place_are_exact))
