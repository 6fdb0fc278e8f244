/* SPDX-License-Identifier: MIT */
#include "truth/cards.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "pixels/picture.h"
#include "pixels/pixels.h"

static const struct glint_log_topic topic = { "truth" };

#define FILE_MAX   (64u << 20)
#define PIXELS_MAX (4096u * 2304u)

/* The caller frees *@out. */
static int read_file(const char *path, uint8_t **out, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct stat file;
	ssize_t length;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &file) < 0)
		err = -errno;
	else if (!S_ISREG(file.st_mode) || file.st_size == 0)
		err = -ENOTSUP;
	else if (file.st_size > FILE_MAX)
		err = -EMSGSIZE;
	*out = err < 0 ? NULL : malloc((size_t)file.st_size);
	if (err == 0 && !*out)
		err = -ENOMEM;
	if (err == 0) {
		length = read(fd, *out, (size_t)file.st_size);
		if (length != file.st_size)
			err = -EIO;
		*size = (size_t)file.st_size;
	}
	close(fd);
	if (err < 0)
		free(*out);
	return err;
}

static int read_card(struct glint_card *card, const char *path, uint8_t *line)
{
	struct glint_pixels_source source;
	struct glint_picture picture;
	struct glint_format format;
	struct glint_look *look;
	uint8_t *bytes = NULL;
	size_t size = 0;
	int err = read_file(path, &bytes, &size);

	if (err < 0)
		return err;
	err = glint_picture_read(&picture, bytes, size, PIXELS_MAX);
	free(bytes);
	if (err < 0)
		return err;
	look = malloc(sizeof(*look));
	if (look) {
		glint_pixels_of_pixels(&source, &format, GLINT_PIXELS_RGB24, picture.rgb,
				       picture.width, picture.height);
		err = glint_look_take(look, &source, line);
		if (err == 0)
			glint_thumb_make(&card->thumb, look);
	} else {
		err = -ENOMEM;
	}
	free(look);
	glint_picture_fini(&picture);
	return err;
}

static void add_card(struct glint_cards *cards, const char *path, uint8_t *line)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct glint_card *card = &cards->card[cards->n];
	int err;

	if (cards->n == GLINT_CARDS_MAX) {
		cards->refused++;
		return;
	}
	err = read_card(card, path, line);
	if (err < 0) {
		cards->refused++;
		glint_log_err(&topic, err, "'%s' is no picture to compare with", path);
		return;
	}
	snprintf(card->name, sizeof(card->name), "%s", name);
	cards->n++;
}

static int add_folder(struct glint_cards *cards, const char *path, uint8_t *line)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	char file[PATH_MAX];

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
			add_card(cards, file, line);
		}
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void glint_cards_update(struct glint_cards *cards, const char *path, uint8_t *line)
{
	struct stat now = { 0 };
	int err = stat(path, &now) < 0 ? -errno : 0;

	if (err == cards->err && now.st_mtim.tv_sec == cards->changed_s &&
	    now.st_mtim.tv_nsec == cards->changed_ns && now.st_size == cards->size &&
	    now.st_ino == cards->inode)
		return;
	cards->n = cards->refused = 0;
	cards->err = err;
	cards->changed_s = now.st_mtim.tv_sec;
	cards->changed_ns = now.st_mtim.tv_nsec;
	cards->size = now.st_size;
	cards->inode = now.st_ino;
	if (err == 0 && S_ISDIR(now.st_mode))
		err = add_folder(cards, path, line);
	else if (err == 0)
		add_card(cards, path, line);
	if (err < 0)
		glint_log_err(&topic, err, "cannot read the pictures of --cards, '%s'", path);
	else
		glint_log_info(&topic, "'%s': %u pictures that mean no signal, %u files left out",
			       path, cards->n, cards->refused);
}

const struct glint_card *glint_cards_find(const struct glint_cards *cards,
					  const struct glint_look *look, unsigned tolerance)
{
	struct glint_thumb thumb;

	if (cards->n == 0)
		return NULL;
	glint_thumb_make(&thumb, look);
	for (unsigned i = 0; i < cards->n; i++)
		if (glint_thumb_matches(&cards->card[i].thumb, &thumb, tolerance))
			return &cards->card[i];
	return NULL;
}
