/* SPDX-License-Identifier: MIT */
/*
 * Defaults, then a file, then the command line: settings. Pure: it opens only
 * the file that it is told to, and changes nothing but its output. The options
 * are ustreamer's, and then ours in the same style.
 */
#ifndef GLINT_OPTIONS_H
#define GLINT_OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "core/loop.h"
#include "encode/encoder.h"
#include "net/net.h"

/* Strings point into argv, into the settings' own store, or at constants. */
struct glint_settings {
	struct glint_capture_config capture;
	struct glint_encoder_config encoder;
	struct glint_net_config net;
	enum glint_loop_backend loop;
	const char *encoder_type;	/* as asked for: "AUTO", "CPU", "HW", "M2M-IMAGE", ... */
	int log_level;			/* 0..3 */
	int log_color;			/* -1: ask the terminal */
	bool systemd;			/* take listeners from systemd, tell it when ready */
	cpu_set_t cpus;			/* empty: all that the process may use */
	unsigned realtime;		/* priority 1..99; 0: none */
	bool exit_on_parent_death;
	bool exit_on_device_error;
	uint32_t exit_on_no_clients_s;	/* 0: never */
	bool notify_parent;		/* SIGUSR2 to the parent whenever online or the size changes */
	const char *process_name_prefix;	/* NULL: none */
	void *store;			/* strings that came from a file; options' own */
};

enum glint_options_outcome {
	GLINT_OPTIONS_RUN,
	GLINT_OPTIONS_EXIT_OK,		/* --help, --version, --features: text was written to @out */
	GLINT_OPTIONS_EXIT_ERROR,	/* one clear line was written to @err; exit code 1 */
};

struct glint_options_output {
	char *out;			/* malloc'ed text for stdout, or NULL; the caller frees */
	char *err;			/* malloc'ed text for stderr (errors, and options without effect), or NULL */
};

/*
 * Stray words are ignored (clients pass "--flag true"); an unknown option, an
 * ambiguous abbreviation, or a value out of range is an error that names the
 * option, the value and the range.
 */
enum glint_options_outcome glint_options_parse(struct glint_settings *settings, int argc,
					       char **argv, struct glint_options_output *output);

void glint_options_fini(struct glint_settings *settings);
#endif
