/* SPDX-License-Identifier: MIT */
/*
 * Command lines and configuration files. The lines of an input up to an empty one are the
 * words of a command line, the rest is the file of --config. Every input gives settings or a
 * printable message.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "fuzz.h"
#include "options/options.h"

#define WORDS_MAX 64

static char config_option[64];
static int config_fd;

/* No word is a path, so that no file of this machine is opened. */
static char *copy_words(const uint8_t *data, size_t size)
{
	char *words = malloc(size + 1);

	memcpy(words, data, size);
	words[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if (words[i] == '/')
			words[i] = '_';
	return words;
}

static int split_words(char *words, char *argv[static WORDS_MAX + 1])
{
	int argc = 0;
	char *word;

	argv[argc++] = (char *)"glintd";
	while ((word = strsep(&words, "\n")) && argc < WORDS_MAX)
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static void write_config(const uint8_t *data, size_t size)
{
	assert(ftruncate(config_fd, 0) == 0);
	assert(pwrite(config_fd, data, size, 0) == (ssize_t)size);
}

static void check_message(const char *text)
{
	size_t length = strlen(text);

	assert(length > 0 && text[length - 1] == '\n');
	for (size_t i = 0; i < length; i++)
		assert(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
}

static void check(int argc, char **argv)
{
	struct glint_options_output output;
	struct glint_settings settings;
	enum glint_options_outcome outcome = glint_options_parse(&settings, argc, argv, &output);

	if (outcome == GLINT_OPTIONS_EXIT_OK)
		assert(output.out);
	if (outcome == GLINT_OPTIONS_EXIT_ERROR)
		assert(output.err);
	if (outcome == GLINT_OPTIONS_RUN) {
		assert(settings.encoder.quality >= 1 && settings.encoder.quality <= 100);
		assert(settings.encoder.workers >= 1 && settings.encoder.workers <= 32);
		assert(settings.capture.buffers >= 2 && settings.capture.buffers <= 32);
		glint_options_fini(&settings);
	}
	if (output.err)
		check_message(output.err);
	free(output.out);
	free(output.err);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	config_fd = memfd_create("config", MFD_CLOEXEC);
	assert(config_fd >= 0);
	snprintf(config_option, sizeof(config_option), "--config=/proc/self/fd/%d", config_fd);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *gap = size > 0 ? memmem(data, size, "\n\n", 2) : NULL;
	size_t words_size = gap ? (size_t)(gap - data) : size;
	char *argv[WORDS_MAX + 2], *words = copy_words(data, words_size);
	int argc = split_words(words, argv);

	if (gap) {
		write_config(gap + 2, size - words_size - 2);
		memmove(&argv[2], &argv[1], (size_t)argc * sizeof(argv[0]));
		argv[1] = config_option;
		argc++;
	}
	check(argc, argv);
	free(words);
	return 0;
}
