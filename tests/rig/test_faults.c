/* SPDX-License-Identifier: MIT */
/*
 * Faults of a device against what the service is doing at that moment. A cell of the
 * matrix is a scene (format, encoder, client) and a fault. A cell ends when the client is
 * answered or closed, the service is live again, the ledger balances, no frame or
 * descriptor is left, and the service has ended cleanly; some cells stop the service at
 * the fault instead. A cell that fails prints its name. glint_test_loop() says on which loop.
 * GLINT_FAULTS_EVERY=N runs each Nth cell only.
 */
#include "capture/capture.h"

static bool last_look(struct glint_capture *capture, uint64_t deadline_ns);
#define glint_capture_destroy last_look
#include "../unit/service_rig.h"
#undef glint_capture_destroy

#include "../fake/m2m.h"
#include "../unit/malloc_rig.h"

#define WIDTH	    640
#define HEIGHT	    480
#define FRAME_BYTES (WIDTH * HEIGHT * 2)

/* --- Scenes ----------------------------------------------------------------------------- */

enum client {
	CLIENT_NONE,
	CLIENT_REPLY,
	CLIENT_STREAM,
	CLIENT_RAW_STREAM, /* has nothing to send without video */
};

struct scene {
	const char *name;
	uint32_t fourcc;
	bool m2m;	     /* an M2M encoder that keeps its jobs; else the CPU */
	enum client client;  /* gets one reply, or a stream without end */
	const char *request; /* of the client */
	unsigned frames;     /* shown before the fault: one is on its way, a second one waits */
};

#define SNAPSHOT "GET /snapshot"
#define STREAM	 "GET /stream"

static const struct scene scenes[] = {
	{ "no client", V4L2_PIX_FMT_YUYV, false, CLIENT_NONE, NULL, 1 },
	{ "no client of a camera's JPEGs", V4L2_PIX_FMT_MJPEG, false, CLIENT_NONE, NULL, 1 },
	{ "a snapshot waits for a frame", V4L2_PIX_FMT_YUYV, false, CLIENT_REPLY, SNAPSHOT, 0 },
	{ "a snapshot waits for the CPU", V4L2_PIX_FMT_YUYV, false, CLIENT_REPLY, SNAPSHOT, 2 },
	{ "a slow stream of pictures by the CPU", V4L2_PIX_FMT_YUYV, false, CLIENT_STREAM, STREAM,
	  2 },
	{ "a slow stream in the middle of a JPEG", V4L2_PIX_FMT_MJPEG, false, CLIENT_STREAM, STREAM,
	  1 },
	{ "a slow stream with a next JPEG", V4L2_PIX_FMT_MJPEG, false, CLIENT_STREAM, STREAM, 3 },
	{ "a snapshot waits for the M2M encoder", V4L2_PIX_FMT_YUYV, true, CLIENT_REPLY, SNAPSHOT,
	  1 },
	{ "a frame waits behind those in the M2M encoder", V4L2_PIX_FMT_YUYV, true, CLIENT_STREAM,
	  STREAM, 4 },
	{ "exact pixels are made", V4L2_PIX_FMT_YUYV, false, CLIENT_REPLY,
	  "GET /snapshot?format=ppm&strict=1", 2 },
	{ "a slow stream of raw frames", V4L2_PIX_FMT_YUYV, false, CLIENT_RAW_STREAM,
	  "GET /stream.y4m", 2 },
	{ "a mark waits for its frame", V4L2_PIX_FMT_YUYV, false, CLIENT_REPLY, "POST /marks", 0 },
	{ "a change is waited for", V4L2_PIX_FMT_YUYV, false, CLIENT_REPLY,
	  "GET /wait?any=change,offline", 2 },
};

#define SCENES_END (scenes + ARRAY_SIZE(scenes))

struct cell {
	struct world w;
	const struct scene *scene;
	struct fake_m2m encoder;
	int fd;		   /* of the client, or -1 */
	size_t got;	   /* bytes by the client */
	char *reply;	   /* of CLIENT_REPLY */
	bool ended;	   /* the server closed the client */
	unsigned open_fds; /* before the service */
	unsigned failures;
};

