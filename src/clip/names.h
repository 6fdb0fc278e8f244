/* SPDX-License-Identifier: MIT */
/* The names of a clip's files, while it is recorded and after that. */
#ifndef GLINT_CLIP_NAMES_H
#define GLINT_CLIP_NAMES_H

#include <stdbool.h>

#include "clip/clip.h"

/* While a service records into a folder, it holds a lock on this file there. */
#define GLINT_CLIP_LOCK	    ".glint-record.lock"
#define GLINT_CLIP_FILE_MAX (GLINT_CLIP_NAME_MAX + 32u) /* bytes of a file's name */

/* Where frames are written until all are there: ".NAME.mkv.part", and the index's. */
void glint_clip_part_names(const char *name, char file[static GLINT_CLIP_FILE_MAX],
			   char index[static GLINT_CLIP_FILE_MAX]);

/* Whether @file is such a name of frames. */
bool glint_clip_is_part(const char *file);

/* Write NAME of ".NAME.mkv.part". */
void glint_clip_name_of_part(const char *part, char name[static GLINT_CLIP_FILE_MAX]);

/*
 * Wait until the bytes and the size of a file are on the disk. File systems write names and bytes at
 * different times, so a file that gets its name earlier may be empty after a power loss.
 */
int glint_clip_sync(int fd);

/* Wait until the names in the folder @dir are on the disk. */
int glint_clip_sync_names(int dir);

/* Likewise the names in the folder of the file @path. */
int glint_clip_sync_names_beside(const char *path);

/* Rename a file in the folder @dir. Never replaces a file: -EEXIST. */
int glint_clip_rename(int dir, const char *from, const char *to);
#endif
