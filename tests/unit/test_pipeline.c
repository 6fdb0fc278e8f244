/* SPDX-License-Identifier: MIT */
/*
 * Graphs of media controllers and the pipelines in them, on the scripted board: what is read, what
 * is set, and what is said. The capture on the same board is at the end.
 */
#include <errno.h>
#include <linux/media-bus-format.h>
#include <string.h>

#include "../fake/board.h"
#include "base/clock.h"
#include "base/macros.h"
#include "capture/internal.h"
#include "harness.h"
#include "loop_rig.h"
#include "report_rig.h"
#include "v4l2/media.h"
#include "v4l2/pipeline.h"
#include "v4l2/vdev.h"

#define ON    MEDIA_LNK_FL_ENABLED
#define FIXED (MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE)
#define UYVY  MEDIA_BUS_FMT_UYVY8_1X16
#define RGB   MEDIA_BUS_FMT_RGB888_1X24

/* Entities of fake_board_init(), and the link to the node. */
enum { BRIDGE, CSI2, CAPTURE };
enum { BRIDGE_LINK, NODE_LINK };

/* --- The graph -------------------------------------------------------------------------- */

static int read_graph(struct fake_board *board, struct glint_media *media)
{
	return glint_media_open(media, &board->access, "/dev/media1");
}

static void test_a_graph_is_read_with_its_nodes_pads_and_links(void)
{
	struct fake_board board;
	struct glint_media media;

	fake_board_init(&board);
	CU_ASSERT_EQUAL_FATAL(read_graph(&board, &media), 0);
	CU_ASSERT_STRING_EQUAL(media.model, "Scripted board");
	CU_ASSERT_EQUAL(media.n_entities, 3);
	CU_ASSERT_STRING_EQUAL(media.entities[BRIDGE].name, "bridge");
	CU_ASSERT_EQUAL(media.entities[BRIDGE].node, GLINT_MEDIA_SUBDEV);
	CU_ASSERT_EQUAL(media.entities[CAPTURE].node, GLINT_MEDIA_VIDEO);
	CU_ASSERT_EQUAL(media.n_pads, 4);
	CU_ASSERT_EQUAL_FATAL(media.n_links, 2);
	CU_ASSERT_TRUE(media.links[BRIDGE_LINK].enabled && media.links[BRIDGE_LINK].immutable);
	CU_ASSERT_FALSE(media.links[NODE_LINK].enabled);
	CU_ASSERT_EQUAL(media.pads[media.links[NODE_LINK].source].index, 1);
	glint_media_close(&media);
	fake_board_fini(&board);
}

static void test_a_graph_that_changes_meanwhile_is_read_again(void)
{
	struct fake_board board;
	struct glint_media media;

	fake_board_init(&board);
	board.version_changes = 2;
	board.too_small = 2;
	CU_ASSERT_EQUAL_FATAL(read_graph(&board, &media), 0);
	CU_ASSERT_EQUAL(media.n_links, 2);
	glint_media_close(&media);
	fake_board_fini(&board);
}

static void test_a_graph_that_changes_for_ever_is_busy(void)
{
	struct fake_board board;
	struct glint_media media;

	fake_board_init(&board);
	board.version_changes = UINT32_MAX;
	CU_ASSERT_EQUAL(read_graph(&board, &media), -EBUSY);
	fake_board_fini(&board);
}

static void too_large(struct fake_board *board, struct media_v2_topology *topology)
{
	(void)board;
	topology->num_links = 1u << 30;
}

static void test_a_graph_that_is_too_large_is_refused(void)
{
	struct fake_board board;
	struct glint_media media;

	fake_board_init(&board);
	board.lie = too_large;
	CU_ASSERT_EQUAL(read_graph(&board, &media), -E2BIG);
	fake_board_fini(&board);
}

/* A pad of no entity, a link from no pad, a link from a sink, an interface of no entity. */
static void nonsense(struct fake_board *board, struct media_v2_topology *topology)
{
	struct media_v2_pad *pads = (void *)(uintptr_t)topology->ptr_pads;
	struct media_v2_link *links = (void *)(uintptr_t)topology->ptr_links;

	pads[3].entity_id = 77;
	links[0].source_id = 0xdeadbeef;
	links[1].source_id = pads[1].id;
	links[board->n_links].sink_id = 0xffffffff;
}