#define REPLY_MAX (2u << 20)

/* The service is at its end: all readers are gone, and so are their frames. */
static bool last_look(struct glint_capture *capture, uint64_t deadline_ns)
{
	struct glint_capture_status status;

	glint_capture_status(capture, &status);
	CU_ASSERT_EQUAL(status.leased, 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(capture)->in_flight, 0);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(glint_capture_ledger(capture)), 0);
	return glint_capture_destroy(capture, deadline_ns);
}

/* A raw frame whose picture fills a socket. */
static const uint8_t *noise(void)
{
	static uint8_t bytes[FRAME_BYTES];

	for (unsigned i = 0; bytes[FRAME_BYTES - 1] == 0 && i < FRAME_BYTES; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	return bytes;
}

/* Take what has come for the client; a stream's bytes are only counted. */
static void client_read(struct cell *cell)
{
	static char dropped[1 << 16];
	bool keep = cell->scene->client == CLIENT_REPLY;
	ssize_t n = 0;

	while (cell->fd >= 0 && !cell->ended) {
		if (keep)
			n = recv(cell->fd, cell->reply + cell->got, REPLY_MAX - cell->got, 0);
		else
			n = recv(cell->fd, dropped, sizeof(dropped), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0)
			cell->got += (size_t)n;
		cell->ended = n <= 0;
	}
}

static bool client_is_answered(const struct cell *cell, size_t before)
{
	switch (cell->scene->client) {
	case CLIENT_NONE:
		return true;
	case CLIENT_REPLY:
		return cell->ended || world_reply_is_whole(cell->reply, cell->got);
	default:
		return cell->ended || cell->got > before;
	}
}

#define STUCK_SOON (20 * GLINT_NSEC_PER_MSEC)

static uint64_t stuck_ns = STUCK_SOON;

static void cell_settings(struct cell *cell)
{
	struct glint_settings *settings = &cell->w.settings;

	settings->capture.retry_ns = GLINT_NSEC_PER_MSEC;
	settings->capture.stuck_ns = stuck_ns;
	fake_m2m_init(&cell->encoder);
	if (!cell->scene->m2m)
		return;
	cell->encoder.path = "/dev/video1";
	cell->encoder.jpeg = cell->w.jpeg;
	cell->encoder.jpeg_size = cell->w.jpeg_size;
	settings->encoder.choice = GLINT_ENCODER_M2M;
	settings->encoder.m2m_device = "/dev/video1";
	settings->encoder.m2m_access = &cell->encoder.access;
}

static bool encoder_has_job(struct cell *cell)
{
	bool has;

	fake_m2m_lock(&cell->encoder);
	has = cell->encoder.raw.n_order > 0;
	fake_m2m_unlock(&cell->encoder);
	return has;
}

/* By the encoder, for a picture; or by what reads frames itself. */
static bool frames_are_wanted(struct world *w)
{
	return glint_fanout_wanted(glint_capture_frames(w->service->capture)) ||
	       glint_fanout_wanted(glint_capture_all(w->service->capture));
}

/* The fault comes while the client of the scene waits, or does not read. */
static void scene_begin(struct cell *cell)
{
	struct world *w = &cell->w;
	char request[100];

	world_frame(&cell->w);
	WORLD_WAIT(w, world_source(w).online);
	if (cell->scene->client != CLIENT_NONE) {
		snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: x\r\n\r\n",
			 cell->scene->request);
		cell->fd = world_ask(w, request);
		WORLD_WAIT(w, frames_are_wanted(w));
	}
	for (unsigned i = 0; i < cell->scene->frames; i++)
		world_frame(&cell->w);
	if (cell->scene->m2m)
		WORLD_WAIT(w, encoder_has_job(cell));
	if (cell->scene->fourcc == V4L2_PIX_FMT_MJPEG && cell->scene->client == CLIENT_STREAM)
		CU_ASSERT_TRUE(world_source(w).leased > 0);
}

