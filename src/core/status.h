/* SPDX-License-Identifier: MIT */
/*
 * The functions through which http asks the service, so that http knows neither capture nor encode.
 * Loop thread only.
 */
#ifndef GLINT_CORE_STATUS_H
#define GLINT_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct glint_change;
struct glint_control_request;
struct glint_edid_request;
struct glint_frame_info;
struct glint_gaps;
struct glint_marks;
struct glint_packet;
struct glint_record_request;
struct glint_recording;
struct glint_replay_request;
struct glint_report;
struct glint_wait;
struct glint_still;
struct glint_timings_request;

struct glint_source_state {
	bool online;
	uint64_t stream;    /* of the live frames; 0 while offline */
	const char *reason; /* a constant; "" while live, else no-device, busy, no-signal, ... */
	const char *replay; /* name of the recording that is played; NULL: a device, or the pattern */
};

struct glint_status_ops {
	/* Return whether the source is live, and why not. Cheap enough for each request. */
	struct glint_source_state (*source)(void *ctx);
	/* The newest complete frame of the live stream. -ENOENT: there is none. */
	int (*newest)(void *ctx, struct glint_frame_info *info);
	/*
	 * What lies between two frames of @stream, as glint_ledger_gaps(); -ENOENT also when
	 * @stream is not live any more.
	 */
	int (*gaps)(void *ctx, uint64_t stream, uint32_t since, uint32_t seq,
		    struct glint_gaps *gaps);
	/* As glint_ledger_complete_by(), of the live stream. */
	int (*complete_by)(void *ctx, uint32_t seq, uint64_t *complete_ns);
	/* The marks of all clients; http adds, lists and removes. */
	struct glint_marks *(*marks)(void *ctx);
	/* Report everything below "result" in /state, with the server's own figures. */
	void (*report)(void *ctx, struct glint_report *report);
	/* Report all settings and their generation. */
	void (*settings)(void *ctx, struct glint_report *report);
	/* Begin a change, or queue it behind others; see core/change.h. */
	void (*change)(void *ctx, struct glint_change *change);
	/* The client is gone: done() is not called, and the change is not used any more. */
	void (*forget)(void *ctx, struct glint_change *change);
	/*
	 * List or change the device's controls; see core/control.h. An error: the request has not
	 * begun, and its outcome says why.
	 */
	int (*ask_controls)(void *ctx, struct glint_control_request *request);
	/* The client is gone: done() is not called, and the request is not used any more. */
	void (*forget_controls)(void *ctx, struct glint_control_request *request);
	/* Report the result, from within done(). */
	void (*tell_controls)(void *ctx, const struct glint_control_request *request,
			      struct glint_report *report);
	/*
	 * Read or write the device's EDID; see core/edid.h. An error: the request has not begun, and
	 * its err and message say why.
	 */
	int (*ask_edid)(void *ctx, struct glint_edid_request *request);
	/* The client is gone: done() is not called, and the request is not used any more. */
	void (*forget_edid)(void *ctx, struct glint_edid_request *request);
	/* Report what an EDID says: members of an object. */
	void (*tell_edid)(void *ctx, const uint8_t *edid, size_t size, struct glint_report *report);
	/*
	 * List the device's DV timings; see core/timings.h. An error: the request has not begun, and
	 * its err and message say why.
	 */
	int (*ask_timings)(void *ctx, struct glint_timings_request *request);
	/* The client is gone: done() is not called, and the request is not used any more. */
	void (*forget_timings)(void *ctx, struct glint_timings_request *request);
	/* Report the result, from within done(). */
	void (*tell_timings)(void *ctx, const struct glint_timings_request *request,
			     struct glint_report *report);
	/*
	 * Begin a wait for what the screen shows; see core/condition.h. An error: it has not
	 * begun, and has the status, reason and message of the refusal.
	 */
	int (*wait)(void *ctx, struct glint_wait *wait);
	/* The client is gone: done() is not called, and the wait is not used any more. */
	void (*unwait)(void *ctx, struct glint_wait *wait);
	/*
	 * Get the picture that says why there is no video. Returns 0 with a reference in *@out that
	 * the caller owns. Errors, with NULL in *@out: -EAGAIN (the picture is being drawn: ask
	 * again at glint_server_offline_drawn()), -ENOMEM and others.
	 */
	int (*offline_picture)(void *ctx, struct glint_packet **out);
	/* Exact pixels of the next frame that @still wants, or of a JPEG; see stills/stills.h. */
	int (*ask_still)(void *ctx, struct glint_still *still);
	int (*convert_still)(void *ctx, struct glint_still *still, struct glint_packet *picture);
	void (*forget_still)(void *ctx, struct glint_still *still);
	/* Whether @still only waits for the workers: its frame, or one that will do, has come. */
	bool (*still_is_due)(void *ctx, const struct glint_still *still);
	/*
	 * Begin a recording; see core/record.h. @request is answered later, also if refused.
	 * -ENODEV: the service does not record; done() is not called.
	 */
	int (*record)(void *ctx, struct glint_record_request *request);
	/* Whether the service records. */
	bool (*records)(void *ctx);
	/* The client is gone: done() is not called; the recording goes on. */
	void (*forget_record)(void *ctx, struct glint_record_request *request);
	/* End a recording now. -ENOENT: none of that name is under way. */
	int (*stop_record)(void *ctx, const char *name);
	/* A recording, the newest first; NULL: no more. */
	const struct glint_recording *(*recording)(void *ctx, unsigned index);
	/*
	 * Control the recording that is played; see core/replay.h. -ENODEV: the source is none;
	 * done() is not called.
	 */
	int (*ask_replay)(void *ctx, struct glint_replay_request *request);
	/* The client is gone: done() is not called, and the request is not used any more. */
	void (*forget_replay)(void *ctx, struct glint_replay_request *request);
	/* Report what is played: the object "replay", or null. */
	void (*report_replay)(void *ctx, struct glint_report *report);
	/* Report the recorder's figures. */
	void (*report_recorder)(void *ctx, struct glint_report *report);
};
#endif
