/* SPDX-License-Identifier: MIT */
/*
 * Reads clips, and nothing else: the elements must lie as clip/write.c puts them. Each length is
 * checked against the page or the file before it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "clip/clip.h"
#include "clip/ebml.h"

#define SIZE_UNKNOWN UINT64_MAX
#define NUMBER_MAX   (INT64_C(1) << 48) /* of a frame */

/* Bytes of a page that have not been read. */
struct in {
	const uint8_t *at, *end;
};

static size_t in_left(const struct in *in)
{
	return (size_t)(in->end - in->at);
}

/* An element's identifier or size: the place of the first set bit is the number of bytes. */
static bool take_varint(struct in *in, unsigned most, bool keep_mark, uint64_t *value)
{
	unsigned bytes = 1;
	uint64_t all_ones;

	if (in_left(in) == 0 || *in->at == 0)
		return false;
	while (!(*in->at & (0x80u >> (bytes - 1))))
		bytes++;
	if (bytes > most || in_left(in) < bytes)
		return false;
	*value = keep_mark ? *in->at : *in->at & (0xffu >> bytes);
	for (unsigned i = 1; i < bytes; i++)
		*value = *value << 8 | in->at[i];
	in->at += bytes;
	all_ones = (UINT64_C(1) << (7 * bytes)) - 1;
	if (!keep_mark && *value == all_ones)
		*value = SIZE_UNKNOWN;
	return true;
}

/* The head of an element; its content begins at in->at. */
static bool take_head(struct in *in, uint32_t *id, uint64_t *size)
{
	uint64_t number;

	if (!take_varint(in, 4, true, &number))
		return false;
	*id = (uint32_t)number;
	return take_varint(in, 8, false, size);
}

/* An element whose content is all in the page. */
static bool take_element(struct in *in, uint32_t *id, struct in *content)
{
	uint64_t size;

	if (!take_head(in, id, &size) || size > in_left(in))
		return false;
	*content = (struct in){ in->at, in->at + size };
	in->at += size;
	return true;
}

/* The first element @id among those of @in. */
static bool find_element(struct in in, uint32_t id, struct in *content)
{
	uint32_t found;

	while (take_element(&in, &found, content))
		if (found == id)
			return true;
	return false;
}

static bool equals(const struct in *in, const char *text)
{
	return in_left(in) == strlen(text) && memcmp(in->at, text, strlen(text)) == 0;
}

/* --- JSON, as clip/write.c puts it: an object of plain members ----------------------------- */

/* The value of @name; NULL: there is none. @text ends with a zero. */
static const char *member(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strchr(text, '"'); at; at = strchr(at + 1, '"'))
		if (strncmp(at + 1, name, len) == 0 && at[len + 1] == '"' && at[len + 2] == ':')
			return at + len + 3;
	return NULL;
}

static bool read_uint(const char *text, const char *name, uint64_t max, uint64_t *value)
{
	const char *at = member(text, name);
	char *end;

	if (!at || *at < '0' || *at > '9')
		return false;
	errno = 0;
	*value = strtoull(at, &end, 10);
	return errno == 0 && *value <= max && (*end == ',' || *end == '}');
}

static bool read_u32(const char *text, const char *name, uint32_t *value)
{
	uint64_t number;

	if (!read_uint(text, name, UINT32_MAX, &number))
		return false;
	*value = (uint32_t)number;
	return true;
}

static bool read_u64(const char *text, const char *name, uint64_t *value)
{
	return read_uint(text, name, UINT64_MAX, value);
}

/* A number that may be negative; false: missing, or beyond what a clip can count. */
static bool read_number(const char *text, const char *name, int64_t *value)
{
	const char *at = member(text, name);
	char *end;

	if (!at || (*at != '-' && (*at < '0' || *at > '9')))
		return false;
	*value = strtoll(at, &end, 10);
	return (*end == ',' || *end == '}') && *value > -NUMBER_MAX && *value < NUMBER_MAX;
}

static bool read_is(const char *text, const char *name, const char *value)
{
	const char *at = member(text, name);

	return at && strncmp(at, value, strlen(value)) == 0;
}

/* False: missing, too long, or nothing that clip/write.c puts: the text is shown on terminals. */
static bool read_text(const char *text, const char *name, char *out, size_t size)
{
	const char *at = member(text, name), *end;

	if (!at || *at != '"')
		return false;
	end = strchr(++at, '"');
	if (!end || (size_t)(end - at) >= size)
		return false;
	for (const char *c = at; c < end; c++)
		if (*c < ' ' || *c > '~' || *c == '\\')
			return false;
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
	return true;
}

/* --- Page 0 -------------------------------------------------------------------------------- */

int glint_clip_read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG; /* the file has been cut meanwhile */
		done += (size_t)n;
	}
	return 0;
}

