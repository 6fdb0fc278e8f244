/* SPDX-License-Identifier: MIT */
/* What the commands of glint share: the service's address, errors, and exit codes. */
#ifndef GLINT_TOOLS_TOOL_H
#define GLINT_TOOLS_TOOL_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct glint_client;

/* Given before the command's name or behind it. */
struct tool_service {
	const char *socket;	/* NULL: glint_client_create() looks for one */
	int timeout_ms;
};

/* Each parses its own arguments; argv[0] is "glint NAME". Returns the exit code. */
int tool_state(int argc, char **argv, struct tool_service *service);
int tool_snapshot(int argc, char **argv, struct tool_service *service);
int tool_stream(int argc, char **argv, struct tool_service *service);
int tool_devices(int argc, char **argv, struct tool_service *service);

/* --socket and --timeout: the one child of a command's parser; its input is the service. */
extern const struct argp_child tool_service_child[];

/* argp_parse() with the program's ways: no stray words, 1 for bad usage. */
void tool_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Whether @out understands colours and movements of the cursor. */
bool tool_is_terminal(FILE *out);

/* Columns of a terminal; 0: @out is none, or does not say. */
unsigned tool_columns(FILE *out);

/* What to do about an image that is not live, by its reason. */
const char *tool_reason_advice(const char *reason);

/* Decimal digits and nothing else; false when there is something else, or too much. */
bool tool_number(const char *text, uint64_t *number);

/* NULL: why has been said, and *@code is the exit code. */
struct glint_client *tool_connect(const struct tool_service *service, int *code);

/*
 * Says in one line what happened, with which service, and what to do about it.
 * @reason is an image's, for -ENODATA. Returns the exit code.
 */
int tool_fail(const struct tool_service *service, const struct glint_client *client, int err,
	      const char *reason);

/* The same for a file of ours; 1. */
int tool_fail_file(const char *path, int err);
#endif