static void test_nonsense_in_a_graph_is_left_out(void)
{
	struct fake_board board;
	struct glint_media media;

	fake_board_init(&board);
	board.lie = nonsense;
	CU_ASSERT_EQUAL_FATAL(read_graph(&board, &media), 0);
	CU_ASSERT_EQUAL(media.n_pads, 3);
	CU_ASSERT_EQUAL(media.n_links, 0);
	CU_ASSERT_EQUAL(media.entities[BRIDGE].node, GLINT_MEDIA_NO_NODE);
	glint_media_close(&media);
	fake_board_fini(&board);
}

static void test_a_name_without_an_end_is_cut(void)
{
	char name[80];
	struct fake_board board;
	struct glint_media media;

	memset(name, 'x', sizeof(name));
	name[79] = '\0';
	fake_board_init(&board);
	board.entities[BRIDGE].name = name;
	CU_ASSERT_EQUAL_FATAL(read_graph(&board, &media), 0);
	CU_ASSERT_EQUAL(strlen(media.entities[BRIDGE].name), 64);
	glint_media_close(&media);
	fake_board_fini(&board);
}

/* --- The pipeline ---------------------------------------------------------------------------- */

struct rig {
	struct fake_board board;
	struct glint_vdev vdev;
	struct glint_pipeline pipeline;
	struct glint_pipeline_wish wish;
	unsigned attempt;
};

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_board_init(&rig->board);
	rig->wish = (struct glint_pipeline_wish){ .raw = true, .other = true };
	glint_vdev_init(&rig->vdev);
}

static int rig_open(struct rig *rig, const char *source)
{
	CU_ASSERT_EQUAL_FATAL(glint_vdev_open(&rig->vdev, &rig->board.access, "/dev/video0"), 0);
	return glint_pipeline_open(&rig->pipeline, &rig->vdev, NULL, source);
}

static void rig_close(struct rig *rig)
{
	glint_pipeline_close(&rig->pipeline);
	glint_vdev_close(&rig->vdev);
	fake_board_fini(&rig->board);
}

static int rig_set_formats(struct rig *rig)
{
	return glint_pipeline_set_formats(&rig->pipeline, &rig->vdev, &rig->wish, &rig->attempt);
}

static const char *rig_source(const struct rig *rig)
{
	return rig->pipeline.media.entities[rig->pipeline.entities[0]].name;
}

static void test_the_path_leads_from_the_source_to_the_node(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(rig.pipeline.n, 3);
	CU_ASSERT_EQUAL(rig.pipeline.entities[0], BRIDGE);
	CU_ASSERT_EQUAL(rig.pipeline.entities[2], CAPTURE);
	CU_ASSERT_EQUAL(rig.pipeline.links[1], NODE_LINK);
	CU_ASSERT_EQUAL(glint_pipeline_open_receiver(&rig.pipeline, &rig.vdev), 0);
	CU_ASSERT_TRUE(rig.pipeline.receives);
	CU_ASSERT_TRUE(rig.vdev.receiver_fd >= 0);
	rig_close(&rig);
}

/* Another source, "sensor", that is linked to another sink pad of csi2. */
static unsigned add_sensor(struct fake_board *board, uint32_t flags)
{
	unsigned sensor = fake_board_add(board, "sensor", false);

	return fake_board_link(board, fake_board_pad(board, sensor, false),
			       fake_board_pad(board, CSI2, true), flags);
}

static void test_an_enabled_way_wins_over_a_shorter_one(void)
{
	unsigned near;
	struct rig rig;

	rig_init(&rig);
	near = fake_board_add(&rig.board, "near", false);
	fake_board_link(&rig.board, fake_board_pad(&rig.board, near, false), 3, 0);
	rig.board.links[NODE_LINK].flags = ON;
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, NULL), 0);
	CU_ASSERT_STRING_EQUAL(rig_source(&rig), "bridge");
	rig_close(&rig);
}

