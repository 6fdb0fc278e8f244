/* SPDX-License-Identifier: MIT */
/*
 * A clip as an MCAP file (mcap.dev/spec) of foxglove.RawImage, or of foxglove.CompressedImage for
 * JPEGs, in protobuf. Each frame is a chunk of its own, each stream a channel. Times are those of day.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "clip.h"

#define BUFFER_MAX   2048u   /* of a record without a frame; the longest has a device's path */
#define CHANNELS_MAX 0xffffu /* an identifier has 16 bits */

#define FOURCC(a, b, c, d)                                                                         \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

enum opcode {
	OP_HEADER = 1,
	OP_FOOTER = 2,
	OP_SCHEMA = 3,
	OP_CHANNEL = 4,
	OP_MESSAGE = 5,
	OP_CHUNK = 6,
	OP_MESSAGE_INDEX = 7,
	OP_CHUNK_INDEX = 8,
	OP_STATISTICS = 11,
	OP_METADATA = 12,
	OP_DATA_END = 15,
};

static const char magic[] = "\x89MCAP0\r\n";

/* --- Bytes ------------------------------------------------------------------------------------ */

struct bytes {
	uint8_t data[BUFFER_MAX];
	size_t n;
};

static void put_raw(struct bytes *bytes, const void *data, size_t size)
{
	if (size > BUFFER_MAX - bytes->n)
		size = BUFFER_MAX - bytes->n; /* the texts of a clip's head are bounded */
	memcpy(bytes->data + bytes->n, data, size);
	bytes->n += size;
}

static void put_le(struct bytes *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		put_raw(bytes, &(uint8_t){ (uint8_t)(value >> 8 * i) }, 1);
}

static void put_string(struct bytes *bytes, const char *text)
{
	put_le(bytes, strlen(text), 4);
	put_raw(bytes, text, strlen(text));
}

static void put_decimal(struct bytes *bytes, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_string(bytes, text);
}

static void put_bytes(struct bytes *bytes, const struct bytes *inner)
{
	put_le(bytes, inner->n, 4);
	put_raw(bytes, inner->data, inner->n);
}

/* Protobuf. */

static void put_varint(struct bytes *bytes, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		put_le(bytes, (value & 0x7f) | 0x80, 1);
	put_le(bytes, value, 1);
}

static void put_number(struct bytes *bytes, unsigned field, uint64_t value)
{
	put_varint(bytes, field << 3);
	put_varint(bytes, value);
}

static void put_fixed32(struct bytes *bytes, unsigned field, uint32_t value)
{
	put_varint(bytes, field << 3 | 5);
	put_le(bytes, value, 4);
}

static void put_field(struct bytes *bytes, unsigned field, const void *data, size_t size)
{
	put_varint(bytes, field << 3 | 2);
	put_varint(bytes, size);
	put_raw(bytes, data, size);
}

static void put_text(struct bytes *bytes, unsigned field, const char *text)
{
	put_field(bytes, field, text, strlen(text));
}

/* --- Schemas: a FileDescriptorSet ----------------------------------------------------------------- */

enum {
	TYPE_INT64 = 3,
	TYPE_INT32 = 5,
	TYPE_FIXED32 = 7,
	TYPE_STRING = 9,
	TYPE_MESSAGE = 11,
	TYPE_BYTES
};

struct field {
	const char *name;
	unsigned number, type;
};

static const struct field time_fields[] = { { "seconds", 1, TYPE_INT64 },
					    { "nanos", 2, TYPE_INT32 },
					    { NULL } };
static const struct field raw_fields[] = {
	{ "timestamp", 1, TYPE_MESSAGE }, { "frame_id", 7, TYPE_STRING },
	{ "width", 2, TYPE_FIXED32 },	  { "height", 3, TYPE_FIXED32 },
	{ "encoding", 4, TYPE_STRING },	  { "step", 5, TYPE_FIXED32 },
	{ "data", 6, TYPE_BYTES },	  { NULL },
};
static const struct field compressed_fields[] = {
	{ "timestamp", 1, TYPE_MESSAGE },
	{ "frame_id", 4, TYPE_STRING },
	{ "data", 2, TYPE_BYTES },
	{ "format", 3, TYPE_STRING },
	{ NULL },
};

