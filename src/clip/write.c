/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "clip/clip.h"
#include "clip/ebml.h"

#define ENDLESS	     UINT64_C(0x00ffffffffffffff) /* a size that is not known */
#define EPOCH_2001_S 978307200ull		  /* Matroska's dates count from there */

/* --- Elements --------------------------------------------------------------------------- */

/* Where the next byte goes. The callers know that there is space. */
struct out {
	uint8_t *at;
};

static void put_big(struct out *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--)
		*out->at++ = (uint8_t)(value >> (8 * (i - 1)));
}

static void put_id(struct out *out, uint32_t id)
{
	unsigned bytes = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;

	put_big(out, id, bytes);
}

/* A size in eight bytes: it can be written before its value is known. */
static void put_size(struct out *out, uint64_t size)
{
	put_big(out, UINT64_C(1) << 56 | size, 8);
}

static void put_uint(struct out *out, uint32_t id, uint64_t value)
{
	put_id(out, id);
	*out->at++ = 0x88;
	put_big(out, value, 8);
}

static void put_float(struct out *out, uint32_t id, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_uint(out, id, bits);
}

static void put_bytes(struct out *out, uint32_t id, const void *bytes, size_t size)
{
	put_id(out, id);
	put_size(out, size);
	memcpy(out->at, bytes, size);
	out->at += size;
}

static void put_text(struct out *out, uint32_t id, const char *text)
{
	put_bytes(out, id, text, strlen(text));
}

/* Begin an element that has others; put_end() gets the result. */
static uint8_t *put_begin(struct out *out, uint32_t id)
{
	put_id(out, id);
	put_size(out, 0);
	return out->at;
}

static void put_end(struct out *out, uint8_t *begin)
{
	struct out size = { begin - 8 };

	put_size(&size, (uint64_t)(out->at - begin));
}

void glint_clip_write_void(uint8_t *at, uint64_t size)
{
	struct out out = { at };

	assert(size >= 2);

	put_id(&out, EBML_VOID);
	if (size < 9)
		*out.at = (uint8_t)(0x80 | (size - 2));
	else
		put_size(&out, size - 9);
}

/* --- Page 0 ------------------------------------------------------------------------------ */

/* The code that players know for V4L2's. */
static uint32_t player_fourcc(uint32_t fourcc)
{
	static const struct {
		char v4l2[5], player[5];
	} codes[] = {
		{ "YUYV", "YUY2" },    { "YU12", "I420" },    { "GREY", "Y800" },
		{ "RGB3", "RGB\x18" }, { "BGR3", "BGR\x18" }, { "422P", "Y42B" },
		{ "XR24", "BGRA" },    { "AR24", "BGRA" },    { "BGR4", "BGRA" },
	};
	uint32_t code;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		memcpy(&code, codes[i].v4l2, sizeof(code));
		if (code != fourcc)
			continue;
		memcpy(&code, codes[i].player, sizeof(code));
		return code;
	}
	return fourcc;
}

/* Copy @text, with '?' for what would have to be escaped in JSON. */
static const char *plain(const char *text, char *out, size_t size)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		out[i] = text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\' ?
				 '?' :
				 text[i];
	out[i] = '\0';
	return out;
}

