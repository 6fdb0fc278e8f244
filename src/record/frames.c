/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "core/events.h"
#include "core/frame.h"
#include "core/ledger.h"
#include "core/packet.h"
#include "core/report.h"
#include "mem/dmabuf.h"
#include "record/internal.h"
#include "record/pixels.h"
#include "v4l2/format.h"

#define KICK_BYTES    (1u << 20)		  /* wake the thread for so much, */
#define KICK_NS	      (100 * GLINT_NSEC_PER_MSEC) /* or after so long */
#define FRAMES_MIN    4u			  /* that the memory must hold, at least */
#define LOST_EVENT_NS GLINT_NSEC_PER_SEC	  /* between two events about lost frames */

static const struct glint_log_topic topic = { "record" };

/* --- The ring ------------------------------------------------------------------------------- */

static void release_entry(struct glint_recorder *recorder, uint64_t number)
{
	struct glint_frame **held = &recorder->held[number % recorder->ring->n_entries];

	*held = glint_frame_unref(*held);
}

/* The oldest frame of the index is gone. */
static void leave_oldest(struct glint_recorder *recorder)
{
	const struct glint_record_entry *entry =
		glint_record_ring_at(recorder->index, recorder->index->first);

	if (entry->recorded)
		recorder->in_files--;
	else if (entry->failed || entry->bad)
		recorder->lost++;
	else
		recorder->passed++;
	recorder->gone_stream = entry->frame.stream;
	recorder->gone_seq = entry->frame.seq;
	recorder->gone_exposure_ns = MAX(recorder->gone_exposure_ns, entry->frame.exposure_ns);
}

/*
 * Drop the oldest entry of the memory, unless a recording needs it, or the ring on the disk has not
 * got it yet.
 */
static bool drop_unneeded(struct glint_recorder *recorder)
{
	struct glint_record_ring *ring = recorder->ring;

	if (ring->first == ring->next ||
	    ring->first >= (recorder->disk ? glint_writer_kept(recorder->writer) :
					     glint_recordings_needed(recorder)))
		return false;
	if (!recorder->disk)
		leave_oldest(recorder);
	release_entry(recorder, ring->first);
	glint_record_ring_drop(ring);
	return true;
}

/* Find a place for @length bytes in the ring on the disk. False: as make_space(). */
static bool make_disk_space(struct glint_recorder *recorder, uint64_t length, uint64_t *at)
{
	struct glint_record_ring *disk = recorder->disk;

	while (!glint_record_ring_find(disk, length, at)) {
		if (disk->first >=
		    MIN(glint_recordings_needed(recorder), glint_writer_kept(recorder->writer)))
			return false;
		leave_oldest(recorder);
		glint_record_ring_drop(disk);
	}
	return true;
}

/*
 * Make space for a copy of @length bytes. While the source has the memory, there is none. False: all
 * that is old is still needed.
 */
static bool make_space(struct glint_recorder *recorder, uint64_t length, uint64_t *at)
{
	while (atomic_load(&recorder->memory->lent) ||
	       !glint_record_ring_find(recorder->ring, length, at))
		if (!drop_unneeded(recorder))
			return false;
	return true;
}

/* Let the source and its other readers have enough of the memory. False: as make_space(). */
static bool make_spare(struct glint_recorder *recorder)
{
	const struct glint_record_ring *ring = recorder->ring;

	while (recorder->config.is_short(recorder->config.ctx) ||
	       ring->next - ring->first == ring->n_entries)
		if (!drop_unneeded(recorder))
			return false;
	return true;
}

