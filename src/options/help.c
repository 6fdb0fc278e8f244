/* SPDX-License-Identifier: MIT */
#include "options/table.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#ifndef GLINT_VERSION
#define GLINT_VERSION "0.1.0"
#endif

#define QUOTED_MAX  80 /* bytes of a value in a message */
#define HELP_COLUMN 26 /* in which the texts begin */
#define HELP_WIDTH  80

static void put_words(const struct glint_option *option, FILE *out)
{
	const char *between = option->kind == GLINT_OPTION_CONTROL ? "a number, " : "";

	for (const struct glint_option_word *word = option->words; word->name; word++) {
		if (word->hidden)
			continue;
		fprintf(out, "%s%s", between, word->name);
		between = ", ";
	}
}

static void put_limits(const struct glint_option *option, FILE *out)
{
	const int64_t *low = option->low, *high = option->high;

	switch (option->kind) {
	case GLINT_OPTION_NUMBER:
	case GLINT_OPTION_SECONDS:
		fprintf(out, "%lld to %lld", (long long)low[0], (long long)high[0]);
		break;
	case GLINT_OPTION_MODE:
		fprintf(out, "octal, %llo to %llo", (long long)low[0], (long long)high[0]);
		break;
	case GLINT_OPTION_SIZE:
		fprintf(out, "%lldx%lld to %lldx%lld", (long long)low[0], (long long)low[1],
			(long long)high[0], (long long)high[1]);
		break;
	case GLINT_OPTION_TEXT:
	case GLINT_OPTION_FILE:
		if (low[0] > 0)
			fprintf(out, "%lld to %lld bytes", (long long)low[0], (long long)high[0]);
		else
			fprintf(out, "up to %lld bytes", (long long)high[0]);
		break;
	case GLINT_OPTION_FLAG:
		fputs("yes or no", out);
		break;
	default:
		break;
	}
}

void glint_option_put_range(const struct glint_option *option, FILE *out)
{
	if (option->range_text)
		fputs(option->range_text, out);
	else if (option->words)
		put_words(option, out);
	else
		put_limits(option, out);
}

void glint_option_put_quoted(const char *text, FILE *out)
{
	size_t length = strlen(text);

	fputc('\'', out);
	for (size_t i = 0; i < length && i < QUOTED_MAX; i++)
		fputc(isprint((unsigned char)text[i]) ? text[i] : '?', out);
	fputs(length > QUOTED_MAX ? "...'" : "'", out);
}

/* Write @text from HELP_COLUMN on, with line breaks between words. */
static void put_wrapped(const char *text, FILE *out)
{
	size_t column = HELP_COLUMN - 1;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (length > 0 && column + 1 + length > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN - 1, "");
			column = HELP_COLUMN - 1;
		}
		if (length > 0)
			column += (size_t)fprintf(out, " %.*s", (int)length, text);
		text += length + (text[length] == ' ');
	}
}

/* Write "  -q, --quality N", and spaces up to HELP_COLUMN. */
static void put_names(const struct glint_option *option, FILE *out)
{
	int column = option->letter ? fprintf(out, "  -%c, ", option->letter) :
				      fprintf(out, "      ");

	column += fprintf(out, "--%s", option->name);
	if (option->arg)
		column += fprintf(out, " %s", option->arg);
	if (column > HELP_COLUMN - 2) {
		fputc('\n', out);
		column = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - 1 - column, "");
}

/* Write " (1 to 100; default 80)"; nothing for an option that has neither. */
static void put_facts(const struct glint_option *option, FILE *out)
{
	const char *fallback = option->fallback_text ? option->fallback_text : option->fallback;
	/* The limit of a text is shown only if a user may reach it. */
	bool limits = option->kind != GLINT_OPTION_FILE &&
		      (option->kind != GLINT_OPTION_TEXT || option->high[0] < 255);

	if (!glint_option_takes_value(option) || (!limits && !fallback))
		return;
	fputs(" (", out);
	if (limits)
		glint_option_put_range(option, out);
	if (fallback)
		fprintf(out, "%sdefault %s", limits ? "; " : "", fallback);
	fputc(')', out);
}

static void show_option(const struct glint_option *option, FILE *out)
{
	char text[512] = "";
	FILE *composed = fmemopen(text, sizeof(text), "w");

	if (composed) {
		fputs(option->help, composed);
		put_facts(option, composed);
		assert(ftell(composed) < (long)sizeof(text)); /* rows are not that long */
		fclose(composed);
	}
	put_names(option, out);
	put_wrapped(text, out);
	fputc('\n', out);
}

void glint_options_show_help(FILE *out)
{
	fputs("Usage: glintd [OPTION]...\n"
	      "Captures video from a V4L2 device and serves it as JPEG pictures over HTTP.\n"
	      "\n"
	      "Options are --key VALUE or --key=VALUE, and may be shortened while they stay\n"
	      "unique. Numbers may be decimal, 0x... or 0... (octal). Other words are ignored.\n",
	      out);
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		if (option->kind == GLINT_OPTION_HEADING)
			fprintf(out, "\n%s:\n", option->help);
		else
			show_option(option, out);
	}
	fputs("\nSee glintd(8) for the whole story.\n", out);
}

void glint_options_show_version(FILE *out)
{
	fputs("glintd " GLINT_VERSION "\n", out);
}

/* clang-format off */
#define FEATURE(name) { #name, IS_ENABLED(CONFIG_##name) }

static const struct {
	const char *name;
	bool built;
} features[] = {
	FEATURE(LOOP_URING),
	FEATURE(LOOP_EPOLL),
	FEATURE(MEM_DRM),
	FEATURE(MEM_UDMABUF),
	FEATURE(PATTERN),
	FEATURE(PIXELS_SIMD),
	FEATURE(PIXELS_PNG),
	FEATURE(PIXELS_HASH),
	FEATURE(ENCODE_CPU),
	FEATURE(ENCODE_CPU_SIMD),
	FEATURE(LIBV4LCONVERT),
	FEATURE(JUDGE),
	FEATURE(JUDGE_SIMD),
	FEATURE(RECORD),
	FEATURE(RECORD_GPIO),
	FEATURE(REPLAY),
	FEATURE(NET_TCP),
	FEATURE(NET_AUTH),
	FEATURE(NET_SAME),
	FEATURE(NET_STATIC),
	FEATURE(NET_PAGE),
	FEATURE(SYSTEMD),
	FEATURE(CLIP_LIBAV),
	FEATURE(TOOL_GLINT),
	FEATURE(WERROR),
	FEATURE(DEBUG),
	FEATURE(ASAN),
	FEATURE(UBSAN),
	FEATURE(TSAN),
};
/* clang-format on */

void glint_options_show_features(FILE *out)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		fprintf(out, "%c %s\n", features[i].built ? '+' : '-', features[i].name);
}
