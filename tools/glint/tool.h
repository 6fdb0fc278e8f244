/* SPDX-License-Identifier: MIT */
/* Shared by the commands of glint: the service's address, errors, and exit codes. */
#ifndef GLINT_TOOLS_TOOL_H
#define GLINT_TOOLS_TOOL_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct glint_client;

/* The options before or after the command's name. */
struct tool_service {
	const char *socket; /* NULL: glint_client_create() looks for one */
	int timeout_ms;
	bool timeout_given; /* by --timeout; else @timeout_ms is the default */
};

/* Each parses its own arguments; argv[0] is "glint NAME". Returns the exit code. */
int tool_state(int argc, char **argv, struct tool_service *service);
int tool_record(int argc, char **argv, struct tool_service *service);
int tool_clip(int argc, char **argv, struct tool_service *service);
int tool_mark(int argc, char **argv, struct tool_service *service);
int tool_snapshot(int argc, char **argv, struct tool_service *service);
int tool_compare(int argc, char **argv, struct tool_service *service);
int tool_stream(int argc, char **argv, struct tool_service *service);
int tool_set(int argc, char **argv, struct tool_service *service);
int tool_wait(int argc, char **argv, struct tool_service *service);
int tool_latency(int argc, char **argv, struct tool_service *service);
int tool_events(int argc, char **argv, struct tool_service *service);
int tool_controls(int argc, char **argv, struct tool_service *service);
int tool_timings(int argc, char **argv, struct tool_service *service);
int tool_edid(int argc, char **argv, struct tool_service *service);
int tool_devices(int argc, char **argv, struct tool_service *service);
int tool_media(int argc, char **argv, struct tool_service *service);

/* --socket and --timeout: the one child of a command's parser; its input is the service. */
extern const struct argp_child tool_service_child[];

/* Like argp_parse(), but exits with 1 after wrong usage, such as a word that is not an option. */
void tool_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Returns whether @out is a terminal with colours and cursor movement. */
bool tool_is_terminal(FILE *out);

/* Returns the columns of a terminal; 0: @out is no terminal, or its size is unknown. */
unsigned tool_columns(FILE *out);

/* Returns what to do about an image that is not live, by its reason. */
const char *tool_reason_advice(const char *reason);

/* Parse WxH+X+Y. False: not such a text, or an empty region. */
bool tool_region(const char *text, uint32_t *width, uint32_t *height, uint32_t *x, uint32_t *y);

/* Parse decimal digits only. False: not such a number, or too large. */
bool tool_number(const char *text, uint64_t *number);

/*
 * Parse the value of @option, seconds as "1.5", "2s" or "500ms", and return it in milliseconds,
 * rounded up. Ends the program with an error outside of @least to @most seconds.
 */
int tool_seconds(struct argp_state *state, const char *option, const char *text, double least,
		 double most);

/* Returns NULL after a failure: the error has been printed, and *@code is the exit code. */
struct glint_client *tool_connect(const struct tool_service *service, int *code);

/*
 * Print one line: what happened, with which service, and what to do. @reason: of the image,
 * for -ENODATA. Returns the exit code.
 */
int tool_fail(const struct tool_service *service, const struct glint_client *client, int err,
	      const char *reason);

/*
 * Print the message of the service's refusal, the JSON @text, or without one what @err means.
 * @text: may be NULL. Returns the exit code.
 */
int tool_fail_refused(const struct tool_service *service, const struct glint_client *client,
		      int err, const char *text, size_t len);

/* Print why an output file cannot be written. Returns the exit code. */
int tool_fail_file(const char *path, int err);

/* Print why an input file cannot be read. Returns the exit code. */
int tool_fail_read(const char *path, int err);
#endif
