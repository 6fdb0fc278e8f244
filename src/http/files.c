/* SPDX-License-Identifier: MIT */
/*
 * The kernel keeps a path within the folder (openat2). Where the kernel cannot, walk_open()
 * does. The threads also close files: a FUSE file system may be slow to answer.
 */
#include "http/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"

#define INDEX "/index.html"
/* A FIFO or a device must not block a thread, nor become the controlling terminal. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct glint_files {
	struct glint_workers *workers;
	int dir_fd;
	unsigned n_running; /* jobs; at most GLINT_FILES_THREADS */
	struct glint_list queue;
};

/* --- On the threads -------------------------------------------------------------------- */

/* Open folder by folder, without symbolic links. @path was squeezed. */
static int walk_open(int dir_fd, char *path)
{
	int fd = openat(dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), next;
	char *slash;

	while (fd >= 0 && (slash = strchr(path, '/'))) {
		*slash = '\0';
		next = openat(fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*slash = '/';
		close(fd);
		fd = next;
		path = slash + 1;
	}
	if (fd < 0)
		return -errno;
	next = openat(fd, path, OPEN_FLAGS | O_NOFOLLOW);
	next = next < 0 ? -errno : next;
	close(fd);
	return next;
}

static int open_beneath(int dir_fd, char *path)
{
	struct open_how how = {
		.flags = OPEN_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	/* Before Linux 5.6, or a sandbox that does not know openat2. */
	if (errno == ENOSYS || errno == EPERM)
		return walk_open(dir_fd, path);
	return -errno;
}

/* If @fd is a folder, close @fd and return true. */
static bool close_folder(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	close(fd);
	return true;
}

/* Open a regular file, or the index.html of a folder; @file->path has space for the name. */
static int file_open(struct glint_file *file)
{
	char *path = file->path;
	int fd = *path ? open_beneath(file->files->dir_fd, path) : -EISDIR;
	struct stat st;

	if (!*path || close_folder(fd)) {
		strcat(path, *path ? INDEX : &INDEX[1]);
		fd = open_beneath(file->files->dir_fd, path);
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	file->fd = fd;
	file->size = file->left = (uint64_t)st.st_size;
	return 0;
}

static int file_read(struct glint_file *file)
{
	size_t want = MIN(file->left, (uint64_t)GLINT_FILE_PIECE);
	ssize_t got = want > 0 ? read(file->fd, file->piece, want) : 0;

	if (got < 0)
		return -errno;
	if (got == 0 && want > 0)
		return -EIO;
	file->n_bytes = (size_t)got;
	file->left -= (size_t)got;
	return 0;
}

static void file_run(struct glint_job *job, unsigned part)
{
	struct glint_file *file = container_of(job, struct glint_file, job);

	(void)part;
	file->err = 0;
	file->n_bytes = 0;
	if (file->step == GLINT_FILE_OPEN)
		file->err = file_open(file);
	if (file->err == 0 && file->step != GLINT_FILE_CLOSE && !file->head_only)
		file->err = file_read(file);
	/* Nothing more is read: close the file here, on the thread. */
	if (file->step == GLINT_FILE_CLOSE || file->err < 0 || file->left == 0 || file->head_only)
		glint_close(&file->fd);
}

/* --- The queue ----------------------------------------------------------------------------- */

static void files_run_next(struct glint_files *files)
{
	struct glint_file *file;

	while (files->n_running < GLINT_FILES_THREADS &&
	       (file = glint_list_first(&files->queue, struct glint_file, link))) {
		glint_list_remove(&file->link);
		file->state = GLINT_FILE_RUNNING;
		files->n_running++;
		glint_workers_submit(files->workers, &file->job, 1);
	}
}

static void file_begin(struct glint_file *file, int step)
{
	struct glint_files *files = file->files;

	assert(file->state == GLINT_FILE_IDLE && glint_list_empty(&file->link));
	assert(!file->released || step == GLINT_FILE_CLOSE);

	file->step = step;
	file->state = GLINT_FILE_QUEUED;
	/* Released files go first, so few files wait to be closed. */
	if (step == GLINT_FILE_CLOSE)
		glint_list_append(files->queue.next, &file->link);
	else
		glint_list_append(&files->queue, &file->link);
	files_run_next(files);
}

static void file_done(struct glint_job *job)
{
	struct glint_file *file = container_of(job, struct glint_file, job);
	struct glint_files *files = file->files;

	assert(file->state == GLINT_FILE_RUNNING && files->n_running > 0);

	files->n_running--;
	file->state = GLINT_FILE_IDLE;
	if (file->released)
		glint_file_release(file);
	else
		file->done(file);
	files_run_next(files);
}

/* --- For the loop's thread ------------------------------------------------------------------ */

/* Remove ".", ".." and double slashes. The path never leads above its root. */
static void path_squeeze(char *path)
{
	char *to = path;

	for (char *from = path; *from;) {
		size_t len = strcspn(from, "/");

		if (len == 2 && from[0] == '.' && from[1] == '.') {
			char *slash = memrchr(path, '/', (size_t)(to - path));

			to = slash ? slash : path;
		} else if (len > 0 && !(len == 1 && *from == '.')) {
			if (to > path)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len + (from[len] == '/');
	}
	*to = '\0';
}

struct glint_file *glint_file_create(struct glint_files *files, const char *path,
				     void (*done)(struct glint_file *file), void *ctx)
{
	struct glint_file *file = malloc(sizeof(*file));

	if (!file)
		return NULL;
	assert(strlen(path) + sizeof(INDEX) <= sizeof(file->path)); /* the parser has bounded it */

	/* All but the piece: its pages are not touched before they are needed. */
	memset(file, 0, offsetof(struct glint_file, piece));
	file->done = done;
	file->ctx = ctx;
	file->files = files;
	file->fd = -1;
	file->job = (struct glint_job){ .run = file_run, .done = file_done };
	glint_list_init(&file->link);
	strcpy(file->path, path);
	path_squeeze(file->path);
	return file;
}

void glint_file_open(struct glint_file *file, bool head_only)
{
	file->head_only = head_only;
	file_begin(file, GLINT_FILE_OPEN);
}

void glint_file_read(struct glint_file *file)
{
	assert(file->left > 0);

	file_begin(file, GLINT_FILE_READ);
}

void glint_file_release(struct glint_file *file)
{
	if (!file)
		return;
	file->released = true;
	if (file->state == GLINT_FILE_RUNNING)
		return; /* file_done() comes back here */
	glint_list_remove(&file->link);
	file->state = GLINT_FILE_IDLE;
	if (file->fd >= 0)
		file_begin(file, GLINT_FILE_CLOSE);
	else
		free(file);
}

/* --- Life ------------------------------------------------------------------------------------- */

int glint_files_create(struct glint_files **out, struct glint_loop *loop, const char *dir)
{
	struct glint_files *files = calloc(1, sizeof(*files));
	int err;

	if (!files)
		return -ENOMEM;
	glint_list_init(&files->queue);
	files->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = files->dir_fd < 0 ? -errno : 0;
	if (err == 0)
		err = glint_workers_create(&files->workers, loop, "files", GLINT_FILES_THREADS);
	if (err < 0) {
		glint_close(&files->dir_fd);
		free(files);
		return err;
	}
	*out = files;
	return 0;
}

bool glint_files_destroy(struct glint_files *files, uint64_t deadline_ns)
{
	if (!files)
		return true;
	if (!glint_workers_destroy(files->workers, deadline_ns))
		return false; /* the stuck thread may still use both */
	assert(files->n_running == 0 && glint_list_empty(&files->queue));
	glint_close(&files->dir_fd);
	free(files);
	return true;
}