static void cell_drop(struct cell *cell)
{
	if (cell->fd >= 0)
		close(cell->fd);
	fake_m2m_fini(&cell->encoder);
	free(cell->reply);
	CU_ASSERT_EQUAL(glint_test_open_fds(), cell->open_fds);
}

/* False: there is no such loop here, and nothing is left. */
static bool cell_open(struct cell *cell, const struct scene *scene)
{
	struct world *w = &cell->w;

	cell->scene = scene;
	cell->fd = -1;
	cell->got = 0;
	cell->ended = false;
	cell->failures = CU_get_number_of_failures();
	cell->open_fds = glint_test_open_fds();
	world_prepare(w, scene->fourcc, WIDTH, HEIGHT);
	w->raw = noise();
	w->raw_size = FRAME_BYTES;
	w->jpeg_size = world_make_jpeg(w->jpeg, WIDTH, HEIGHT, 400000);
	cell_settings(cell);
	cell->reply = malloc(REPLY_MAX);
	if (world_start(w) < 0) {
		world_drop(w);
		cell_drop(cell);
		return false;
	}
	scene_begin(cell);
	return true;
}

static void cell_tell(const struct cell *cell, const char *fault)
{
	if (CU_get_number_of_failures() > cell->failures)
		printf("# %s, while %s\n", fault, cell->scene->name);
}

/* --- Faults ------------------------------------------------------------------------------ */

/* clang-format off */
#define REQUEST(name) { #name, VIDIOC_##name }
/* clang-format on */

struct request {
	const char *name;
	unsigned long code;
};

/* Made on the loop's thread, as a frame comes or goes. */
static const struct request frame_requests[] = { REQUEST(DQBUF), REQUEST(QBUF) };

/* Made on the device's thread, as a stream ends and the next one begins. */
static const struct request setup_requests[] = {
	REQUEST(STREAMOFF),	  REQUEST(REQBUFS),
	REQUEST(QUERYCAP),	  REQUEST(ENUMINPUT),
	REQUEST(S_INPUT),	  REQUEST(ENUM_FMT),
	REQUEST(ENUM_FRAMESIZES), REQUEST(ENUM_FRAMEINTERVALS),
	REQUEST(S_FMT),		  REQUEST(S_PARM),
	REQUEST(G_PARM),	  REQUEST(QUERYBUF),
	REQUEST(EXPBUF),	  REQUEST(STREAMON),
};

static const struct {
	const char *name;
	int err;
} errors[] = {
	{ "ENODEV", -ENODEV },
	{ "EIO", -EIO },
	{ "EINVAL", -EINVAL },
	{ "EBUSY", -EBUSY },
};

static void arm(struct cell *cell, unsigned long request, int err, unsigned nth)
{
	fake_v4l2_lock(&cell->w.camera);
	cell->w.camera.fail_request = request;
	cell->w.camera.fail_err = err;
	cell->w.camera.fail_nth = nth;
	fake_v4l2_unlock(&cell->w.camera);
}

static bool fault_is_over(struct cell *cell)
{
	bool over;

	fake_v4l2_lock(&cell->w.camera);
	over = cell->w.camera.fail_request == 0;
	fake_v4l2_unlock(&cell->w.camera);
	return over;
}

/* A buffer that the driver does not have: the stream ends and begins anew. */
static void lie_of_index(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_buffer *buffer = arg;

	if (request != VIDIOC_DQBUF)
		return;
	buffer->index = 99;
	fake->lie = NULL;
}

static void restart_stream(struct cell *cell)
{
	fake_v4l2_lock(&cell->w.camera);
	cell->w.camera.lie = lie_of_index;
	fake_v4l2_unlock(&cell->w.camera);
	(void)world_fill(&cell->w);
}

/* The camera goes on, the encoder ends its jobs, and the client reads. */
static void run_turn(struct cell *cell)
{
	fake_m2m_lock(&cell->encoder);
	cell->encoder.automatic = true;
	fake_m2m_unlock(&cell->encoder);
	while (fake_m2m_finish(&cell->encoder, cell->w.jpeg, cell->w.jpeg_size, 0))
		;
	(void)world_fill(&cell->w);
	world_turn(&cell->w);
	client_read(cell);
}