static void test_the_named_entity_is_the_source(void)
{
	struct rig rig;

	rig_init(&rig);
	add_sensor(&rig.board, 0);
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, "sensor"), 0);
	CU_ASSERT_STRING_EQUAL(rig_source(&rig), "sensor");
	CU_ASSERT_EQUAL(glint_pipeline_open_receiver(&rig.pipeline, &rig.vdev), 0);
	CU_ASSERT_FALSE(rig.pipeline.receives);
	CU_ASSERT_EQUAL(rig.vdev.receiver_fd, -1);
	rig_close(&rig);
}

static void test_an_unknown_or_unreachable_source_is_named(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(rig_open(&rig, "tc358743 10-000f"), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem, "'tc358743 10-000f' in /dev/media1"));
	CU_ASSERT_EQUAL(rig.pipeline.n, 0);
	fake_board_add(&rig.board, "alone", false);
	CU_ASSERT_EQUAL(glint_pipeline_open(&rig.pipeline, &rig.vdev, NULL, "alone"), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem, "'alone' cannot be linked"));
	CU_ASSERT_EQUAL(glint_pipeline_open(&rig.pipeline, &rig.vdev, "/dev/media7", NULL),
			-ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem, "/dev/media7"));
	rig_close(&rig);
}

static void test_a_graph_with_a_loop_ends_the_search(void)
{
	struct rig rig;

	rig_init(&rig);
	fake_board_link(&rig.board, fake_board_pad(&rig.board, CSI2, false),
			fake_board_pad(&rig.board, CSI2, true), ON);
	CU_ASSERT_EQUAL(rig_open(&rig, NULL), 0);
	CU_ASSERT_EQUAL(rig.pipeline.n, 3);
	rig_close(&rig);
}

static void test_links_of_the_path_are_enabled_and_others_disabled(void)
{
	unsigned meta, other, beside;
	struct rig rig;

	rig_init(&rig);
	meta = fake_board_add(&rig.board, "metadata", false);
	beside = fake_board_link(&rig.board, fake_board_pad(&rig.board, CSI2, false),
				 fake_board_pad(&rig.board, meta, true), ON);
	other = add_sensor(&rig.board, ON);
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, "bridge"), 0);
	CU_ASSERT_EQUAL(glint_pipeline_set_links(&rig.pipeline), 0);
	CU_ASSERT_EQUAL(rig.board.links[NODE_LINK].flags, ON);
	CU_ASSERT_EQUAL(rig.board.links[beside].flags, 0);
	CU_ASSERT_EQUAL(rig.board.links[other].flags, 0);
	rig_close(&rig);
}

static void test_a_sink_pad_keeps_one_link(void)
{
	unsigned near, link;
	struct rig rig;

	rig_init(&rig);
	near = fake_board_add(&rig.board, "near", false);
	link = fake_board_link(&rig.board, fake_board_pad(&rig.board, near, false), 3, ON);
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, "bridge"), 0);
	CU_ASSERT_EQUAL(glint_pipeline_set_links(&rig.pipeline), 0);
	CU_ASSERT_EQUAL(rig.board.links[link].flags, 0);
	CU_ASSERT_EQUAL(rig.board.links[NODE_LINK].flags, ON);
	rig_close(&rig);
}

static void test_a_busy_link_is_named(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.board.links_busy = true;
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, NULL), 0);
	CU_ASSERT_EQUAL(glint_pipeline_set_links(&rig.pipeline), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem, "from 'csi2' to 'capture'"));
	rig_close(&rig);
}