static bool read_facts(const char *text, struct glint_clip_head *head)
{
	if (!read_text(text, "name", head->name, sizeof(head->name)) ||
	    !glint_clip_name_valid(head->name) || !read_u32(text, "code", &head->fourcc) ||
	    !read_u32(text, "width", &head->width) || !read_u32(text, "height", &head->height) ||
	    !read_u64(text, "frame_ns", &head->frame_ns) ||
	    !read_u64(text, "realtime_ns", &head->realtime_ns) ||
	    !read_u64(text, "monotonic_ns", &head->monotonic_ns) ||
	    !read_u32(text, "matrix", &head->matrix))
		return false;
	if (head->width == 0 || head->height == 0 || head->width > 65535 || head->height > 65535)
		return false;
	head->limited = read_is(text, "limited", "true");
	head->finished = read_is(text, "finished", "true");
	/* A clip may lack these. */
	(void)read_text(text, "device", head->device, sizeof(head->device));
	(void)read_text(text, "trigger", head->trigger, sizeof(head->trigger));
	(void)read_text(text, "ended", head->ended, sizeof(head->ended));
	(void)read_u32(text, "trigger_seq", &head->trigger_seq);
	(void)read_u64(text, "trigger_stream", &head->trigger_stream);
	(void)read_u64(text, "trigger_ns", &head->trigger_ns);
	(void)read_u64(text, "frames", &head->frames);
	(void)read_u64(text, "before", &head->before_trigger);
	head->has_first = read_number(text, "first", &head->first);
	(void)read_u64(text, "duration_ns", &head->duration_ns);
	(void)read_u32(text, "dropped", &head->gaps.dropped);
	(void)read_u32(text, "corrupt", &head->gaps.corrupt);
	(void)read_u32(text, "lost", &head->gaps.lost);
	(void)read_u32(text, "skipped", &head->gaps.skipped);
	(void)read_u64(text, "bytes", &head->bytes);
	return true;
}

static int parse_head(const uint8_t *page, struct glint_clip_head *head)
{
	struct in in = { page, page + GLINT_CLIP_PAGE }, content, tag, name, value;
	char text[2048];
	uint64_t size;
	uint32_t id;

	if (!take_element(&in, &id, &content) || id != EBML_HEAD ||
	    !find_element(content, EBML_DOCTYPE, &value) || !equals(&value, "matroska"))
		return -EBADMSG;
	if (!take_head(&in, &id, &size) || id != MKV_SEGMENT)
		return -EBADMSG;
	if (!find_element(in, MKV_TAGS, &content) || !find_element(content, MKV_TAG, &tag) ||
	    !find_element(tag, MKV_SIMPLE_TAG, &content) ||
	    !find_element(content, MKV_TAG_NAME, &name) || !equals(&name, GLINT_CLIP_TAG) ||
	    !find_element(content, MKV_TAG_STRING, &value) || in_left(&value) >= sizeof(text))
		return -EBADMSG;
	memcpy(text, value.at, in_left(&value));
	text[in_left(&value)] = '\0';
	return read_facts(text, head) ? 0 : -EBADMSG;
}

int glint_clip_read_head(struct glint_clip_reader *reader, int fd)
{
	uint8_t page[GLINT_CLIP_PAGE];
	struct stat status;
	int err;

	*reader = (struct glint_clip_reader){ .fd = fd, .at = GLINT_CLIP_PAGE };
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)GLINT_CLIP_PAGE)
		return -EBADMSG;
	reader->size = (uint64_t)status.st_size;
	err = glint_clip_read_at(fd, page, sizeof(page), 0);
	return err < 0 ? err : parse_head(page, &reader->head);
}

/* --- Frames -------------------------------------------------------------------------------- */

static bool read_line(const struct in *block, struct glint_clip_frame *frame)
{
	char text[GLINT_CLIP_LINE_MAX];
	size_t size = in_left(block) - MKV_BLOCK_HEAD;

	if (in_left(block) < MKV_BLOCK_HEAD || size >= sizeof(text))
		return false;
	memcpy(text, block->at + MKV_BLOCK_HEAD, size);
	text[size] = '\0';
	frame->arrival = read_is(text, "clock", "\"arrival\"");
	frame->exposure_start = read_is(text, "exposure_start", "true");
	(void)read_u32(text, "skipped", &frame->before.skipped); /* clips of frames may lack it */
	return read_u32(text, "seq", &frame->seq) && read_u64(text, "stream", &frame->stream) &&
	       read_u64(text, "ns", &frame->capture_ns) &&
	       read_u64(text, "exposure_ns", &frame->exposure_ns) &&
	       read_u64(text, "complete_ns", &frame->complete_ns) &&
	       read_u64(text, "dequeue_ns", &frame->dequeue_ns) &&
	       read_u32(text, "dropped", &frame->before.dropped) &&
	       read_u32(text, "corrupt", &frame->before.corrupt) &&
	       read_u32(text, "lost", &frame->before.lost);
}