#define RUN_UNTIL(cell, condition)                                                                 \
	do {                                                                                       \
		for (int turn_ = 0; turn_ < WORLD_TURNS && !(condition); turn_++)                  \
			run_turn(cell);                                                            \
		CU_ASSERT_TRUE(condition);                                                         \
	} while (0)

/* For what takes the service a limit of its own, such as that of an encoder that starts. */
#define RUN_PATIENTLY(cell, condition)                                                             \
	do {                                                                                       \
		uint64_t end_ = glint_now_ns() + 60 * GLINT_NSEC_PER_SEC;                          \
		while (!(condition) && glint_now_ns() < end_)                                      \
			run_turn(cell);                                                            \
		CU_ASSERT_TRUE(condition);                                                         \
	} while (0)

static bool is_idle(struct cell *cell)
{
	return world_source(&cell->w).leased == 0 && world_streams(&cell->w);
}

static void expect_recovery(struct cell *cell)
{
	struct world *w = &cell->w;
	size_t before = cell->got;

	RUN_UNTIL(cell, world_source(w).restarts > 0 && world_source(w).online);
	RUN_UNTIL(cell, client_is_answered(cell, before));
	if (cell->fd >= 0)
		close(cell->fd);
	cell->fd = -1;
	RUN_UNTIL(cell, world_counters(w).clients == 0);
	/* No new frames: what there is comes to its end. */
	for (int turn = 0; turn < WORLD_TURNS && !is_idle(cell); turn++) {
		while (fake_m2m_finish(&cell->encoder, w->jpeg, w->jpeg_size, 0))
			;
		(void)glint_marks_yield(w->service->marks); /* they keep the newest frame */
		world_turn(w);
	}
	CU_ASSERT_TRUE(is_idle(cell));
	CU_ASSERT_EQUAL(glint_capture_ledger(w->service->capture)->in_flight, 0);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(glint_capture_ledger(w->service->capture)), 0);
}

static void cell_close(struct cell *cell, const char *fault)
{
	world_close(&cell->w);
	cell_drop(cell);
	cell_tell(cell, fault);
}

/* --- The matrix ----------------------------------------------------------------------------- */

static bool cell_is_chosen(void)
{
	static unsigned cells;
	const char *every = getenv("GLINT_FAULTS_EVERY");

	return cells++ % MAX(every ? (unsigned)strtoul(every, NULL, 10) : 1, 1u) == 0;
}

enum ending { GOES_ON, STOPS };

/* One cell: @request fails for the @nth time that it is made from now on. */
static bool run_cell(const struct scene *scene, const struct request *request, bool restarts,
		     unsigned error, unsigned nth, enum ending ending)
{
	static struct cell cell;
	char fault[64];

	snprintf(fault, sizeof(fault), "%s fails with %s at call %u%s", request->name,
		 errors[error].name, nth, ending == STOPS ? " and the service stops" : "");
	if (!cell_open(&cell, scene))
		return false;
	arm(&cell, request->code, errors[error].err, nth);
	if (restarts)
		restart_stream(&cell);
	else
		(void)world_fill(&cell.w);
	RUN_UNTIL(&cell, fault_is_over(&cell));
	if (ending == GOES_ON)
		expect_recovery(&cell);
	cell_close(&cell, fault);
	return true;
}

/* The build lacks what the scene needs. */
static bool scene_is_missing(const struct scene *scene)
{
	if (scene->request && strncmp(scene->request, "GET /wait", 9) == 0 &&
	    !IS_ENABLED(CONFIG_JUDGE))
		return true;
	return !scene->m2m && scene->fourcc != V4L2_PIX_FMT_MJPEG && !IS_ENABLED(CONFIG_ENCODE_CPU);
}

