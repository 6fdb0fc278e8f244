/* SPDX-License-Identifier: MIT */
#include "base/log_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"

#define RING_SIZE 65536			/* bytes; a power of two, for head and tail wrap */
#define KINDS     32			/* that are told apart at once */
#define PAUSE_NS  GLINT_NSEC_PER_SEC	/* between lines of one kind */
#define NOTE_MAX  64			/* bytes at the end of a line: how many were left out */

static const struct glint_log_topic topic = { "log" };

/* A kind of which a line was written less than a pause ago, or is held back. */
struct kind {
	uint64_t hash;
	uint64_t written_ns;		/* 0: the place is free */
	uint64_t held_ns;		/* when @last came */
	unsigned held;			/* lines since the one that was written; the last is @last */
	struct glint_log_line last;
};

enum state {
	CLOSED,		/* no thread */
	OPEN,
	ENDING,		/* the thread writes what there is, and ends */
	ENDED,		/* to be joined */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	enum state state;
	size_t head, tail;		/* bytes ever put and taken; each line ends with \n */
	unsigned lost;			/* lines since the last that found room */
	struct kind kinds[KINDS];
	char ring[RING_SIZE];
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Bytes in the ring or being written; for glint_log_flush(), which must not lock. */
static atomic_size_t unwritten;

/* --- The ring; with the lock ------------------------------------------------------------- */

static void ring_put_bytes(const char *bytes, size_t size)
{
	size_t at = queue.head % RING_SIZE, first = MIN(size, RING_SIZE - at);

	memcpy(queue.ring + at, bytes, first);
	memcpy(queue.ring, bytes + first, size - first);
	queue.head += size;
	atomic_fetch_add(&unwritten, size);
}

static bool ring_put(const struct glint_log_line *line)
{
	if (line->length + 1 > RING_SIZE - (queue.head - queue.tail))
		return false;
	ring_put_bytes(line->text, line->length);
	ring_put_bytes("\n", 1);
	return true;
}

/* Takes the oldest line. False when there is none. */
static bool ring_take(struct glint_log_line *line)
{
	char byte;

	if (queue.head == queue.tail)
		return false;
	line->length = 0;
	while ((byte = queue.ring[queue.tail++ % RING_SIZE]) != '\n')
		line->text[line->length++] = byte;
	return true;
}

/* False while there is no room to say it. */
static bool queue_tell_lost(void)
{
	struct glint_log_line line;

	if (queue.lost == 0)
		return true;
	glint_log_line_begin(&line, &topic, GLINT_LOG_WARN);
	glint_log_line_add(&line, "%u lines lost: the reader of stderr is slow", queue.lost);
	if (!ring_put(&line))
		return false;
	queue.lost = 0;
	return true;
}

static void queue_put(const struct glint_log_line *line)
{
	if (!queue_tell_lost() || !ring_put(line))
		queue.lost++;
	pthread_cond_signal(&queue.changed);
}

/* --- Kinds; with the lock ------------------------------------------------------------------ */

/* FNV-1a of all but the digits. */
static uint64_t hash_of(const struct glint_log_line *line)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < line->length; i++)
		if (line->text[i] < '0' || line->text[i] > '9')
			hash = (hash ^ (unsigned char)line->text[i]) * 0x100000001b3;
	return hash;
}

static void line_note(struct glint_log_line *line, unsigned left_out)
{
	if (left_out == 0)
		return;
	glint_log_line_cut(line, GLINT_LOG_TEXT_MAX - NOTE_MAX);
	glint_log_line_add(line, " (%u more like it left out)", left_out);
}

/* Writes the line that was held back. */
static void kind_tell(struct kind *kind)
{
	line_note(&kind->last, kind->held - 1);
	queue_put(&kind->last);
	kind->held = 0;
	kind->written_ns = glint_now_ns();
}

/* The place of @hash. When it has none it gets that of the kind that was written longest ago. */
static struct kind *kind_find(uint64_t hash)
{
	struct kind *oldest = queue.kinds;

	for (struct kind *kind = queue.kinds; kind < queue.kinds + KINDS; kind++) {
		if (kind->written_ns > 0 && kind->hash == hash)
			return kind;
		if (kind->written_ns < oldest->written_ns)
			oldest = kind;
	}
	if (oldest->held > 0)
		kind_tell(oldest);
	oldest->hash = hash;
	oldest->written_ns = 0;
	return oldest;
}

static bool kind_is_due(const struct kind *kind, uint64_t now_ns)
{
	return kind->written_ns == 0 || now_ns - kind->written_ns >= PAUSE_NS;
}