static void put_file(struct bytes *set, const char *path, const char *package, const char *message,
		     const struct field *fields, const char *needs)
{
	struct bytes file = { .n = 0 }, type = { .n = 0 };

	put_text(&file, 1, path);
	put_text(&file, 2, package);
	if (needs)
		put_text(&file, 3, needs);
	put_text(&type, 1, message);
	for (; fields->name; fields++) {
		struct bytes field = { .n = 0 };

		put_text(&field, 1, fields->name);
		put_number(&field, 3, fields->number);
		put_number(&field, 4, 1); /* optional */
		put_number(&field, 5, fields->type);
		if (fields->type == TYPE_MESSAGE)
			put_text(&field, 6, ".google.protobuf.Timestamp");
		put_field(&type, 2, field.data, field.n);
	}
	put_field(&file, 4, type.data, type.n);
	put_text(&file, 12, "proto3");
	put_field(set, 1, file.data, file.n);
}

/* --- Records --------------------------------------------------------------------------------------- */

struct writer {
	FILE *out;
	uint64_t at; /* bytes of the file */
	const struct glint_clip_head *head;
	const char *encoding; /* NULL: JPEGs */
	uint32_t step;
	struct chunk {
		uint64_t time, offset, size, index_offset, index_size, records;
		size_t channel;
	} * chunks;
	size_t n, room;
	/* A channel for each stream of the source: both count their messages from the beginning. */
	struct channel {
		uint64_t stream, messages;
	} * channels;
	size_t n_channels;
};

static int write_bytes(struct writer *writer, const void *data, size_t size)
{
	if (fwrite(data, 1, size, writer->out) != size)
		return errno ? -errno : -EIO;
	writer->at += size;
	return 0;
}

static int write_record(struct writer *writer, enum opcode opcode, const struct bytes *content)
{
	struct bytes head = { .n = 0 };
	int err;

	put_le(&head, opcode, 1);
	put_le(&head, content->n, 8);
	err = write_bytes(writer, head.data, head.n);
	return err < 0 ? err : write_bytes(writer, content->data, content->n);
}

static int write_schema(struct writer *writer)
{
	const char *needs = "google/protobuf/timestamp.proto";
	struct bytes set = { .n = 0 }, record = { .n = 0 };
	bool raw = writer->encoding;

	put_file(&set, needs, "google.protobuf", "Timestamp", time_fields, NULL);
	put_file(&set, raw ? "foxglove/RawImage.proto" : "foxglove/CompressedImage.proto",
		 "foxglove", raw ? "RawImage" : "CompressedImage",
		 raw ? raw_fields : compressed_fields, needs);
	put_le(&record, 1, 2);
	put_string(&record, raw ? "foxglove.RawImage" : "foxglove.CompressedImage");
	put_string(&record, "protobuf");
	put_bytes(&record, &set);
	return write_record(writer, OP_SCHEMA, &record);
}

/* Channel @id, counted from 1, and the stream whose frames it has. */
static int write_channel(struct writer *writer, size_t id)
{
	struct bytes record = { .n = 0 }, map = { .n = 0 };

	put_le(&record, id, 2);
	put_le(&record, 1, 2);
	put_string(&record, "/image");
	put_string(&record, "protobuf");
	put_string(&map, "stream");
	put_decimal(&map, writer->channels[id - 1].stream);
	put_bytes(&record, &map);
	return write_record(writer, OP_CHANNEL, &record);
}

/* Begin another channel if @frame begins another stream. */
static int enter_stream(struct writer *writer, const struct glint_clip_frame *frame)
{
	size_t n = writer->n_channels;
	struct channel *channels;

	if (n > 0 && writer->channels[n - 1].stream == frame->stream)
		return 0;
	if (n == CHANNELS_MAX)
		return -EBADMSG;
	channels = realloc(writer->channels, (n + 1) * sizeof(channels[0]));
	if (!channels)
		return -ENOMEM;
	channels[n] = (struct channel){ .stream = frame->stream };
	writer->channels = channels;
	writer->n_channels++;
	return write_channel(writer, n + 1);
}

/* What the clip says about itself. */
static int write_metadata(struct writer *writer)
{
	struct bytes record = { .n = 0 }, map = { .n = 0 };

	put_string(&map, "name");
	put_string(&map, writer->head->name);
	put_string(&map, "device");
	put_string(&map, writer->head->device);
	put_string(&map, "trigger");
	put_string(&map, writer->head->trigger);
	put_string(&map, "trigger_seq");
	put_decimal(&map, writer->head->trigger_seq);
	put_string(&map, "trigger_stream");
	put_decimal(&map, writer->head->trigger_stream);
	put_string(&record, "glint");
	put_bytes(&record, &map);
	return write_record(writer, OP_METADATA, &record);
}

static int write_begin(struct writer *writer)
{
	struct bytes record = { .n = 0 };
	int err = write_bytes(writer, magic, sizeof(magic) - 1);

	put_string(&record, "");
	put_string(&record, "glint " GLINT_VERSION);
	if (err == 0)
		err = write_record(writer, OP_HEADER, &record);
	return err < 0 ? err : write_schema(writer);
}