static void run_matrix(const struct request *requests, size_t n, bool restarts, unsigned nth,
		       enum ending ending)
{
	for (const struct scene *scene = scenes; scene < SCENES_END; scene++) {
		if (scene_is_missing(scene))
			continue;
		for (size_t i = 0; i < n; i++)
			for (unsigned error = 0; error < ARRAY_SIZE(errors); error++)
				if (cell_is_chosen() &&
				    !run_cell(scene, &requests[i], restarts, error, nth, ending))
					GLINT_SKIP("no %s loop here", glint_test_loop());
	}
}

static void test_a_frame_call_that_fails_once_is_survived_whatever_clients_do(void)
{
	run_matrix(frame_requests, ARRAY_SIZE(frame_requests), false, 1, GOES_ON);
}

static void test_a_frame_call_that_fails_later_is_survived_whatever_clients_do(void)
{
	run_matrix(frame_requests, ARRAY_SIZE(frame_requests), false, 3, GOES_ON);
}

static void test_a_setup_call_that_fails_once_is_survived_whatever_clients_do(void)
{
	run_matrix(setup_requests, ARRAY_SIZE(setup_requests), true, 1, GOES_ON);
}

static void test_a_service_that_stops_at_a_failed_frame_call_leaves_nothing(void)
{
	run_matrix(frame_requests, ARRAY_SIZE(frame_requests), false, 1, STOPS);
}

static void test_a_service_that_stops_at_a_failed_setup_call_leaves_nothing(void)
{
	run_matrix(setup_requests, ARRAY_SIZE(setup_requests), true, 1, STOPS);
}

/* --- Changes of the stream ------------------------------------------------------------------ */

static const char change_of_stream[] =
	"PATCH /config HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	"Content-Length: 30\r\n\r\n{\"buffers\": 4, \"strict\": true}";

/*
 * One client changes the stream while those of the scene go on; @request fails meanwhile. The change
 * is made as a whole or not at all.
 */
static bool change_stream(const struct scene *scene, const struct request *request, unsigned error,
			  unsigned nth)
{
	static struct cell cell;
	const struct glint_settings *now;
	char fault[80], answer[2048];
	size_t got = 0;
	int fd;

	snprintf(fault, sizeof(fault), "%s fails with %s at call %u of a change", request->name,
		 errors[error].name, nth);
	if (!cell_open(&cell, scene))
		return false;
	arm(&cell, request->code, errors[error].err, nth);
	fd = world_ask(&cell.w, change_of_stream);
	RUN_UNTIL(&cell, (got += world_take(fd, answer + got, sizeof(answer) - got),
			  world_reply_is_whole(answer, got)));
	close(fd);
	if (memcmp(answer + 9, "200", 3) && memcmp(answer + 9, "409", 3))
		printf("# %.*s\n", (int)got, answer);
	CU_ASSERT_TRUE(memcmp(answer + 9, "200", 3) == 0 || memcmp(answer + 9, "409", 3) == 0);
	now = &cell.w.service->owner.now;
	CU_ASSERT_EQUAL(memcmp(answer + 9, "200", 3) == 0, now->net.strict);
	CU_ASSERT_EQUAL(now->capture.buffers, now->net.strict ? 4 : 8);
	arm(&cell, 0, 0, 0);
	RUN_UNTIL(&cell, world_source(&cell.w).online);
	CU_ASSERT_EQUAL(world_source(&cell.w).buffers, now->capture.buffers);
	restart_stream(&cell);
	expect_recovery(&cell);
	cell_close(&cell, fault);
	return true;
}

static void test_a_change_of_the_stream_is_made_whole_or_not_at_all_whatever_clients_do(void)
{
	bool has_loop = true;

	/* On a busy host a call may take long: nothing hangs here. */
	stuck_ns = 60 * GLINT_NSEC_PER_SEC;
	for (const struct scene *scene = scenes; scene < SCENES_END && has_loop; scene++) {
		if (scene_is_missing(scene))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(setup_requests) && has_loop; i++)
			has_loop = !cell_is_chosen() || change_stream(scene, &setup_requests[i],
								      i % ARRAY_SIZE(errors), 1);
	}
	stuck_ns = STUCK_SOON;
	if (!has_loop)
		GLINT_SKIP("no %s loop here", glint_test_loop());
}

