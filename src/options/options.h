/* SPDX-License-Identifier: MIT */
/*
 * Settings: the defaults, then those of a file, then those of the command line. Parsing opens no
 * file but that of --config, and changes nothing but its output. The options are ustreamer's, and
 * glint's own in the same style.
 */
#ifndef GLINT_OPTIONS_H
#define GLINT_OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "core/change.h"
#include "core/loop.h"
#include "core/record.h"
#include "core/replay.h"
#include "encode/encoder.h"
#include "http/server.h"
#include "truth/truth.h"

struct glint_report;

/* Strings point into argv, into @store, or at constants. */
struct glint_settings {
	struct glint_capture_config capture;
	struct glint_truth_config truth;
	unsigned frozen_after_s;
	unsigned offline_when; /* enum glint_untruth: it and what is more certain end online */
	struct glint_encoder_config encoder;
	struct glint_server_config net;
	enum glint_loop_backend loop;
	bool compat_ustreamer;		  /* defaults are ustreamer's where they differ */
	uint32_t fake_width, fake_height; /* shown in /state in place of the real size; 0: real */
	unsigned test_fps;		  /* of the built-in pattern */
	const char *edid;		  /* --edid: a name or a path; NULL: none */
	const char *encoder_type;	  /* as given: "AUTO", "CPU", "HW", "M2M-IMAGE", ... */
	struct {
		const char *folder; /* NULL: nothing is recorded */
		uint32_t memory_mib;
		uint32_t disk_mib; /* 0: frames are in memory only */
		bool jpegs;	   /* the encoder's pictures, instead of the device's frames */
		bool separate;	   /* overlapping triggers: a file for each */
		const char *pre_text, *post_text, *on_text; /* as given */
		const char *gpio_text, *gpio_out_text;	    /* likewise; NULL: none */
		struct glint_record_line gpio, gpio_out;
		struct glint_record_span pre, post;
		unsigned triggers; /* GLINT_RECORD_ON_... */
	} record;
	struct {
		const char *speed_text, *faults_text; /* as given */
		uint32_t speed_milli;		      /* 0: as fast as frames are taken */
		struct glint_replay_cues cues;
		bool loop, paused;
	} replay;
	int log_level;	   /* 0..3 */
	int log_color;	   /* 0, 1; -1: colours if stderr is a terminal */
	bool systemd;	   /* take sockets from systemd, and notify systemd */
	cpu_set_t cpus;	   /* empty: all that the process may use */
	unsigned realtime; /* priority 1..99; 0: none */
	bool exit_on_parent_death;
	bool exit_on_device_error;
	uint32_t exit_on_no_clients_s; /* 0: never */
	bool notify_parent; /* SIGUSR2 to the parent whenever online or the size changes */
	const char *process_name_prefix; /* NULL: none */
	void *store;			 /* text of the --config file; private */
};

enum glint_options_outcome {
	GLINT_OPTIONS_RUN,
	GLINT_OPTIONS_EXIT_OK,	  /* --help, --version or --features: their text is in @out */
	GLINT_OPTIONS_EXIT_ERROR, /* @err has one line that says why; exit code 1 */
};

struct glint_options_output {
	char *out; /* malloc'ed text for stdout, or NULL; the caller frees */
	char *err; /* malloc'ed text for stderr (errors, and options without effect), or NULL */
};

/*
 * If the last part of argv[0] is "ustreamer", --compat ustreamer is the default. Words that belong
 * to no option are ignored, because clients pass "--flag true". An unknown option, an ambiguous
 * abbreviation, or a value out of range is an error that names the option, the value and the range.
 */
enum glint_options_outcome glint_options_parse(struct glint_settings *settings, int argc,
					       char **argv, struct glint_options_output *output);

void glint_options_fini(struct glint_settings *settings);

/*
 * Report one object per setting, by the name of its option: value, default, range, and when a
 * change takes effect. Passwords are not reported.
 */
void glint_settings_report(const struct glint_settings *settings, struct glint_report *report);

/* Tell the settings of @after that differ from @before: new values by name. */
void glint_settings_report_changes(const struct glint_settings *before,
				   const struct glint_settings *after, struct glint_report *report);

/*
 * Apply @change to a copy of @settings, in *@wanted; the setters of the options check the values.
 * False: change->outcome and change->message say what is wrong, and *@wanted must not be used.
 */
bool glint_settings_change(const struct glint_settings *settings, struct glint_change *change,
			   struct glint_settings *wanted);
#endif
