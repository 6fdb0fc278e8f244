/* SPDX-License-Identifier: MIT */
#include "record/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "clip/recover.h"
#include "clip/names.h"

#define LEFTOVERS_MAX 256u /* at one start */

static const struct glint_log_topic topic = { "record" };

static int check_owner(int dir)
{
	struct stat status;

	if (fstat(dir, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid() ||
	    ((status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX)))
		return -EPERM;
	return 0;
}

int glint_record_folder_open(struct glint_record_folder *folder, const char *path)
{
	int err;

	folder->lock = -1;
	folder->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder->dir < 0) {
		struct stat status;

		err = -errno;
		/* Of a link open() says that it is no folder. */
		if (err == -ENOTDIR && lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
			err = -ELOOP;
		return err;
	}
	err = check_owner(folder->dir);
	if (err < 0)
		goto close_folder;
	folder->lock = openat(folder->dir, GLINT_CLIP_LOCK,
			      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (folder->lock < 0 || flock(folder->lock, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		goto close_folder;
	}
	return 0;

close_folder:
	glint_record_folder_close(folder);
	return err;
}

void glint_record_folder_close(struct glint_record_folder *folder)
{
	glint_close(&folder->lock);
	glint_close(&folder->dir);
}

const char *glint_record_folder_advice(int err)
{
	switch (err) {
	case -ELOOP:
		return "it is a link; give the folder itself";
	case -ENOENT:
		return "there is no such folder; create it";
	case -ENOTDIR:
		return "it is no folder";
	case -EPERM:
		return "it belongs to another user, or anyone may write to it; give a folder that "
		       "only this user may write to";
	case -EBUSY:
		return "another service records into it; give each service a folder of its own";
	default:
		return strerror(-err);
	}
}

static void recover_one(const struct glint_record_folder *folder, const char *part, unsigned *n)
{
	char name[GLINT_CLIP_FILE_MAX];
	struct glint_clip_recovered recovered;
	int err;

	glint_clip_name_of_part(part, name);
	err = glint_clip_recover(folder->dir, part, name, &recovered);
	if (err < 0) {
		glint_log_err(&topic, err, "cannot recover the recording '%s'", part);
		return;
	}
	if (recovered.frames == 0 && recovered.more) {
		glint_log_warn(&topic, "%s begins with damage, and is left as it is", part);
		return;
	}
	if (recovered.frames == 0) {
		(void)unlinkat(folder->dir, part, 0);
		return;
	}
	glint_log_warn(&topic, "recovered %llu frames of a recording that was not finished: %s.mkv",
		       (unsigned long long)recovered.frames, recovered.name);
	if (recovered.more)
		glint_log_warn(&topic, "%s.mkv has further frames, behind damage", recovered.name);
	(*n)++;
}

unsigned glint_record_folder_recover(const struct glint_record_folder *folder)
{
	char found[LEFTOVERS_MAX][GLINT_CLIP_FILE_MAX];
	int fd = openat(folder->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	unsigned n_found = 0, n = 0;

	if (!dir) {
		glint_close(&fd);
		return 0;
	}
	while (n_found < LEFTOVERS_MAX && (entry = readdir(dir)))
		if (glint_clip_is_part(entry->d_name))
			strcpy(found[n_found++], entry->d_name); /* such names are short */
	closedir(dir);
	for (unsigned i = 0; i < n_found; i++)
		recover_one(folder, found[i], &n);
	return n;
}