static void put_facts(struct out *out, const struct glint_clip_head *head)
{
	char text[1600], device[sizeof(head->device)], fourcc[5], name[5];
	size_t used = 0;

#define ADD(...) used += (size_t)snprintf(text + used, sizeof(text) - used, __VA_ARGS__)
	ADD("{\"name\":\"%s\",\"device\":\"%s\",\"fourcc\":\"%s\",\"width\":%" PRIu32
	    ",\"height\":%" PRIu32 ",\"limited\":%s,\"matrix\":%u,\"frame_ns\":%" PRIu64
	    ",\"realtime_ns\":%" PRIu64 ",\"monotonic_ns\":%" PRIu64,
	    head->name, plain(head->device, device, sizeof(device)),
	    plain(glint_fourcc_text(head->fourcc, fourcc), name, sizeof(name)), head->width,
	    head->height, head->limited ? "true" : "false", head->matrix, head->frame_ns,
	    head->realtime_ns, head->monotonic_ns);
	ADD(",\"code\":%" PRIu32 ",\"finished\":%s", head->fourcc,
	    head->finished ? "true" : "false");
	ADD(",\"trigger\":\"%s\",\"trigger_seq\":%" PRIu32 ",\"trigger_stream\":%" PRIu64
	    ",\"trigger_ns\":%" PRIu64,
	    head->trigger, head->trigger_seq, head->trigger_stream, head->trigger_ns);
	if (head->has_first)
		ADD(",\"first\":%" PRId64, head->first);
	if (head->finished)
		ADD(",\"ended\":\"%s\",\"frames\":%" PRIu64 ",\"before\":%" PRIu64
		    ",\"duration_ns\":%" PRIu64 ",\"dropped\":%" PRIu32 ",\"corrupt\":%" PRIu32
		    ",\"lost\":%" PRIu32 ",\"skipped\":%" PRIu32 ",\"bytes\":%" PRIu64,
		    head->ended, head->frames, head->before_trigger, head->duration_ns,
		    head->gaps.dropped, head->gaps.corrupt, head->gaps.lost, head->gaps.skipped,
		    head->bytes);
	ADD("}");
#undef ADD
	assert(used < sizeof(text));
	put_text(out, MKV_TAG_STRING, text);
}

static void put_ebml(struct out *out)
{
	uint8_t *ebml = put_begin(out, EBML_HEAD);

	put_uint(out, EBML_VERSION, 1);
	put_uint(out, EBML_READ_VERSION, 1);
	put_uint(out, EBML_MAX_ID, 4);
	put_uint(out, EBML_MAX_SIZE, 8);
	put_text(out, EBML_DOCTYPE, "matroska");
	put_uint(out, EBML_DOC_VERSION, 4);
	put_uint(out, EBML_DOC_READ, 2);
	put_end(out, ebml);
}

static void put_info(struct out *out, const struct glint_clip_head *head)
{
	uint8_t *info = put_begin(out, MKV_INFO);

	put_uint(out, MKV_TIMESTAMP_SCALE, 1000);
	if (head->finished && head->frames > 0)
		put_float(out, MKV_DURATION, (double)(head->duration_ns + head->frame_ns) / 1000);
	if (head->realtime_ns > EPOCH_2001_S * 1000000000ull)
		put_uint(out, MKV_DATE, head->realtime_ns - EPOCH_2001_S * 1000000000ull);
	put_text(out, MKV_TITLE, head->name);
	put_text(out, MKV_MUXER, "glint " GLINT_VERSION);
	put_text(out, MKV_WRITER, "glint " GLINT_VERSION);
	put_end(out, info);
}

static void put_tracks(struct out *out, const struct glint_clip_head *head)
{
	bool raw = head->fourcc != GLINT_CLIP_MJPEG;
	uint8_t *tracks = put_begin(out, MKV_TRACKS);
	uint8_t *track = put_begin(out, MKV_TRACK), *video, *colour;
	uint32_t fourcc = player_fourcc(head->fourcc);

	put_uint(out, MKV_TRACK_NUMBER, 1);
	put_uint(out, MKV_TRACK_UID, 1);
	put_uint(out, MKV_TRACK_TYPE, 1);
	put_uint(out, MKV_LACING, 0);
	put_text(out, MKV_CODEC, raw ? "V_UNCOMPRESSED" : "V_MJPEG");
	if (head->frame_ns > 0)
		put_uint(out, MKV_DEFAULT_DURATION, head->frame_ns);
	video = put_begin(out, MKV_VIDEO);
	put_uint(out, MKV_INTERLACED, 2);
	put_uint(out, MKV_WIDTH, head->width);
	put_uint(out, MKV_HEIGHT, head->height);
	if (raw) {
		put_bytes(out, MKV_FOURCC, &fourcc, sizeof(fourcc));
		colour = put_begin(out, MKV_COLOUR);
		put_uint(out, MKV_MATRIX, head->matrix);
		put_uint(out, MKV_RANGE, head->limited ? 1 : 2);
		put_end(out, colour);
	}
	put_end(out, video);
	put_end(out, track);

	track = put_begin(out, MKV_TRACK);
	put_uint(out, MKV_TRACK_NUMBER, 2);
	put_uint(out, MKV_TRACK_UID, 2);
	put_uint(out, MKV_TRACK_TYPE, 17);
	put_uint(out, MKV_TRACK_DEFAULT, 0);
	put_uint(out, MKV_LACING, 0);
	put_text(out, MKV_TRACK_NAME, "frames");
	put_text(out, MKV_LANGUAGE, "und");
	put_text(out, MKV_CODEC, "S_TEXT/UTF8");
	put_end(out, track);
	put_end(out, tracks);
}

