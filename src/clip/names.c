/* SPDX-License-Identifier: MIT */
#include "clip/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"

#define PART ".mkv.part"

void glint_clip_part_names(const char *name, char file[static GLINT_CLIP_FILE_MAX],
			   char index[static GLINT_CLIP_FILE_MAX])
{
	snprintf(file, GLINT_CLIP_FILE_MAX, ".%.63s" PART, name);
	snprintf(index, GLINT_CLIP_FILE_MAX, ".%.63s.jsonl.part", name);
}

void glint_clip_name_of_part(const char *part, char name[static GLINT_CLIP_FILE_MAX])
{
	snprintf(name, GLINT_CLIP_FILE_MAX, "%.*s", (int)(strlen(part) - strlen(PART) - 1),
		 part + 1);
}

int glint_clip_rename(int dir, const char *from, const char *to)
{
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* NFS and others have no such flag. */
	if (linkat(dir, from, dir, to, 0) < 0)
		return -errno;
	return unlinkat(dir, from, 0) < 0 ? -errno : 0;
}

int glint_clip_sync(int fd)
{
	int err;

	do
		err = fdatasync(fd) < 0 ? -errno : 0;
	while (err == -EINTR);
	return err;
}

int glint_clip_sync_names(int dir)
{
	/* Some file systems of networks do not know this for folders: EINVAL. */
	return fsync(dir) < 0 && errno != EINVAL ? -errno : 0;
}

int glint_clip_sync_names_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int dir = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, err = 0;

	if (!folder)
		err = -ENOMEM;
	else if (dir >= 0)
		err = glint_clip_sync_names(dir);
	else if (errno != EACCES) /* a folder that may be written to, and not read */
		err = -errno;
	glint_close(&dir);
	free(folder);
	return err;
}

bool glint_clip_is_part(const char *file)
{
	char name[GLINT_CLIP_NAME_MAX + 1];
	size_t len = strlen(file);

	if (file[0] != '.' || len <= strlen(PART) + 1 ||
	    len - strlen(PART) - 1 > GLINT_CLIP_NAME_MAX ||
	    strcmp(file + len - strlen(PART), PART) != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(len - strlen(PART) - 1), file + 1);
	return glint_clip_name_valid(name);
}
