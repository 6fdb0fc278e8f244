/* SPDX-License-Identifier: MIT */
/*
 * Files of a folder. Threads of their own read them, because a read may take seconds on a network
 * file system. Each thread has one file at a time; the other files wait in a queue, at most one for
 * each client. Loop thread only.
 */
#ifndef GLINT_HTTP_FILES_H
#define GLINT_HTTP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/workers.h"
#include "http/parser.h"

#define GLINT_FILES_THREADS 2
#define GLINT_FILE_PIECE    65536u /* bytes read at once */
#define GLINT_FILE_PATH_MAX (GLINT_HTTP_URI_MAX + 16u)

struct glint_files;
struct glint_loop;

/*
 * Lives from glint_file_create() to glint_file_release(). While a step is under way a thread uses
 * the file, and the caller must not.
 */
struct glint_file {
	/* The step has ended. Called from the loop's top level. */
	void (*done)(struct glint_file *file);
	void *ctx;			/* the caller's */
	int err;			/* of the last step; 0, or a negative errno */
	uint64_t size;			/* bytes, when the file was opened */
	uint64_t left;			/* bytes that were not read yet */
	size_t n_bytes;			/* in @piece */
	char path[GLINT_FILE_PATH_MAX]; /* in the folder; "/index.html" is added to that of a folder */

	/* Private. */
	struct glint_files *files;
	struct glint_list link; /* in the queue */
	struct glint_job job;
	enum { GLINT_FILE_OPEN, GLINT_FILE_READ, GLINT_FILE_CLOSE } step;
	enum { GLINT_FILE_IDLE, GLINT_FILE_QUEUED, GLINT_FILE_RUNNING } state;
	bool released;
	bool head_only;
	int fd;
	char piece[GLINT_FILE_PIECE];
};

/* Serve @dir and nothing outside of it. -ENOENT, -ENOTDIR, -ENOMEM, -EAGAIN, ... */
int glint_files_create(struct glint_files **out, struct glint_loop *loop, const char *dir);

/*
 * All files must be released. Wait for steps under way, at most until @deadline_ns. False:
 * a thread is stuck in the kernel; the thread and its file are left behind, and the
 * process should end soon. NULL is fine.
 */
bool glint_files_destroy(struct glint_files *files, uint64_t deadline_ns);

/* For the path of a URI: "..", "." and double slashes are removed. NULL: no memory. */
struct glint_file *glint_file_create(struct glint_files *files, const char *path,
				     void (*done)(struct glint_file *file), void *ctx);

/*
 * Open the file and, without @head_only, read its first piece. Errors: -ENOENT (no such
 * file, no regular file, or a file behind a symbolic link), -EACCES, -EMFILE, -EIO, ...
 */
void glint_file_open(struct glint_file *file, bool head_only);

/* Read the next piece; @file->left is not 0. -EIO: the file has become shorter. */
void glint_file_read(struct glint_file *file);

/* done() is no longer called. The memory is freed when no thread uses it. NULL is fine. */
void glint_file_release(struct glint_file *file);
#endif