/* --- Calls that do not return --------------------------------------------------------------- */

static bool is_hanging(struct cell *cell)
{
	bool hanging;

	fake_v4l2_lock(&cell->w.camera);
	hanging = cell->w.camera.hanging;
	fake_v4l2_unlock(&cell->w.camera);
	return hanging;
}

/* The client is answered while the call hangs; the source is live when it has returned. */
static bool hang_for_a_while(const struct scene *scene, const struct request *request)
{
	static struct cell cell;
	char fault[64];
	size_t before;

	snprintf(fault, sizeof(fault), "%s hangs", request->name);
	if (!cell_open(&cell, scene))
		return false;
	fake_v4l2_lock(&cell.w.camera);
	cell.w.camera.hang_request = request->code;
	fake_v4l2_unlock(&cell.w.camera);
	restart_stream(&cell);
	RUN_UNTIL(&cell, is_hanging(&cell));
	before = cell.got;
	RUN_UNTIL(&cell, world_source(&cell.w).reason == GLINT_REASON_STUCK);
	if (scene->client != CLIENT_RAW_STREAM)
		RUN_UNTIL(&cell, client_is_answered(&cell, before));
	fake_v4l2_release(&cell.w.camera);
	expect_recovery(&cell);
	cell_close(&cell, fault);
	return true;
}

static void test_a_setup_call_that_hangs_is_reported_and_survived_whatever_clients_do(void)
{
	for (const struct scene *scene = scenes; scene < SCENES_END; scene++) {
		if (scene_is_missing(scene))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(setup_requests); i++)
			if (cell_is_chosen() && !hang_for_a_while(scene, &setup_requests[i]))
				GLINT_SKIP("no %s loop here", glint_test_loop());
	}
}

/* --- Memory ---------------------------------------------------------------------------------- */

/* False: the restart has fewer than @nth allocations, or there is no such loop. */
static bool restart_without_memory(const struct scene *scene, unsigned nth)
{
	static struct cell cell;
	char fault[64];
	bool failed;

	snprintf(fault, sizeof(fault), "allocation %u fails", nth);
	if (!cell_open(&cell, scene))
		return false;
	malloc_fail_at = nth;
	restart_stream(&cell);
	expect_recovery(&cell);
	failed = malloc_fail_at == 0;
	malloc_fail_at = 0;
	cell_close(&cell, fault);
	return failed;
}

static void test_a_restart_that_lacks_memory_is_survived_whatever_clients_do(void)
{
	unsigned failed = 0;

	NEEDS_MALLOC();
	for (const struct scene *scene = scenes; scene < SCENES_END; scene++) {
		unsigned nth = 1;

		while (!scene_is_missing(scene) && restart_without_memory(scene, nth))
			nth++;
		failed += nth - 1;
	}
	printf("# %u allocations failed\n", failed);
}

/* --- The M2M encoder ------------------------------------------------------------------------- */

static const struct request encoder_requests[] = {
	REQUEST(QBUF),	REQUEST(DQBUF),	  REQUEST(STREAMON), REQUEST(STREAMOFF),
	REQUEST(S_FMT), REQUEST(REQBUFS), REQUEST(QUERYBUF), REQUEST(QUERYCAP),
};

static bool encoder_has_failed(struct cell *cell)
{
	bool failed;

	fake_m2m_lock(&cell->encoder);
	failed = cell->encoder.awaited == 0;
	fake_m2m_unlock(&cell->encoder);
	return failed;
}