static void rig_set_up(struct rig *rig)
{
	CU_ASSERT_EQUAL_FATAL(rig_open(rig, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(glint_pipeline_open_receiver(&rig->pipeline, &rig->vdev), 0);
	CU_ASSERT_EQUAL_FATAL(glint_pipeline_set_links(&rig->pipeline), 0);
}

static void test_each_pad_gets_the_format_of_the_pad_before(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.board.pads[0].format.width = 320;
	rig.board.pads[0].format.height = 240;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.board.pads[1].format.width, 320);
	CU_ASSERT_EQUAL(rig.board.pads[2].format.height, 240);
	CU_ASSERT_EQUAL(rig.pipeline.width, 320);
	/* UYVY costs less to encode than BGR24, though the source lists it second. */
	CU_ASSERT_EQUAL(rig.pipeline.code, UYVY);
	CU_ASSERT_STRING_EQUAL(rig.pipeline.problem, "");
	/* The next attempt takes the other code, and then there is none. */
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.pipeline.code, RGB);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), -EPIPE);
	rig_close(&rig);
}

/* A kernel may refuse a link whose ends differ in it: docs/BOARDS.md, Raspberry Pi 5. */
static void test_each_pad_gets_the_colour_space_of_the_source(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.board.pads[0].format.colorspace = V4L2_COLORSPACE_SMPTE170M;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.board.pads[1].format.colorspace, V4L2_COLORSPACE_SMPTE170M);
	CU_ASSERT_EQUAL(rig.board.pads[2].format.colorspace, V4L2_COLORSPACE_SMPTE170M);
	rig_close(&rig);
}

static void test_the_wished_format_chooses_the_code(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.wish.fourcc = V4L2_PIX_FMT_BGR24;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.pipeline.code, RGB);
	rig_close(&rig);
}

static void test_a_format_that_nothing_offers_is_replaced(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.wish.fourcc = V4L2_PIX_FMT_NV12;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.pipeline.code, UYVY);
	rig_close(&rig);
}

static void test_a_code_that_an_entity_refuses_is_passed_over(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.board.entities[CSI2].codes[0] = RGB;
	rig.board.pads[1].format.code = RGB;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.pipeline.code, RGB);
	rig_close(&rig);
}

static void test_a_mismatch_names_both_pads(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.board.entities[CSI2].codes[0] = MEDIA_BUS_FMT_Y8_1X8;
	rig.board.pads[1].format.code = MEDIA_BUS_FMT_Y8_1X8;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), -EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem, "pad 0 of 'bridge' has RGB888_1X24"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem, "pad 0 of 'csi2' has Y8_1X8 64x48"));
	rig_close(&rig);
}

static void test_a_source_without_a_format_is_named(void)
{
	struct rig rig;

	rig_init(&rig);
	memset(rig.board.entities[BRIDGE].codes, 0, sizeof(rig.board.entities[BRIDGE].codes));
	rig_set_up(&rig);
	/* The source lists no code, and then does not say its format. */
	rig.board.fail_call = rig.board.calls + 2;
	CU_ASSERT_EQUAL(rig_set_formats(&rig), -EPIPE);
	CU_ASSERT_STRING_EQUAL(rig.pipeline.problem, "pad 0 of 'bridge' has no format");
	rig_close(&rig);
}

/* Each call that the formats need fails once: the formats are set without its answer, or not. */
static void test_each_failure_of_the_formats_is_explained(void)
{
	unsigned calls = 0, failed = 0;

	for (unsigned n = 1; n <= calls + 1; n++) {
		struct rig rig;

		rig_init(&rig);
		rig_set_up(&rig);
		calls = rig.board.calls;
		rig.board.fail_call = calls + n;
		if (rig_set_formats(&rig) < 0) {
			failed++;
			CU_ASSERT_STRING_NOT_EQUAL(rig.pipeline.problem, "");
		} else {
			CU_ASSERT_STRING_EQUAL(rig.pipeline.problem, "");
		}
		calls = rig.board.calls - calls;
		rig_close(&rig);
	}
	CU_ASSERT_TRUE(failed > 0);
}

static void test_a_sensor_gets_the_wished_size(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.board.entities[BRIDGE].receives = false;
	rig.board.entities[BRIDGE].scales = true;
	rig.wish.width = 160;
	rig.wish.height = 120;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.pipeline.width, 160);
	CU_ASSERT_EQUAL(rig.board.pads[2].format.height, 120);
	rig_close(&rig);
}