static int parse_frame(const uint8_t *page, struct glint_clip_frame *frame)
{
	const uint8_t *block_at = page + GLINT_CLIP_PAGE - MKV_SIMPLE_BLOCK_HEAD;
	struct in in = { page, page + GLINT_CLIP_PAGE }, group, line;
	uint64_t cluster, size;
	uint32_t id;

	memset(frame, 0, sizeof(*frame));
	if (!take_head(&in, &id, &cluster) || id != MKV_CLUSTER)
		return -EBADMSG;
	in.end = block_at;
	if (!find_element(in, MKV_BLOCK_GROUP, &group) || !find_element(group, MKV_BLOCK, &line) ||
	    !read_line(&line, frame))
		return -EBADMSG;
	in = (struct in){ block_at, page + GLINT_CLIP_PAGE };
	if (!take_head(&in, &id, &size) || id != MKV_SIMPLE_BLOCK ||
	    in_left(&in) != MKV_BLOCK_HEAD || size <= MKV_BLOCK_HEAD ||
	    size - MKV_BLOCK_HEAD > GLINT_CLIP_FRAME_MAX)
		return -EBADMSG;
	frame->size = (uint32_t)(size - MKV_BLOCK_HEAD);
	if (cluster != GLINT_CLIP_PAGE - MKV_CLUSTER_HEAD + frame->size)
		return -EBADMSG;
	return 0;
}

int glint_clip_read_frame(struct glint_clip_reader *reader, struct glint_clip_frame *frame)
{
	uint8_t page[GLINT_CLIP_PAGE];
	int err;

	if (reader->at >= reader->size)
		return -ENODATA;
	if (reader->size - reader->at < GLINT_CLIP_PAGE)
		return -EBADMSG;
	err = glint_clip_read_at(reader->fd, page, sizeof(page), reader->at);
	if (err == 0)
		err = parse_frame(page, frame);
	if (err < 0)
		return err;
	if (reader->size - reader->at - GLINT_CLIP_PAGE < frame->size)
		return -EBADMSG;
	reader->begin = reader->at;
	reader->offset = reader->at + GLINT_CLIP_PAGE;
	reader->at += glint_clip_frame_bytes(frame->size);
	return 0;
}

uint64_t glint_clip_next_page(int fd, uint64_t at)
{
	off_t data;

	at += GLINT_CLIP_PAGE;
	data = lseek(fd, (off_t)at, SEEK_DATA);
	if (data < 0 && errno == ENXIO)
		return UINT64_MAX;
	return data > (off_t)at ? (uint64_t)data / GLINT_CLIP_PAGE * GLINT_CLIP_PAGE : at;
}

/* The frames that were passed over before @frame are lost. */
static void count_passed(struct glint_clip_reader *reader, struct glint_clip_frame *frame)
{
	uint64_t known = glint_clip_gap_count(&frame->before);
	uint32_t between = frame->seq - reader->last_seq - 1, passed = 0;

	if (!reader->has_last)
		return;
	if (frame->stream != reader->last_stream)
		passed = frame->before.lost < UINT32_MAX; /* how many is unknown */
	else if (between > known && between <= INT32_MAX)
		passed = (uint32_t)(between - known);
	frame->before.lost += passed;
	reader->passed += passed;
}

int glint_clip_read_next(struct glint_clip_reader *reader, struct glint_clip_frame *frame)
{
	bool passed = false;
	int err = glint_clip_read_frame(reader, frame);

	/* A page of pixels could look like a head: that of a frame in its order is one. */
	while (err == -EBADMSG || err == -EIO ||
	       (err == 0 && passed && reader->has_last && frame->capture_ns < reader->last_ns)) {
		if (err == 0)
			reader->at = reader->begin;
		passed = reader->damaged = true;
		reader->at = MIN(glint_clip_next_page(reader->fd, reader->at), reader->size);
		err = glint_clip_read_frame(reader, frame);
	}
	if (err < 0)
		return err;
	if (passed)
		count_passed(reader, frame);
	reader->has_last = true;
	reader->last_seq = frame->seq;
	reader->last_stream = frame->stream;
	reader->last_ns = frame->capture_ns;
	return 0;
}

void glint_clip_origin_look(struct glint_clip_origin *origin,
			    const struct glint_clip_reader *reader,
			    const struct glint_clip_frame *frame, uint64_t position)
{
	const struct glint_clip_head *head = &reader->head;

	if (origin->trigger)
		return;
	if (glint_clip_is_trigger(head, frame)) {
		origin->known = origin->trigger = true;
		origin->origin = (int64_t)position;
		return;
	}
	if (origin->frames == 0 && head->has_first && !reader->damaged) {
		origin->known = true;
		origin->origin = -head->first;
	} else if (!origin->known && head->trigger_stream > 0 &&
		   frame->stream == head->trigger_stream) {
		origin->known = true;
		origin->origin = (int64_t)position - (int32_t)(frame->seq - head->trigger_seq);
	}
	origin->frames++;
}

void glint_clip_rewind(struct glint_clip_reader *reader)
{
	reader->at = GLINT_CLIP_PAGE;
	reader->has_last = reader->damaged = false;
	reader->passed = 0;
}