/* The time of day at which a frame was captured. */
static uint64_t time_of_day(const struct glint_clip_head *head, uint64_t ns)
{
	if (head->realtime_ns == 0 || head->realtime_ns + ns < head->monotonic_ns)
		return ns;
	return head->realtime_ns + ns - head->monotonic_ns;
}

static void put_image(struct bytes *image, const struct writer *writer, uint64_t time,
		      uint32_t size)
{
	struct bytes stamp = { .n = 0 };

	put_number(&stamp, 1, time / 1000000000);
	put_number(&stamp, 2, time % 1000000000);
	put_field(image, 1, stamp.data, stamp.n);
	if (writer->encoding) {
		put_fixed32(image, 2, writer->head->width);
		put_fixed32(image, 3, writer->head->height);
		put_text(image, 4, writer->encoding);
		put_fixed32(image, 5, writer->step);
		put_text(image, 7, "camera");
	} else {
		put_text(image, 3, "jpeg");
		put_text(image, 4, "camera");
	}
	/* The last field, whose bytes follow. */
	put_varint(image, (writer->encoding ? 6u : 2u) << 3 | 2);
	put_varint(image, size);
}

static int add_chunk(struct writer *writer, const struct chunk *chunk)
{
	if (writer->n == writer->room) {
		size_t room = MAX(2 * writer->room, (size_t)256);
		void *chunks = realloc(writer->chunks, room * sizeof(*chunk));

		if (!chunks)
			return -ENOMEM;
		writer->chunks = chunks;
		writer->room = room;
	}
	writer->chunks[writer->n++] = *chunk;
	return 0;
}

static int write_frame(struct writer *writer, const struct glint_clip_frame *frame,
		       const uint8_t *pixels, uint32_t size)
{
	struct bytes head = { .n = 0 }, image = { .n = 0 }, index = { .n = 0 };
	int err = enter_stream(writer, frame);
	struct chunk chunk = {
		.time = time_of_day(writer->head, frame->capture_ns),
		.offset = writer->at,
		.channel = writer->n_channels,
	};
	uint64_t message;

	if (err < 0)
		return err;
	writer->channels[chunk.channel - 1].messages++;
	put_image(&image, writer, chunk.time, size);
	message = 2 + 4 + 8 + 8 + image.n + size;
	chunk.records = 9 + message;
	put_le(&head, OP_CHUNK, 1);
	put_le(&head, 8 + 8 + 8 + 4 + 4 + 8 + chunk.records, 8);
	put_le(&head, chunk.time, 8);
	put_le(&head, chunk.time, 8);
	put_le(&head, chunk.records, 8);
	put_le(&head, 0, 4); /* no checksum */
	put_string(&head, "");
	put_le(&head, chunk.records, 8);
	put_le(&head, OP_MESSAGE, 1);
	put_le(&head, message, 8);
	put_le(&head, chunk.channel, 2);
	put_le(&head, frame->seq, 4);
	put_le(&head, chunk.time, 8);
	put_le(&head, chunk.time, 8);
	put_raw(&head, image.data, image.n);
	err = write_bytes(writer, head.data, head.n);
	if (err == 0)
		err = write_bytes(writer, pixels, size);
	chunk.size = chunk.index_offset = 0;
	if (err < 0)
		return err;
	chunk.size = writer->at - chunk.offset;
	chunk.index_offset = writer->at;
	put_le(&index, chunk.channel, 2);
	put_le(&index, 16, 4);
	put_le(&index, chunk.time, 8);
	put_le(&index, 0, 8);
	err = write_record(writer, OP_MESSAGE_INDEX, &index);
	chunk.index_size = writer->at - chunk.index_offset;
	return err < 0 ? err : add_chunk(writer, &chunk);
}

static int write_chunk_index(struct writer *writer, const struct chunk *chunk)
{
	struct bytes record = { .n = 0 };

	put_le(&record, chunk->time, 8);
	put_le(&record, chunk->time, 8);
	put_le(&record, chunk->offset, 8);
	put_le(&record, chunk->size, 8);
	put_le(&record, 10, 4);
	put_le(&record, chunk->channel, 2);
	put_le(&record, chunk->index_offset, 8);
	put_le(&record, chunk->index_size, 8);
	put_string(&record, "");
	put_le(&record, chunk->records, 8);
	put_le(&record, chunk->records, 8);
	return write_record(writer, OP_CHUNK_INDEX, &record);
}