/* The source asks for the memory, and gets it without frames. */
static int recorder_lend(struct glint_lender *lender, struct glint_loan **loan)
{
	struct glint_recorder *recorder = container_of(lender, struct glint_recorder, lender);

	if (recorder->state != GLINT_RECORDER_READY || recorder->ending)
		return -EAGAIN;
	while (drop_unneeded(recorder))
		;
	if (atomic_load(&recorder->memory->lent) || recorder->ring->first < recorder->ring->next)
		return -EBUSY;
	atomic_store(&recorder->memory->lent, true);
	atomic_fetch_add(&recorder->memory->refs, 1);
	*loan = recorder->memory;
	return 0;
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* Enter what is missing before @frame. */
static void count_missing(struct glint_recorder *recorder, const struct glint_frame_info *info)
{
	struct glint_clip_gap missing = { 0 };
	struct glint_gaps gaps;

	if (recorder->has_frame && info->stream == recorder->stream &&
	    glint_seq_is_after(info->seq, recorder->seq)) {
		missing.dropped = info->seq - recorder->seq - 1;
		if (missing.dropped > 0 &&
		    recorder->config.gaps(recorder->config.ctx, info->stream, recorder->seq,
					  info->seq, &gaps) == 0) {
			missing.dropped = gaps.dropped;
			missing.corrupt = gaps.corrupt;
			/* Of frames: good, but without a signal: noise. */
			if (recorder->config.jpegs)
				missing.skipped = gaps.skipped;
			else
				missing.corrupt += gaps.skipped;
		}
	}
	recorder->dropped += missing.dropped;
	recorder->corrupt += missing.corrupt;
	recorder->skipped += missing.skipped;
	glint_clip_gap_add(&recorder->gap, &missing);
	recorder->position += 1 + glint_clip_gap_count(&missing);
	recorder->has_frame = true;
	recorder->stream = info->stream;
	recorder->seq = info->seq;
	if (missing.corrupt > 0 && (recorder->config.triggers & GLINT_RECORD_ON_CORRUPT))
		recorder->fired = "corrupt";
	if (missing.dropped > 0 && (recorder->config.triggers & GLINT_RECORD_ON_DROP))
		recorder->fired = "drop";
}

/* The number of the format of @head, which is that of the newest frame. */
static uint32_t number_format(struct glint_recorder *recorder, const struct glint_clip_head *head)
{
	const struct glint_clip_head *newest =
		&recorder->formats[recorder->format % GLINT_RECORD_FORMATS];

	if (newest->fourcc != head->fourcc || newest->width != head->width ||
	    newest->height != head->height || newest->limited != head->limited ||
	    newest->matrix != head->matrix)
		recorder->formats[++recorder->format % GLINT_RECORD_FORMATS] = *head;
	return recorder->format;
}

static struct glint_clip_head format_of_frame(const struct glint_frame *frame)
{
	static const unsigned matrices[] = {
		[GLINT_MATRIX_BT601] = 6,
		[GLINT_MATRIX_BT709] = 1,
		[GLINT_MATRIX_BT2020] = 9,
	};

	return (struct glint_clip_head){
		.fourcc = glint_record_fourcc(frame),
		.width = frame->info.width,
		.height = frame->info.height,
		.limited = frame->format->range == GLINT_RANGE_LIMITED,
		.matrix = matrices[frame->format->matrix],
	};
}

/* A JPEG of the encoder has JFIF's colours. */
static struct glint_clip_head format_of_packet(const struct glint_packet *packet)
{
	return (struct glint_clip_head){
		.fourcc = GLINT_CLIP_MJPEG,
		.width = packet->info.width,
		.height = packet->info.height,
		.matrix = 6,
	};
}

static void fill_frame(struct glint_clip_frame *clip, const struct glint_frame_info *info,
		       size_t size)
{
	*clip = (struct glint_clip_frame){
		.stream = info->stream,
		.seq = info->seq,
		.size = (uint32_t)size,
		.arrival = info->clock == GLINT_CLOCK_ARRIVAL,
		.exposure_start = info->start_of_exposure,
		.capture_ns = info->capture_ns,
		.exposure_ns = info->exposure_ns,
		.complete_ns = info->complete_ns,
		.dequeue_ns = info->dequeue_ns,
	};
}

/* Whether the source has written the frame into the recorder's memory. */
static bool is_in_memory(const struct glint_recorder *recorder, const struct glint_frame *frame)
{
	const struct glint_loan *memory = recorder->memory;
	enum glint_memory kind = frame->buf->memory;
	const uint8_t *map = frame->buf->planes[0].map;

	return (kind == GLINT_MEMORY_UDMABUF || kind == GLINT_MEMORY_USERPTR) && map &&
	       map >= memory->base + GLINT_CLIP_PAGE && map < memory->base + memory->size;
}

/* Where the entry of a frame in the recorder's memory begins. False: there is no space for it. */
static bool hold(struct glint_recorder *recorder, struct glint_frame *frame, uint64_t *at)
{
	static_assert(GLINT_CLIP_PAGE == GLINT_LOAN_HEAD, "a place has a page for the head");

	/* A driver that pads after all. */
	if (!glint_format_is_packed(frame->format) || frame->buf->planes[0].offset > 0) {
		if (!recorder->unreadable_logged)
			glint_log_error(&topic, "frames with padding are lost");
		recorder->unreadable_logged = true;
		return false;
	}
	if (!make_spare(recorder))
		return false;
	*at = (uint64_t)(frame->buf->planes[0].map - recorder->memory->base) - GLINT_CLIP_PAGE;
	return true;
}

static bool copy(struct glint_recorder *recorder, struct glint_frame *frame, uint64_t length,
		 uint64_t *at)
{
	int err;

	if (!make_space(recorder, length, at))
		return false;
	err = glint_record_copy(frame, recorder->memory->base + *at + GLINT_CLIP_PAGE);
	if (err < 0) {
		if (!recorder->unreadable_logged)
			glint_log_err(&topic, err, "cannot read a frame: it is lost");
		recorder->unreadable_logged = true;
		return false;
	}
	recorder->copied++;
	return true;
}

/* Whether a frame of @size bytes can be kept at all. */
static bool fits(struct glint_recorder *recorder, size_t size)
{
	uint64_t length = glint_clip_frame_bytes(size);

	if (length * FRAMES_MIN <= MIN(recorder->ring->size, recorder->index->size) &&
	    size <= GLINT_CLIP_FRAME_MAX)
		return size > 0;
	if (!recorder->too_small_logged)
		glint_log_error(&topic,
				"--record-memory is too small: frames of %zu bytes are lost", size);
	recorder->too_small_logged = true;
	return false;
}

/* The bytes are at @at: they become the newest entry, for which @disk_at is the place on the disk. */
static void enter(struct glint_recorder *recorder, uint64_t at, uint64_t disk_at, size_t size,
		  const struct glint_frame_info *info, const struct glint_clip_head *format)
{
	uint64_t length = glint_clip_frame_bytes(size);
	struct glint_record_entry *entry = glint_record_ring_add(recorder->ring, at, length);
	struct glint_record_entry *on_disk;

	fill_frame(&entry->frame, info, size);
	entry->frame.before = recorder->gap;
	entry->position = recorder->position;
	entry->format = number_format(recorder, format);
	entry->look = (struct glint_clip_format){
		.frame_ns = recorder->source.frame_ns,
		.fourcc = format->fourcc,
		.width = format->width,
		.height = format->height,
		.matrix = format->matrix,
		.limited = format->limited,
	};
	recorder->gap = (struct glint_clip_gap){ 0 };
	recorder->delay_ns = glint_now_ns() - info->capture_ns;
	if (!recorder->disk)
		return;
	on_disk = glint_record_ring_add(recorder->disk, disk_at, length);
	*on_disk = *entry;
	on_disk->at = disk_at;
	recorder->unkicked += length;
	glint_writer_offer(recorder->writer, recorder->disk->next);
}

/* Keep the frame, or a copy, in the ring. False: it is lost. */
static bool keep(struct glint_recorder *recorder, struct glint_frame *frame)
{
	const struct glint_clip_head format = format_of_frame(frame);
	size_t size = glint_record_size(frame);
	bool in_memory = is_in_memory(recorder, frame);
	uint64_t at, disk_at = 0;

	if (!fits(recorder, size) ||
	    (recorder->disk && !make_disk_space(recorder, glint_clip_frame_bytes(size), &disk_at)))
		return false;
	if (in_memory ? !hold(recorder, frame, &at) :
			!copy(recorder, frame, glint_clip_frame_bytes(size), &at))
		return false;
	if (in_memory)
		recorder->held[recorder->ring->next % recorder->ring->n_entries] =
			glint_frame_ref(frame);
	enter(recorder, at, disk_at, size, &frame->info, &format);
	return true;
}

static bool keep_packet(struct glint_recorder *recorder, const struct glint_packet *packet)
{
	const struct glint_clip_head format = format_of_packet(packet);
	uint64_t length = glint_clip_frame_bytes(packet->size), at, disk_at = 0;

	if (!fits(recorder, packet->size) ||
	    (recorder->disk && !make_disk_space(recorder, length, &disk_at)) ||
	    !make_space(recorder, length, &at))
		return false;
	glint_record_copy_packet(packet, recorder->memory->base + at + GLINT_CLIP_PAGE);
	recorder->copied++;
	enter(recorder, at, disk_at, packet->size, &packet->info, &format);
	return true;
}

/* --- After a frame -------------------------------------------------------------------------- */

/* At most one a second: a disk that stalls costs many frames. */
static void publish_lost(struct glint_recorder *recorder, uint64_t now_ns)
{
	struct glint_report *report;

	if (now_ns - recorder->lost_told_ns < LOST_EVENT_NS)
		return;
	report = glint_events_begin(recorder->config.events, GLINT_EVENT_RECORD);
	glint_report_text(report, "action", "lost");
	glint_report_uint(report, "lost", recorder->lost - recorder->lost_told);
	glint_report_uint(report, "seq", recorder->seq);
	glint_events_commit(recorder->config.events);
	recorder->lost_told_ns = now_ns;
	recorder->lost_told = recorder->lost;
}

void glint_record_kick(struct glint_recorder *recorder)
{
	recorder->unkicked = 0;
	recorder->kicked_ns = glint_now_ns();
	glint_writer_kick(recorder->writer);
}

/* Wake the thread, if that is worth it. */
static void kick_if_due(struct glint_recorder *recorder, bool kept)
{
	/* A small memory must not be full before the thread learns of it. */
	if (recorder->unkicked >= MIN((uint64_t)KICK_BYTES, recorder->ring->size / 16) ||
	    (recorder->unkicked > 0 && !kept) ||
	    (recorder->unkicked > 0 && glint_now_ns() - recorder->kicked_ns >= KICK_NS))
		glint_record_kick(recorder);
}

/* A frame, or a picture, was kept or lost. */
static void after_frame(struct glint_recorder *recorder, const struct glint_frame_info *info,
			bool kept)
{
	if (!kept) {
		recorder->lost++;
		recorder->gap.lost++;
		publish_lost(recorder, info->dequeue_ns);
	}
	if (recorder->n_active > 0)
		glint_recordings_serve(recorder, kept);
	if (recorder->n_active > 0 || recorder->disk)
		kick_if_due(recorder, kept);
	if (recorder->fired) {
		glint_recorder_fire(recorder, recorder->fired);
		recorder->fired = NULL;
	}
}

static bool recorder_on_frame(struct glint_sink *sink, struct glint_frame *frame)
{
	struct glint_recorder *recorder = container_of(sink, struct glint_recorder, sink);
	bool kept;

	recorder->seen++;
	count_missing(recorder, &frame->info);
	kept = keep(recorder, frame);
	after_frame(recorder, &frame->info, kept);
	if (kept && glint_recordings_have_newest(recorder))
		frame->outcome = GLINT_OUTCOME_DELIVERED;
	return kept;
}

static bool recorder_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	struct glint_recorder *recorder = container_of(sink, struct glint_recorder, sink);
	bool kept;

	recorder->seen++;
	count_missing(recorder, &packet->info);
	kept = keep_packet(recorder, packet);
	after_frame(recorder, &packet->info, kept);
	return kept;
}

/* Not a picture that says why there is no video. */
static bool recorder_wants(const struct glint_sink *sink, const struct glint_frame_info *info)
{
	(void)sink;
	return info->live;
}

void glint_record_frames_init(struct glint_recorder *recorder)
{
	glint_list_init(&recorder->sink.link);
	recorder->sink.push_frame = recorder_on_frame;
	if (recorder->config.jpegs) {
		recorder->sink.codec = GLINT_CODEC_JPEG;
		recorder->sink.push_packet = recorder_on_packet;
		recorder->sink.wants = recorder_wants;
	}
	recorder->lender.lend = recorder_lend;
}
