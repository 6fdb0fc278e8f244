/* SPDX-License-Identifier: MIT */
/*
 * The queue of lines for stderr. A thread writes them, because stderr may be a pipe whose reader has
 * stopped, a terminal after ^S, a file on a slow disk, or the journal. O_NONBLOCK would not help: it
 * belongs to the open file description, so it would change the terminal or pipe for all processes
 * that share it, and on a file it has no effect.
 *
 * The queue is bounded. A line is lost if the queue is full; the log then has the number of lost
 * lines in their place.
 *
 * Lines of one kind are written at most once a second. Further lines are held back: the last of them
 * is written after the second, with its own time and the number of lines that were left out. Lines
 * that were held back keep their order. A kind is level, topic and message without its digits; for
 * glint_log_limited() it is the call site.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/macros.h"
#include "base/thread.h"

#define RING_SIZE 65536		     /* bytes; a power of two, because head and tail wrap */
#define KINDS	  32		     /* that are known at once */
#define PAUSE_NS  GLINT_NSEC_PER_SEC /* between lines of one kind */
#define NOTE_MAX  64		     /* bytes of the note at the end of a line */

static const struct glint_log_topic topic = { "log" };

/* A kind that was written less than PAUSE_NS ago, or has a line that is held back. */
struct kind {
	uint64_t hash;
	uint64_t written_ns; /* time of the last line that was written; 0: free entry */
	uint64_t held_ns;    /* time of the last line that was held back */
	unsigned held;	     /* lines held back; the last of them is kind_line() */
};

enum state {
	CLOSED, /* no thread */
	OPEN,
	ENDING, /* the thread writes the queued lines, and ends */
	ENDED,	/* the thread can be joined */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	enum state state;
	size_t head, tail; /* bytes put and taken so far; each line ends with \n */
	unsigned lost;	   /* lines since the last line that was queued */
	struct kind kinds[KINDS];
	/* The last line held back of each kind. Apart from kinds: a search touches little memory. */
	struct glint_log_line lines[KINDS];
	char ring[RING_SIZE];
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Bytes in the ring or in write(2), for glint_log_flush(), which must not lock. */
static atomic_size_t unwritten;

/* --- The ring; the caller has the lock ---------------------------------------------------- */

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

/* Queue a line about the lost lines. Returns false if the ring is full. */
static bool queue_put_lost(void)
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
	if (!queue_put_lost() || !ring_put(line))
		queue.lost++;
	pthread_cond_signal(&queue.changed);
}

/* --- Kinds; the caller has the lock -------------------------------------------------------- */

/* Return the site, or FNV-1a of the text without its digits. */
static uint64_t kind_of(const struct glint_log_line *line)
{
	uint64_t hash = 0xcbf29ce484222325;

	if (line->site)
		return (uintptr_t)line->site;
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

static struct glint_log_line *kind_line(const struct kind *kind)
{
	return &queue.lines[kind - queue.kinds];
}

/* Queue the line that was held back. */
static void kind_release(struct kind *kind)
{
	struct glint_log_line *line = kind_line(kind);

	assert(kind->held > 0);

	line_note(line, kind->held - 1);
	queue_put(line);
	kind->held = 0;
	kind->written_ns = glint_now_ns();
}

/* Return the entry of @hash. A new kind gets the entry of the kind that was written longest ago. */
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
		kind_release(oldest);
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
	struct kind *kind = kind_find(kind_of(line));
	uint64_t now_ns = glint_now_ns();

	if (!kind_is_due(kind, now_ns)) {
		kind->held++;
		kind->held_ns = now_ns;
		*kind_line(kind) = *line;
		pthread_cond_signal(&queue.changed); /* the thread's deadline has changed */
		return;
	}
	line_note(line, kind->held);
	queue_put(line);
	kind->held = 0;
	kind->written_ns = now_ns;
}

/*
 * Queue the held lines that are due, or @all of them, in the order of their times. Returns when the
 * next one is due, UINT64_MAX if none is held.
 */
static uint64_t kinds_release(bool all)
{
	for (;;) {
		struct kind *first = NULL;

		for (struct kind *kind = queue.kinds; kind < queue.kinds + KINDS; kind++)
			if (kind->held > 0 && (!first || kind->held_ns < first->held_ns))
				first = kind;
		if (!first)
			return UINT64_MAX;
		if (!all && !kind_is_due(first, glint_now_ns()))
			return first->written_ns + PAUSE_NS;
		kind_release(first);
	}
}

/* --- The thread ------------------------------------------------------------------------------ */

/* Wait for the oldest line and take it. False: the queue is empty and ends. With the lock. */
static bool queue_take(struct glint_log_line *line)
{
	struct timespec due;
	uint64_t due_ns;
	char byte;

	for (;;) {
		due_ns = kinds_release(queue.state == ENDING);
		if (queue.head == queue.tail)
			(void)queue_put_lost();
		if (queue.head != queue.tail) {
			line->length = 0;
			while ((byte = queue.ring[queue.tail++ % RING_SIZE]) != '\n')
				line->text[line->length++] = byte;
			assert(line->length <= GLINT_LOG_TEXT_MAX);
			return true;
		}
		if (queue.state == ENDING)
			return false;
		due = glint_timespec(due_ns);
		if (due_ns == UINT64_MAX)
			pthread_cond_wait(&queue.changed, &queue.lock);
		else
			pthread_cond_timedwait(&queue.changed, &queue.lock, &due);
	}
}

/* Lines that could not be written, for example to a full disk, and why. */
struct failure {
	unsigned lines;
	int err;
};

/* After a failure, first write how many lines were lost. */
static void write_line(struct glint_log_line *line, struct failure *failure)
{
	struct glint_log_line note;

	if (failure->lines > 0) {
		glint_log_line_begin(&note, &topic, GLINT_LOG_WARN);
		errno = -failure->err; /* for %m; strerror() is not thread-safe */
		glint_log_line_add(&note, "%u lines lost: cannot write to stderr: %m",
				   failure->lines);
		failure->err = glint_log_line_write(&note);
		if (failure->err == 0)
			failure->lines = 0;
	}
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

/* --- Interface ------------------------------------------------------------------------------- */

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
		pthread_join(queue.thread, NULL); /* returns at once */
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