/* How many messages each channel has. */
static int write_statistics(struct writer *writer)
{
	size_t size = 8 + 2 + 4 * sizeof(uint32_t) + 8 + 8 + sizeof(uint32_t);
	struct bytes record = { .n = 0 };
	int err = 0;

	put_le(&record, OP_STATISTICS, 1);
	put_le(&record, size + 10 * writer->n_channels, 8);
	put_le(&record, writer->n, 8);
	put_le(&record, 1, 2);
	put_le(&record, writer->n_channels, 4);
	put_le(&record, 0, 4);
	put_le(&record, 1, 4);
	put_le(&record, writer->n, 4);
	put_le(&record, writer->n > 0 ? writer->chunks[0].time : 0, 8);
	put_le(&record, writer->n > 0 ? writer->chunks[writer->n - 1].time : 0, 8);
	put_le(&record, 10 * writer->n_channels, 4);
	err = write_bytes(writer, record.data, record.n);
	for (size_t i = 0; i < writer->n_channels && err == 0; i++) {
		record.n = 0;
		put_le(&record, i + 1, 2);
		put_le(&record, writer->channels[i].messages, 8);
		err = write_bytes(writer, record.data, record.n);
	}
	return err;
}

static int write_end(struct writer *writer)
{
	struct bytes record = { .n = 0 }, footer = { .n = 0 };
	uint64_t summary;
	int err;

	put_le(&record, 0, 4);
	err = write_metadata(writer);
	if (err == 0)
		err = write_record(writer, OP_DATA_END, &record);
	summary = writer->at;
	if (err == 0)
		err = write_schema(writer);
	for (size_t i = 0; i < writer->n_channels && err == 0; i++)
		err = write_channel(writer, i + 1);
	if (err == 0)
		err = write_statistics(writer);
	for (size_t i = 0; i < writer->n && err == 0; i++)
		err = write_chunk_index(writer, &writer->chunks[i]);
	put_le(&footer, summary, 8);
	put_le(&footer, 0, 8);
	put_le(&footer, 0, 4);
	if (err == 0)
		err = write_record(writer, OP_FOOTER, &footer);
	return err < 0 ? err : write_bytes(writer, magic, sizeof(magic) - 1);
}

/* False: RawImage has no name for the format. */
static bool find_encoding(struct writer *writer)
{
	static const struct {
		const char *encoding;
		uint32_t fourcc;
		unsigned bits; /* of plane 0, a pixel */
	} encodings[] = {
		{ "mono8", FOURCC('G', 'R', 'E', 'Y'), 8 },
		{ "yuyv", FOURCC('Y', 'U', 'Y', 'V'), 16 },
		{ "uyvy", FOURCC('U', 'Y', 'V', 'Y'), 16 },
		{ "nv12", FOURCC('N', 'V', '1', '2'), 8 },
		{ "rgb8", FOURCC('R', 'G', 'B', '3'), 24 },
		{ "bgr8", FOURCC('B', 'G', 'R', '3'), 24 },
		{ "bgra8", FOURCC('X', 'R', '2', '4'), 32 },
		{ "bgra8", FOURCC('A', 'R', '2', '4'), 32 },
		{ "bayer_rggb8", FOURCC('R', 'G', 'G', 'B'), 8 },
		{ "bayer_bggr8", FOURCC('B', 'A', '8', '1'), 8 },
		{ "bayer_gbrg8", FOURCC('G', 'B', 'R', 'G'), 8 },
		{ "bayer_grbg8", FOURCC('G', 'R', 'B', 'G'), 8 },
	};

	if (writer->head->fourcc == GLINT_CLIP_MJPEG)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
		if (encodings[i].fourcc == writer->head->fourcc) {
			writer->encoding = encodings[i].encoding;
			writer->step = writer->head->width * encodings[i].bits / 8;
			return true;
		}
	return false;
}

int clip_write_mcap(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n)
{
	struct writer writer = { .out = out, .head = &clip->reader.head };
	struct clip_progress progress;
	int err;

	if (!find_encoding(&writer))
		return -ENOTSUP;
	err = write_begin(&writer);
	clip_progress_begin(&progress, args->out, clip->total);
	while (err == 0 && clip_next_wanted(clip, args, &err)) {
		uint8_t *bytes = clip_read(clip, 0, clip->frame.size, &err);

		if (err == 0 && writer.encoding && !clip_has_size(writer.head, clip->frame.size))
			err = -EBADMSG;
		if (err == 0)
			err = write_frame(&writer, &clip->frame, bytes, clip->frame.size);
		free(bytes);
		*n += err == 0;
		clip_progress_step(&progress, clip->frames);
		if (err == 0)
			err = clip_interrupted();
	}
	clip_progress_end(&progress);
	if (err == 0)
		err = write_end(&writer);
	free(writer.chunks);
	free(writer.channels);
	return err;
}
