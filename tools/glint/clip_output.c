/* SPDX-License-Identifier: MIT */
/* Output files that are whole or gone, Ctrl-C, and a progress bar. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/write.h"
#include "clip.h"
#include "clip/names.h"
#include "tool.h"

#define SHOW_AFTER_NS (500 * GLINT_NSEC_PER_MSEC)
#define SHOW_EVERY_NS (100 * GLINT_NSEC_PER_MSEC)
#define BAR_WIDTH     30u

/* --- Interrupts ---------------------------------------------------------------------------- */

static volatile sig_atomic_t signal_came;

static void on_signal(int signal_number)
{
	signal_came = signal_number;
}

void clip_catch_interrupts(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

int clip_interrupted(void)
{
	return signal_came ? -EINTR : 0;
}

void clip_die_of_interrupt(void)
{
	if (!signal_came)
		return;
	signal(signal_came, SIG_DFL);
	raise(signal_came);
}

/* --- Files ---------------------------------------------------------------------------------- */

static ssize_t output_write(void *cookie, const char *bytes, size_t size)
{
	struct clip_output *output = cookie;
	int err = glint_write_all(output->fd, bytes, size);

	if (err < 0 && output->err == 0)
		output->err = err;
	errno = -err;
	return err < 0 ? 0 : (ssize_t)size;
}

static int output_seek(void *cookie, off64_t *offset, int whence)
{
	const struct clip_output *output = cookie;
	off_t at = lseek(output->fd, *offset, whence);

	*offset = at;
	return at < 0 ? -1 : 0;
}

int clip_output_begin(struct clip_output *output, const char *path)
{
	static const cookie_io_functions_t functions = {
		.write = output_write,
		.seek = output_seek,
	};
	int err;

	*output = (struct clip_output){ .path = path, .fd = -1 };
	if (access(path, F_OK) == 0)
		return -EEXIST;
	if (asprintf(&output->part, "%s.part", path) < 0) {
		output->part = NULL;
		return -ENOMEM;
	}
	output->fd = open(output->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (output->fd >= 0)
		output->file = fopencookie(output, "w", functions);
	if (output->file)
		return 0;
	err = -errno;
	if (output->fd >= 0)
		unlink(output->part);
	glint_close(&output->fd);
	free(output->part);
	return err;
}

int clip_output_end(struct clip_output *output, int err)
{
	if (fclose(output->file) != 0 && err == 0)
		err = -EIO;
	/* Whatever the writer has made of a disk that is full, this is what the disk said. */
	if (output->err < 0 && err != -EINTR)
		err = output->err;
	if (err == 0)
		err = glint_clip_sync(output->fd);
	glint_close(&output->fd);
	if (err == 0)
		err = glint_clip_rename(AT_FDCWD, output->part, output->path);
	if (err < 0)
		unlink(output->part);
	else
		err = glint_clip_sync_names_beside(output->path);
	free(output->part);
	return err;
}

/* --- Progress -------------------------------------------------------------------------------- */

void clip_progress_begin(struct clip_progress *progress, const char *what, uint64_t total)
{
	*progress = (struct clip_progress){
		.what = what,
		.total = total,
		.begun_ns = glint_now_ns(),
	};
}

void clip_progress_step(struct clip_progress *progress, uint64_t done)
{
	uint64_t now_ns = glint_now_ns(), took_ns = now_ns - progress->begun_ns;
	unsigned filled;

	if (took_ns < SHOW_AFTER_NS || now_ns - progress->shown_ns < SHOW_EVERY_NS ||
	    progress->total == 0 || !tool_is_terminal(stderr))
		return;
	progress->shown_ns = now_ns;
	filled = (unsigned)(BAR_WIDTH * MIN(done, progress->total) / progress->total);
	fprintf(stderr, "\r\033[K%s  [%.*s%*s] %3u %%  %" PRIu64 " of %" PRIu64 " frames",
		progress->what, (int)filled, "##############################",
		(int)(BAR_WIDTH - filled), "", (unsigned)(100 * done / progress->total), done,
		progress->total);
	if (done > 0 && done <= progress->total)
		fprintf(stderr, ", %.0f s left",
			(double)took_ns / 1e9 * (double)(progress->total - done) / (double)done);
	fflush(stderr);
}

void clip_progress_end(struct clip_progress *progress)
{
	if (progress->shown_ns > 0)
		fputs("\r\033[K", stderr);
	progress->shown_ns = 0;
}