static void test_what_is_linked_for_ever_gets_matching_formats(void)
{
	unsigned isp, sink;
	struct rig rig;

	rig_init(&rig);
	isp = fake_board_add(&rig.board, "isp", false);
	sink = fake_board_pad(&rig.board, isp, true);
	fake_board_link(&rig.board, 0, sink, FIXED);
	rig.board.pads[0].format.width = 320;
	rig_set_up(&rig);
	CU_ASSERT_EQUAL(rig_set_formats(&rig), 0);
	CU_ASSERT_EQUAL(rig.board.pads[sink].format.width, 320);
	CU_ASSERT_EQUAL(rig.board.pads[sink].format.code, UYVY);
	rig_close(&rig);
}

static void test_the_check_finds_what_would_fail_and_changes_nothing(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL_FATAL(rig_open(&rig, NULL), 0);
	glint_pipeline_check(&rig.pipeline);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(rig.pipeline.problem, "the link from 'csi2' to 'capture' is disabled"));
	CU_ASSERT_EQUAL(rig.board.links[NODE_LINK].flags, 0);
	glint_pipeline_close(&rig.pipeline);

	rig.board.links[NODE_LINK].flags = ON;
	rig.board.pads[1].format.width = 32;
	CU_ASSERT_EQUAL_FATAL(glint_pipeline_open(&rig.pipeline, &rig.vdev, NULL, NULL), 0);
	glint_pipeline_check(&rig.pipeline);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.pipeline.problem,
				      "pad 0 of 'bridge' has UYVY8_1X16 64x48, "
				      "pad 0 of 'csi2' has UYVY8_1X16 32x48"));
	rig_close(&rig);
}

/* --- The capture ---------------------------------------------------------------------------------- */

#define FOREVER UINT64_MAX
#define LONG	(60 * GLINT_NSEC_PER_SEC)

struct service {
	struct fake_board board;
	struct glint_loop *loop;
	struct glint_capture *capture;
	struct glint_capture_config config;
	struct glint_capture_listener listener;
	uint32_t sequence;
};

static void ignore(struct glint_capture_listener *listener)
{
	(void)listener;
}

static void service_init(struct service *service)
{
	memset(service, 0, sizeof(*service));
	fake_board_init(&service->board);
	service->listener.changed = ignore;
	service->config = (struct glint_capture_config){
		.device = "/dev/video0",
		.raw_formats = true,
		.buffers = 3,
		.timeout_ns = LONG,
		.retry_ns = GLINT_NSEC_PER_MSEC,
		.stuck_ns = LONG,
		.access = &service->board.access,
	};
}

#define SERVICE_START(service)                                                                     \
	do {                                                                                       \
		RIG_LOOP((service)->loop);                                                         \
		CU_ASSERT_EQUAL_FATAL(glint_capture_create(&(service)->capture, (service)->loop,   \
							   &(service)->config,                     \
							   &(service)->listener),                  \
				      0);                                                          \
		glint_capture_start((service)->capture);                                           \
	} while (0)

#define SERVICE_UNTIL(service, condition) RIG_RUN_UNTIL((service)->loop, condition)

static enum glint_reason service_reason(struct service *service)
{
	struct glint_capture_status status;

	glint_capture_status(service->capture, &status);
	return status.reason;
}

static bool service_streams(struct service *service, uint32_t width)
{
	struct glint_capture_status status;

	glint_capture_status(service->capture, &status);
	return status.buffers > 0 && status.with_driver == status.buffers &&
	       status.format.width == width;
}

/* Frames come until one is live: the first ones may belong to a signal that has not been checked. */
static bool service_is_live(struct service *service)
{
	if (service_reason(service) == GLINT_REASON_NONE)
		return true;
	(void)fake_v4l2_complete(&service->board.node, -1,
				 &(struct fake_frame){ .seq = service->sequence++ });
	return false;
}

static void service_go_live(struct service *service, uint32_t width)
{
	SERVICE_UNTIL(service, service_streams(service, width));
	SERVICE_UNTIL(service, service_is_live(service));
}