static void kind_put(struct glint_log_line *line)
{
	struct kind *kind = kind_find(hash_of(line));
	uint64_t now_ns = glint_now_ns();

	if (!kind_is_due(kind, now_ns)) {
		kind->held++;
		kind->held_ns = now_ns;
		kind->last = *line;
		pthread_cond_signal(&queue.changed);	/* there is a moment to wait for */
		return;
	}
	line_note(line, kind->held);
	queue_put(line);
	kind->held = 0;
	kind->written_ns = now_ns;
}

static struct kind *kind_held_first(void)
{
	struct kind *first = NULL;

	for (struct kind *kind = queue.kinds; kind < queue.kinds + KINDS; kind++)
		if (kind->held > 0 && (!first || kind->held_ns < first->held_ns))
			first = kind;
	return first;
}

/*
 * Writes what is due of the lines that were held back, or @all of them, in the order
 * in which they came. Returns when the next is due, UINT64_MAX when none is held.
 */
static uint64_t kinds_tell(bool all)
{
	struct kind *kind;

	while ((kind = kind_held_first())) {
		if (!all && !kind_is_due(kind, glint_now_ns()))
			return kind->written_ns + PAUSE_NS;
		kind_tell(kind);
	}
	return UINT64_MAX;
}

/* --- The thread ------------------------------------------------------------------------------ */

/* The next line. False when it is time to end. With the lock. */
static bool queue_take(struct glint_log_line *line)
{
	struct timespec due;
	uint64_t due_ns;

	for (;;) {
		due_ns = kinds_tell(queue.state == ENDING);
		if (queue.head == queue.tail)
			(void)queue_tell_lost();
		if (ring_take(line))
			return true;
		if (queue.state == ENDING)
			return false;
		due = glint_timespec(due_ns);
		if (due_ns == UINT64_MAX)
			pthread_cond_wait(&queue.changed, &queue.lock);
		else
			pthread_cond_timedwait(&queue.changed, &queue.lock, &due);
	}
}

/* What could not be written, such as on a full disk: told as soon as it can be. */
struct failure {
	unsigned lines;
	int err;
};

static void failure_tell(struct failure *failure)
{
	struct glint_log_line line;
	int err;

	glint_log_line_begin(&line, &topic, GLINT_LOG_WARN);
	errno = -failure->err;	/* for %m: strerror() is not for threads */
	glint_log_line_add(&line, "%u lines lost: cannot write to stderr: %m", failure->lines);
	err = glint_log_line_write(&line);
	*failure = (struct failure){ .lines = err < 0 ? failure->lines : 0, .err = err };
}

static void write_line(struct glint_log_line *line, struct failure *failure)
{
	if (failure->lines > 0)
		failure_tell(failure);
	if (failure->lines == 0)
		failure->err = glint_log_line_write(line);
	failure->lines += failure->err < 0;
}

static void *queue_main(void *arg)
{
	struct failure failure = { 0 };
	struct glint_log_line line;

	pthread_mutex_lock(&queue.lock);
	while (queue_take(&line)) {
		pthread_mutex_unlock(&queue.lock);
		write_line(&line, &failure);
		atomic_fetch_sub(&unwritten, line.length + 1);
		pthread_mutex_lock(&queue.lock);
	}
	queue.state = ENDED;
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
	return arg;
}

/* --- From outside ------------------------------------------------------------------------------ */

int glint_log_start(void)
{
	int err;

	pthread_mutex_lock(&queue.lock);
	memset(queue.kinds, 0, sizeof(queue.kinds));
	glint_thread_cond_init(&queue.changed);
	err = glint_thread_start(&queue.thread, "log", queue_main, NULL);
	if (err == 0)
		queue.state = OPEN;
	pthread_mutex_unlock(&queue.lock);
	return err;
}

void glint_log_stop(uint64_t deadline_ns)
{
	struct timespec deadline = glint_timespec(deadline_ns);
	int err = 0;

	pthread_mutex_lock(&queue.lock);
	if (queue.state == OPEN)
		queue.state = ENDING;
	pthread_cond_broadcast(&queue.changed);
	while (queue.state == ENDING && err == 0)
		err = pthread_cond_timedwait(&queue.changed, &queue.lock, &deadline);
	if (queue.state == ENDED) {
		pthread_join(queue.thread, NULL);	/* it has nothing left to do */
		queue.state = CLOSED;
	}
	pthread_mutex_unlock(&queue.lock);
}

void glint_log_flush(uint64_t deadline_ns)
{
	const struct timespec pause = { .tv_nsec = GLINT_NSEC_PER_MSEC };

	while (atomic_load(&unwritten) > 0 && glint_now_ns() < deadline_ns)
		(void)nanosleep(&pause, NULL);
}

bool glint_log_queue_put(struct glint_log_line *line, bool limit)
{
	bool open;

	pthread_mutex_lock(&queue.lock);
	open = queue.state == OPEN || queue.state == ENDING;
	if (open && limit)
		kind_put(line);
	else if (open)
		queue_put(line);
	pthread_mutex_unlock(&queue.lock);
	return open;
}
