/* SPDX-License-Identifier: MIT */
/*
 * --static: the files of a folder, where no route matches. A file is sent in
 * pieces of 64 KiB, as many as it had when it was opened. The kernel keeps a path
 * within the folder (openat2), or the walk below does where it cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/reply.h"
#include "net/routes.h"
#include "net/server.h"
#include "net/text.h"

#define PIECE 65536u
#define INDEX "/index.html"
/* A FIFO or a device must not hold us up, nor become our terminal. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct transfer {
	struct glint_activity activity;
	struct glint_client *client;
	int fd;
	uint64_t left;		/* bytes, the current piece not counted */
	char piece[PIECE];
};

static const struct {
	const char *extension, *type;
} types[] = {
	{ "html", "text/html; charset=utf-8" },
	{ "htm", "text/html; charset=utf-8" },
	{ "css", "text/css" },
	{ "js", "text/javascript" },
	{ "mjs", "text/javascript" },
	{ "txt", "text/plain; charset=utf-8" },
	{ "json", "application/json" },
	{ "xml", "application/xml" },
	{ "pdf", "application/pdf" },
	{ "gif", "image/gif" },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "png", "image/png" },
	{ "svg", "image/svg+xml" },
	{ "ico", "image/x-icon" },
	{ "webp", "image/webp" },
	{ "mp4", "video/mp4" },
	{ "wasm", "application/wasm" },
	{ "woff2", "font/woff2" },
};

static const char *type_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (unsigned i = 0; dot && i < ARRAY_SIZE(types); i++)
		if (strcasecmp(dot + 1, types[i].extension) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/* --- Opening ------------------------------------------------------------------------- */

/* Takes "." and ".." and double slashes out of @path, which never gets above its root. */
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

/* Folder by folder, and no symbolic link on the way. @path was squeezed. */
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
	/* Before Linux 5.6, or a sandbox that does not know it. */
	if (errno == ENOSYS || errno == EPERM)
		return walk_open(dir_fd, path);
	return -errno;
}

/* Whether @fd, which is closed then, is a folder. */
static bool close_folder(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	close(fd);
	return true;
}

/* A regular file, or a folder's index.html. @path becomes its path, and has room for that. */
static int open_file(int dir_fd, char *path, struct stat *st)
{
	int fd = *path ? open_beneath(dir_fd, path) : -EISDIR;

	if (!*path || close_folder(fd)) {
		strcat(path, *path ? INDEX : &INDEX[1]);
		fd = open_beneath(dir_fd, path);
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* --- Sending --------------------------------------------------------------------------- */

/* False at the end, and when the file has become shorter than we have promised. */
static bool transfer_next(struct transfer *transfer)
{
	size_t want = MIN(transfer->left, (uint64_t)PIECE);
	ssize_t got = want > 0 ? read(transfer->fd, transfer->piece, want) : 0;

	if (got <= 0)
		return false;
	transfer->left -= (size_t)got;
	glint_client_put(transfer->client, transfer->piece, (size_t)got);
	return true;
}

static void transfer_sent(struct glint_activity *activity)
{
	struct transfer *transfer = container_of(activity, struct transfer, activity);
	struct glint_client *client = transfer->client;

	if (transfer->left == 0) {
		glint_client_replied(client);
		return;
	}
	glint_client_begin(client);
	if (transfer_next(transfer))
		glint_client_send(client);
	else
		glint_client_close(client);
}

static void transfer_stop(struct glint_activity *activity)
{
	(void)activity;
}

static void transfer_free(struct glint_activity *activity)
{
	struct transfer *transfer = container_of(activity, struct transfer, activity);

	glint_close(&transfer->fd);
	free(transfer);
}

static const struct glint_activity_ops transfer_ops = {
	.sent = transfer_sent,
	.stop = transfer_stop,
	.free = transfer_free,
};

/* A browser must go by the type that we say, and not guess from the file's bytes. */
static void reply_begin(struct glint_client *client, const char *type, uint64_t size)
{
	glint_text_field(glint_reply_begin(client, 200), "X-Content-Type-Options", "nosniff");
	glint_reply_end(client, type, size);
}

static void reply_with_file(struct glint_client *client, int fd, const char *type, uint64_t size)
{
	struct transfer *transfer = malloc(sizeof(*transfer));

	if (!transfer) {
		close(fd);
		glint_reply_error(client, 503);
		return;
	}
	transfer->activity.ops = &transfer_ops;
	transfer->client = client;
	transfer->fd = fd;
	transfer->left = size;
	glint_client_set_activity(client, &transfer->activity);
	reply_begin(client, type, size);
	transfer_next(transfer);
	glint_client_send(client);
}

void glint_route_static(struct glint_client *client)
{
	const struct glint_request *request = glint_http_request(client->http);
	char path[GLINT_HTTP_URI_MAX + sizeof(INDEX)];
	struct stat st;
	int fd;

	strcpy(path, request->path);	/* the parser has bounded it */
	path_squeeze(path);
	fd = open_file(client->net->static_fd, path, &st);
	if (fd < 0) {
		glint_reply_error(client, 404);
	} else if (request->method == GLINT_HTTP_HEAD) {
		close(fd);
		reply_begin(client, type_of(path), (uint64_t)st.st_size);
		glint_client_send(client);
	} else {
		reply_with_file(client, fd, type_of(path), (uint64_t)st.st_size);
	}
}