static void service_close(struct service *service)
{
	CU_ASSERT_TRUE(glint_capture_destroy(service->capture, FOREVER));
	glint_loop_destroy(service->loop);
	CU_ASSERT_EQUAL(service->board.opens, service->board.closes);
	CU_ASSERT_EQUAL(service->board.node.opens, service->board.node.closes);
	fake_board_fini(&service->board);
}

static void test_a_board_is_set_up_and_streams_what_the_signal_is(void)
{
	struct service s;

	service_init(&s);
	SERVICE_START(&s);
	service_go_live(&s, 128);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, s.capture, "media.device"), "/dev/media1");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, s.capture, "media.path.0"), "bridge");
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, s.capture, "media.problem"), "");
	service_close(&s);
}

static void service_signal(struct service *service, int err, uint32_t width)
{
	fake_board_lock(&service->board);
	service->board.timings_err = err;
	service->board.signal_width = width;
	fake_board_unlock(&service->board);
	fake_board_event(&service->board);
}

static void test_an_event_of_the_receiver_is_followed(void)
{
	static const struct {
		int err;
		enum glint_reason reason;
	} losses[] = {
		{ -ENOLINK, GLINT_REASON_NO_SIGNAL },
		{ -ENOLCK, GLINT_REASON_NO_LOCK },
		{ -ERANGE, GLINT_REASON_OUT_OF_RANGE },
	};
	struct service s;

	service_init(&s);
	SERVICE_START(&s);
	service_go_live(&s, 128);
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		service_signal(&s, losses[i].err, 128);
		SERVICE_UNTIL(&s, service_reason(&s) == losses[i].reason);
		service_signal(&s, 0, 128);
		service_go_live(&s, 128);
	}
	service_signal(&s, 0, 256);
	service_go_live(&s, 256);
	service_close(&s);
}

static void test_a_board_that_comes_back_is_set_up_again(void)
{
	struct service s;

	service_init(&s);
	SERVICE_START(&s);
	service_go_live(&s, 128);
	fake_board_unbind(&s.board);
	SERVICE_UNTIL(&s, service_reason(&s) == GLINT_REASON_NO_DEVICE);
	fake_board_bind(&s.board);
	service_go_live(&s, 128);
	CU_ASSERT_EQUAL(s.board.links[NODE_LINK].flags, ON);
	service_close(&s);
}

static void test_a_code_that_streamon_refuses_is_replaced(void)
{
	struct service s;

	service_init(&s);
	s.board.refused_code = UYVY;
	SERVICE_START(&s);
	service_go_live(&s, 128);
	CU_ASSERT_EQUAL(s.board.node.fourcc, V4L2_PIX_FMT_BGR24);
	CU_ASSERT_EQUAL(s.board.streamons, 2);
	service_close(&s);
}

static void test_a_pipeline_that_cannot_be_set_up_is_the_reason(void)
{
	struct service s;

	service_init(&s);
	s.board.entities[CSI2].codes[0] = MEDIA_BUS_FMT_Y8_1X8;
	s.board.pads[1].format.code = MEDIA_BUS_FMT_Y8_1X8;
	SERVICE_START(&s);
	SERVICE_UNTIL(&s, service_reason(&s) == GLINT_REASON_PIPELINE);
	CU_ASSERT_PTR_NOT_NULL(strstr(REPORTED(text, capture, s.capture, "media.problem"),
				      "pad 0 of 'csi2' has Y8_1X8"));
	service_close(&s);
}

static void test_a_media_device_that_cannot_be_opened_is_the_reason(void)
{
	struct service s;

	service_init(&s);
	s.config.media_device = "/dev/media9";
	SERVICE_START(&s);
	SERVICE_UNTIL(&s, service_reason(&s) == GLINT_REASON_NO_DEVICE);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(REPORTED(text, capture, s.capture, "media.problem"), "'/dev/media9'"));
	service_close(&s);
}

static void test_a_media_device_that_comes_late_is_waited_for(void)
{
	struct service s;

	service_init(&s);
	s.board.missing = 2;
	SERVICE_START(&s);
	service_go_live(&s, 128);
	CU_ASSERT_EQUAL(s.board.links[NODE_LINK].flags, ON);
	CU_ASSERT_EQUAL(s.board.streamons, 1);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, s.capture, "media.problem"), "");
	service_close(&s);
}