void glint_clip_write_head(const struct glint_clip_head *head, uint8_t page[static GLINT_CLIP_PAGE])
{
	struct out out = { page };
	uint8_t *tags, *tag, *simple;

	memset(page, 0, GLINT_CLIP_PAGE);
	put_ebml(&out);
	put_id(&out, MKV_SEGMENT);
	if (head->finished)
		put_size(&out, head->bytes - (uint64_t)(out.at + 8 - page));
	else
		put_size(&out, ENDLESS);
	put_info(&out, head);
	put_tracks(&out, head);
	tags = put_begin(&out, MKV_TAGS);
	tag = put_begin(&out, MKV_TAG);
	put_end(&out, put_begin(&out, MKV_TARGETS));
	simple = put_begin(&out, MKV_SIMPLE_TAG);
	put_text(&out, MKV_TAG_NAME, GLINT_CLIP_TAG);
	put_facts(&out, head);
	put_end(&out, simple);
	put_end(&out, tag);
	put_end(&out, tags);
	assert(out.at + 16 < page + GLINT_CLIP_PAGE);
	glint_clip_write_void(out.at, (uint64_t)(page + GLINT_CLIP_PAGE - out.at));
}

/* --- Frames ------------------------------------------------------------------------------ */

size_t glint_clip_frame_bytes(size_t size)
{
	size_t whole = DIV_ROUND_UP(size, (size_t)GLINT_CLIP_PAGE) * GLINT_CLIP_PAGE;

	/* The shortest Void has two bytes. */
	if (whole - size == 1)
		whole += GLINT_CLIP_PAGE;
	return GLINT_CLIP_PAGE + whole;
}

/* The members that the line in the file and the line in the index have in common. */
static int write_facts(const struct glint_clip_frame *frame, char *text, size_t size)
{
	return snprintf(text, size,
			"\"seq\":%" PRIu32 ",\"stream\":%" PRIu64 ",\"ns\":%" PRIu64
			",\"clock\":\"%s\",\"exposure_start\":%s,\"exposure_ns\":%" PRIu64
			",\"complete_ns\":%" PRIu64 ",\"dequeue_ns\":%" PRIu64
			",\"dropped\":%" PRIu32 ",\"corrupt\":%" PRIu32 ",\"lost\":%" PRIu32
			",\"skipped\":%" PRIu32,
			frame->seq, frame->stream, frame->capture_ns,
			frame->arrival ? "arrival" : "monotonic",
			frame->exposure_start ? "true" : "false", frame->exposure_ns,
			frame->complete_ns, frame->dequeue_ns, frame->before.dropped,
			frame->before.corrupt, frame->before.lost, frame->before.skipped);
}

