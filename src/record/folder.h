/* SPDX-License-Identifier: MIT */
/*
 * The folder of recordings: whether it may be used, the lock that keeps a second service out of it,
 * and what a killed service has left in it. Any thread but the loop's.
 */
#ifndef GLINT_RECORD_FOLDER_H
#define GLINT_RECORD_FOLDER_H

struct glint_record_folder {
	int dir;  /* descriptor */
	int lock; /* likewise; the lock is held while it is open */
};

/*
 * Open @path. Errors: -ELOOP (a link), -ENOTDIR, -EPERM (of another user, or anyone may write to
 * it), -EBUSY (another service records there), and those of open().
 */
int glint_record_folder_open(struct glint_record_folder *folder, const char *path);

void glint_record_folder_close(struct glint_record_folder *folder);

/* What to do about an error of glint_record_folder_open(). */
const char *glint_record_folder_advice(int err);

/*
 * Finish the files that a killed service has left, under the names NAME.recovered.mkv and .jsonl;
 * files without any frame are removed. Returns how many files were recovered.
 */
unsigned glint_record_folder_recover(const struct glint_record_folder *folder);
#endif