/* The restart ends the encoder's session, and the next frame for the stream begins another. */
static bool fail_encoder(const struct scene *scene, const struct request *request, unsigned error)
{
	static struct cell cell;
	char fault[64];

	snprintf(fault, sizeof(fault), "the encoder's %s fails with %s", request->name,
		 errors[error].name);
	if (!cell_open(&cell, scene))
		return false;
	fake_m2m_fail_once(&cell.encoder, request->code, errors[error].err);
	restart_stream(&cell);
	if (scene->client == CLIENT_STREAM)
		RUN_UNTIL(&cell, encoder_has_failed(&cell));
	expect_recovery(&cell);
	cell_close(&cell, fault);
	return true;
}

static void test_a_call_of_the_encoder_that_fails_once_is_survived_whatever_clients_do(void)
{
	if (!IS_ENABLED(CONFIG_ENCODE_CPU))
		GLINT_SKIP("built without the CPU encoder");
	for (const struct scene *scene = scenes; scene < SCENES_END; scene++) {
		if (!scene->m2m)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(encoder_requests); i++)
			for (unsigned error = 0; error < ARRAY_SIZE(errors); error++)
				if (cell_is_chosen() &&
				    !fail_encoder(scene, &encoder_requests[i], error))
					GLINT_SKIP("no %s loop here", glint_test_loop());
	}
}

/* One call of those that start the encoder, and the two that each frame needs. */
static const struct request encoder_hangs[] = { REQUEST(S_FMT), REQUEST(QBUF), REQUEST(DQBUF) };

static bool encoder_is_hanging(struct cell *cell)
{
	bool hanging;

	fake_m2m_lock(&cell->encoder);
	hanging = cell->encoder.hanging;
	fake_m2m_unlock(&cell->encoder);
	return hanging;
}

/* The frame in the hanging call stays there; the client is answered without it. */
static bool hang_encoder(const struct scene *scene, const struct request *request)
{
	static struct cell cell;
	char fault[64];
	size_t before;

	snprintf(fault, sizeof(fault), "the encoder's %s hangs", request->name);
	if (!cell_open(&cell, scene))
		return false;
	fake_m2m_lock(&cell.encoder);
	cell.encoder.hang_request = request->code;
	fake_m2m_unlock(&cell.encoder);
	restart_stream(&cell);
	if (scene->client == CLIENT_STREAM)
		RUN_UNTIL(&cell, encoder_is_hanging(&cell));
	before = cell.got;
	RUN_PATIENTLY(&cell, client_is_answered(&cell, before));
	fake_m2m_release(&cell.encoder);
	expect_recovery(&cell);
	cell_close(&cell, fault);
	return true;
}

static void test_a_call_of_the_encoder_that_hangs_is_survived_whatever_clients_do(void)
{
	if (!IS_ENABLED(CONFIG_ENCODE_CPU))
		GLINT_SKIP("built without the CPU encoder");
	for (const struct scene *scene = scenes; scene < SCENES_END; scene++) {
		if (!scene->m2m)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(encoder_hangs); i++)
			if (!hang_encoder(scene, &encoder_hangs[i]))
				GLINT_SKIP("no %s loop here", glint_test_loop());
	}
}

/* clang-format off */
GLINT_TESTS("faults",
	GLINT_TEST(test_a_frame_call_that_fails_once_is_survived_whatever_clients_do),
	GLINT_TEST(test_a_frame_call_that_fails_later_is_survived_whatever_clients_do),
	GLINT_TEST(test_a_setup_call_that_fails_once_is_survived_whatever_clients_do),
	GLINT_TEST(test_a_service_that_stops_at_a_failed_frame_call_leaves_nothing),
	GLINT_TEST(test_a_service_that_stops_at_a_failed_setup_call_leaves_nothing),
	GLINT_TEST(test_a_change_of_the_stream_is_made_whole_or_not_at_all_whatever_clients_do),
	GLINT_TEST(test_a_setup_call_that_hangs_is_reported_and_survived_whatever_clients_do),
	GLINT_TEST(test_a_restart_that_lacks_memory_is_survived_whatever_clients_do),
	GLINT_TEST(test_a_call_of_the_encoder_that_fails_once_is_survived_whatever_clients_do),
	GLINT_TEST(test_a_call_of_the_encoder_that_hangs_is_survived_whatever_clients_do),
)
