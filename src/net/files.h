/* SPDX-License-Identifier: MIT */
/*
 * Files of a folder, read by threads of their own: a network file system may need
 * seconds for what a disk does in microseconds. A thread has one file at a time, the
 * other files wait in a line. So at most GLINT_FILES_THREADS reads are under way,
 * and a client adds at most one to the line. Loop thread only.
 */
#ifndef GLINT_NET_FILES_H
#define GLINT_NET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/workers.h"
#include "net/http.h"

#define GLINT_FILES_THREADS 2
#define GLINT_FILE_PIECE    65536u	/* bytes read at once */
#define GLINT_FILE_PATH_MAX (GLINT_HTTP_URI_MAX + 16u)

struct glint_files;
struct glint_loop;

/*
 * From glint_file_create() to glint_file_release(). While a step is under way, a
 * thread has the file: the caller touches none of its fields.
 */
struct glint_file {
	/* The step has ended; from the loop's top level. */
	void (*done)(struct glint_file *file);
	void *ctx;			/* the caller's */
	int err;			/* of the last step; 0, or a negative errno */
	uint64_t size;			/* bytes, when the file was opened */
	uint64_t left;			/* bytes of it that were not read yet */
	size_t n_bytes;			/* in @piece */
	char path[GLINT_FILE_PATH_MAX];	/* within the folder; a folder's becomes its index.html */

	/* The module's own. */
	struct glint_files *files;
	struct glint_list link;		/* in the line */
	struct glint_job job;
	enum { GLINT_FILE_OPEN, GLINT_FILE_READ, GLINT_FILE_CLOSE } step;
	enum { GLINT_FILE_IDLE, GLINT_FILE_IN_LINE, GLINT_FILE_RUNNING } state;
	bool released;
	bool head_only;
	int fd;
	char piece[GLINT_FILE_PIECE];
};

/* Serves @dir and nothing outside of it. -ENOENT, -ENOTDIR, -ENOMEM, -EAGAIN, ... */
int glint_files_create(struct glint_files **out, struct glint_loop *loop, const char *dir);

/*
 * All files are released. Waits for what is under way, at most until @deadline_ns. False:
 * a thread is stuck in the kernel; the thread and its file are left behind, and the
 * process should end soon. NULL is fine.
 */
bool glint_files_destroy(struct glint_files *files, uint64_t deadline_ns);

/* For @path, as it stands in a URI: "..", "." and double slashes are taken out. NULL: no memory. */
struct glint_file *glint_file_create(struct glint_files *files, const char *path,
				     void (*done)(struct glint_file *file), void *ctx);

/*
 * Opens the file and, without @head_only, reads its first piece. Errors: -ENOENT (no such
 * file, no regular one, or one behind a symbolic link), -EACCES, -EMFILE, -EIO, ...
 */
void glint_file_open(struct glint_file *file, bool head_only);

/* Reads the next piece; @file->left is not 0. -EIO: the file has become shorter. */
void glint_file_read(struct glint_file *file);

/* done() is not called any more. The memory is freed when no thread uses it. NULL is fine. */
void glint_file_release(struct glint_file *file);
#endif