void glint_clip_write_frame_head(const struct glint_clip_frame *frame, uint64_t frame_ns,
				 uint8_t page[static GLINT_CLIP_PAGE])
{
	uint8_t *block_at = page + GLINT_CLIP_PAGE - MKV_SIMPLE_BLOCK_HEAD, *group, *block;
	char facts[GLINT_CLIP_LINE_MAX];
	struct out out = { page };

	put_id(&out, MKV_CLUSTER);
	put_size(&out, GLINT_CLIP_PAGE - MKV_CLUSTER_HEAD + frame->size);
	put_uint(&out, MKV_TIMESTAMP, frame->capture_ns / 1000);
	group = put_begin(&out, MKV_BLOCK_GROUP);
	block = put_begin(&out, MKV_BLOCK);
	put_big(&out, 0x82000000, MKV_BLOCK_HEAD);
	write_facts(frame, facts, sizeof(facts));
	out.at += sprintf((char *)out.at, "{%s}", facts);
	put_end(&out, block);
	put_uint(&out, MKV_BLOCK_DURATION, MAX(frame_ns / 1000, (uint64_t)1));
	put_end(&out, group);
	memset(out.at, 0, (size_t)(block_at - out.at));
	glint_clip_write_void(out.at, (uint64_t)(block_at - out.at));
	out.at = block_at;
	put_id(&out, MKV_SIMPLE_BLOCK);
	put_size(&out, MKV_BLOCK_HEAD + frame->size);
	put_big(&out, 0x81000080, MKV_BLOCK_HEAD);
}

void glint_clip_write_frame(const struct glint_clip_frame *frame, uint64_t frame_ns, uint8_t *page)
{
	size_t rest = glint_clip_frame_bytes(frame->size) - GLINT_CLIP_PAGE - frame->size;

	glint_clip_write_frame_head(frame, frame_ns, page);
	if (rest == 0)
		return;
	/* Memory of other frames may be there. */
	memset(page + GLINT_CLIP_PAGE + frame->size, 0, rest);
	glint_clip_write_void(page + GLINT_CLIP_PAGE + frame->size, rest);
}

size_t glint_clip_write_line(const struct glint_clip_frame *frame, int64_t number, uint64_t offset,
			     char line[static GLINT_CLIP_LINE_MAX])
{
	char facts[GLINT_CLIP_LINE_MAX];

	write_facts(frame, facts, sizeof(facts));
	return (size_t)snprintf(line, GLINT_CLIP_LINE_MAX,
				"{\"n\":%" PRId64 ",%.400s,\"offset\":%" PRIu64 ",\"size\":%" PRIu32
				"}\n",
				number, facts, offset, frame->size);
}

size_t glint_clip_write_tail(const struct glint_clip_gap *gap,
			     char line[static GLINT_CLIP_LINE_MAX])
{
	return (size_t)snprintf(line, GLINT_CLIP_LINE_MAX,
				"{\"n\":null,\"seq\":null,\"dropped\":%" PRIu32
				",\"corrupt\":%" PRIu32 ",\"lost\":%" PRIu32 ",\"skipped\":%" PRIu32
				"}\n",
				gap->dropped, gap->corrupt, gap->lost, gap->skipped);
}

bool glint_clip_is_trigger(const struct glint_clip_head *head, const struct glint_clip_frame *frame)
{
	return frame->seq == head->trigger_seq &&
	       (head->trigger_stream == 0 || frame->stream == head->trigger_stream);
}

void glint_clip_gap_add(struct glint_clip_gap *gap, const struct glint_clip_gap *more)
{
	gap->dropped += more->dropped;
	gap->corrupt += more->corrupt;
	gap->lost += more->lost;
	gap->skipped += more->skipped;
}

static uint32_t minus(uint32_t n, uint32_t less)
{
	return n > less ? n - less : 0;
}

struct glint_clip_gap glint_clip_gap_minus(const struct glint_clip_gap *gap,
					   const struct glint_clip_gap *less)
{
	return (struct glint_clip_gap){
		.dropped = minus(gap->dropped, less->dropped),
		.corrupt = minus(gap->corrupt, less->corrupt),
		.lost = minus(gap->lost, less->lost),
		.skipped = minus(gap->skipped, less->skipped),
	};
}

uint64_t glint_clip_gap_count(const struct glint_clip_gap *gap)
{
	return (uint64_t)gap->dropped + gap->corrupt + gap->lost + gap->skipped;
}

bool glint_clip_name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-._");

	return len > 0 && len <= GLINT_CLIP_NAME_MAX && name[len] == '\0' && name[0] != '.';
}