/* As in a container that has the video node alone: another program has set up the board. */
static void test_without_a_media_device_the_node_is_used_as_it_is(void)
{
	struct service s;

	service_init(&s);
	s.board.missing = UINT32_MAX;
	s.board.links[NODE_LINK].flags = ON;
	s.board.node.width = 64;
	s.board.node.height = 48;
	SERVICE_START(&s);
	service_go_live(&s, 64);
	CU_ASSERT_STRING_EQUAL(REPORTED(text, capture, s.capture, "media.device"), "");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(REPORTED(text, capture, s.capture, "media.problem"), "no media device"));
	service_close(&s);
}

/* Each call that the start makes fails once, in the node, the media device and the subdevices. */
static void test_every_call_may_fail_once(void)
{
	unsigned calls = UINT32_MAX;

	for (unsigned n = 1; n <= calls; n++) {
		struct service s;

		service_init(&s);
		s.board.fail_call = n;
		SERVICE_START(&s);
		service_go_live(&s, 128);
		service_close(&s);
		if (s.board.calls < n)
			calls = 0;
	}
	CU_ASSERT_EQUAL(calls, 0);
}

/* clang-format off */
GLINT_TESTS("pipeline",
	GLINT_TEST(test_a_graph_is_read_with_its_nodes_pads_and_links),
	GLINT_TEST(test_a_graph_that_changes_meanwhile_is_read_again),
	GLINT_TEST(test_a_graph_that_changes_for_ever_is_busy),
	GLINT_TEST(test_a_graph_that_is_too_large_is_refused),
	GLINT_TEST(test_nonsense_in_a_graph_is_left_out),
	GLINT_TEST(test_a_name_without_an_end_is_cut),
	GLINT_TEST(test_the_path_leads_from_the_source_to_the_node),
	GLINT_TEST(test_an_enabled_way_wins_over_a_shorter_one),
	GLINT_TEST(test_the_named_entity_is_the_source),
	GLINT_TEST(test_an_unknown_or_unreachable_source_is_named),
	GLINT_TEST(test_a_graph_with_a_loop_ends_the_search),
	GLINT_TEST(test_links_of_the_path_are_enabled_and_others_disabled),
	GLINT_TEST(test_a_sink_pad_keeps_one_link),
	GLINT_TEST(test_a_busy_link_is_named),
	GLINT_TEST(test_each_pad_gets_the_format_of_the_pad_before),
	GLINT_TEST(test_each_pad_gets_the_colour_space_of_the_source),
	GLINT_TEST(test_the_wished_format_chooses_the_code),
	GLINT_TEST(test_a_format_that_nothing_offers_is_replaced),
	GLINT_TEST(test_a_code_that_an_entity_refuses_is_passed_over),
	GLINT_TEST(test_a_mismatch_names_both_pads),
	GLINT_TEST(test_a_source_without_a_format_is_named),
	GLINT_TEST(test_each_failure_of_the_formats_is_explained),
	GLINT_TEST(test_a_sensor_gets_the_wished_size),
	GLINT_TEST(test_what_is_linked_for_ever_gets_matching_formats),
	GLINT_TEST(test_the_check_finds_what_would_fail_and_changes_nothing),
	GLINT_TEST(test_a_board_is_set_up_and_streams_what_the_signal_is),
	GLINT_TEST(test_an_event_of_the_receiver_is_followed),
	GLINT_TEST(test_a_board_that_comes_back_is_set_up_again),
	GLINT_TEST(test_a_code_that_streamon_refuses_is_replaced),
	GLINT_TEST(test_a_pipeline_that_cannot_be_set_up_is_the_reason),
	GLINT_TEST(test_a_media_device_that_cannot_be_opened_is_the_reason),
	GLINT_TEST(test_a_media_device_that_comes_late_is_waited_for),
	GLINT_TEST(test_without_a_media_device_the_node_is_used_as_it_is),
	GLINT_TEST(test_every_call_may_fail_once),
)
