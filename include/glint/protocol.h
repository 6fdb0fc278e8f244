/* SPDX-License-Identifier: MIT */
/*
 * The wire: names that the service and its clients agree on, and nothing else.
 *
 * The service speaks HTTP/1.1 on a unix socket and, if configured, on TCP. Its
 * answers are those of ustreamer, with the X-Glint headers and the "glint" object
 * of the state in addition. A reader ignores headers and members that it does not
 * know. A missing header or member is unknown: an older service leaves it out.
 */
#ifndef GLINT_PROTOCOL_H
#define GLINT_PROTOCOL_H

/* clang-format off */

/* Where clients look for a service without an address; see glint_client_create(). */
#define GLINT_ENV_SOCKET      "GLINT_SOCKET"	/* an address */
#define GLINT_ENV_LOGIN       "GLINT_LOGIN"	/* user:password, read by the command only */
#define GLINT_USER_SOCKET     "glint.sock"	/* in $XDG_RUNTIME_DIR */
#define GLINT_SYSTEM_DIR      "/run/glint"	/* one NAME.sock a service */
#define GLINT_SOCKET_SUFFIX   ".sock"
#define GLINT_DEFAULT_ADDRESS "127.0.0.1:8080"	/* of a service that was told nothing */

/* Endpoints. Their replies are never to be cached. */
#define GLINT_PATH_STATE    "/state"	/* application/json */
#define GLINT_PATH_SNAPSHOT "/snapshot"	/* image/jpeg: the newest frame since the request */
#define GLINT_PATH_STREAM_Y4M "/stream.y4m"	/* video/x-yuv4mpeg, without an end */
#define GLINT_PATH_HASH	    "/hash"	/* application/json: checksums of the pixels of a new frame */
#define GLINT_PATH_CONFIG   "/config"	/* application/json: GET all settings, PATCH {"name": value} */
#define GLINT_PATH_CONTROLS "/controls" /* application/json: GET lists, PATCH changes */
#define GLINT_PATH_EDID	    "/edid"	/* application/json, or the bytes: GET reads, PUT writes */
#define GLINT_PATH_TIMINGS  "/timings"	/* application/json: the DV timings of the device */
#define GLINT_PATH_WAIT     "/wait"	/* application/json: when a frame has decided; 504: not in time */
#define GLINT_PATH_RECORD   "/record"	/* application/json: POST triggers, GET lists, DELETE ends one */
#define GLINT_PATH_MARKS    "/marks"	/* application/json: POST makes a mark, GET lists, DELETE */
#define GLINT_PATH_EVENTS   "/events"	/* text/event-stream, or lines of JSON, without an end */
#define GLINT_PATH_STREAM   "/stream"	/* multipart/x-mixed-replace of image/jpeg, without an end */

/* Parameters of the query: "1", "true" and "yes" are true. */
#define GLINT_QUERY_STRICT	  "strict"	  /* snapshot: 503 and a JSON error when not live */
#define GLINT_QUERY_AFTER	  "after"	  /* snapshot: of a frame whose exposure began then or
						   * later: ns of the service host's CLOCK_MONOTONIC,
						   * at most 10 s ahead; or "now", "last", "seq:N",
						   * "mark:ID". Else 400 */
#define GLINT_QUERY_GUARANTEE	  "guarantee"	  /* snapshot: "exposed", "complete": after that moment */
#define GLINT_QUERY_TIMEOUT	  "timeout"	  /* "500ms", "2s", "1.5": then 503 or 504 */
#define GLINT_QUERY_SINCE	  "since"	  /* snapshot: a sequence number; the receipt counts
						   * what lies in between */
#define GLINT_QUERY_STREAM	  "stream"	  /* snapshot: of that number */
#define GLINT_QUERY_ID		  "id"		  /* marks: of a mark: letters, digits, "-._" */
#define GLINT_QUERY_KEEP	  "keep"	  /* marks: how long, as timeout */
#define GLINT_QUERY_RECEIPT	  "receipt"	  /* snapshot: "json": multipart/mixed */
#define GLINT_QUERY_FORMAT	  "format"	  /* snapshot: "jpeg", "png", "ppm", "pgm", "raw", "y4m" */
#define GLINT_QUERY_CROP	  "crop"	  /* snapshot: "WxH+X+Y"; several: multipart/mixed */
#define GLINT_QUERY_SCALE	  "scale"	  /* snapshot: "1", "1/2", "1/4", "1/8" */
#define GLINT_QUERY_REGION	  "region"	  /* hash: "WxH+X+Y" */
#define GLINT_QUERY_CLIENTS	  "clients"	  /* state: "all" lists each stream, not only 32 */
#define GLINT_QUERY_EXTRA_HEADERS "extra_headers" /* stream: each part says which frame it is */

/*
 * Headers of a snapshot, and of a stream's parts when the extra ones were asked
 * for. Numbers are decimal. Times are of the host's CLOCK_MONOTONIC.
 */
#define GLINT_HEADER_ONLINE	  "X-UStreamer-Online"	/* "true": live; "false": made up */
#define GLINT_HEADER_REASON	  "X-Glint-Reason"	/* why it is not live; "" when it is */
#define GLINT_HEADER_SEQUENCE	  "X-Glint-Sequence"	/* the driver's count; a gap is lost frames */
#define GLINT_HEADER_TIMESTAMP_NS "X-Glint-Timestamp-Ns"
#define GLINT_HEADER_CLOCK	  "X-Glint-Clock"	/* "monotonic"; "arrival": the driver has none */
#define GLINT_HEADER_EXPOSURE_NS  "X-Glint-Exposure-Ns"	/* it did not begin before; not there: unknown */
#define GLINT_HEADER_AGE_NS	  "X-Glint-Age-Ns"	/* when the reply began */
#define GLINT_HEADER_STREAM	  "X-Glint-Stream"	/* of the source; its sequence numbers are its own */
#define GLINT_HEADER_SERIAL	  "X-Glint-Serial"	/* of the picture */
#define GLINT_HEADER_GUARANTEE	  "X-Glint-Guarantee"	/* "exposed", "complete" */
#define GLINT_HEADER_COMPLETE_NS  "X-Glint-Complete-Ns"	/* the frame was in memory */
#define GLINT_HEADER_ERROR_NS	  "X-Glint-Error-Ns"	/* of that time; "unknown" */
#define GLINT_HEADER_SENT_NS	  "X-Glint-Sent-Ns"
#define GLINT_HEADER_REALTIME_NS  "X-Glint-Realtime-Ns"	/* the completion on CLOCK_REALTIME */
#define GLINT_HEADER_REALTIME_ERROR_NS "X-Glint-Realtime-Error-Ns"
#define GLINT_HEADER_SINCE	  "X-Glint-Since"	/* with since=; the next three: "unknown" */
#define GLINT_HEADER_SINCE_DROPPED "X-Glint-Since-Dropped"
#define GLINT_HEADER_SINCE_CORRUPT "X-Glint-Since-Corrupt"
#define GLINT_HEADER_SINCE_SKIPPED "X-Glint-Since-Skipped"
#define GLINT_HEADER_WIDTH	  "X-Glint-Width"	/* pixels */
#define GLINT_HEADER_HEIGHT	  "X-Glint-Height"
#define GLINT_HEADER_CROP	  "X-Glint-Crop"	/* of a snapshot, or a part of one: as it was asked for */
#define GLINT_HEADER_SCALE	  "X-Glint-Scale"	/* likewise */
#define GLINT_HEADER_LAYOUT	  "X-Glint-Layout"	/* of "raw": a JSON object */
#define GLINT_HEADER_OLD_WIDTH	  "X-UStreamer-Width"	/* for services without the two above */
#define GLINT_HEADER_OLD_HEIGHT	  "X-UStreamer-Height"

/*
 * The state: its objects, as paths from the root, and their members. Numbers are
 * integers where they count something. Times are in ns.
 */
#define GLINT_STATE_OK "ok"	/* true */

/* ustreamer's part. */
#define GLINT_STATE_LEGACY_ENCODER "result.encoder"	/* type; quality: 1..100, 0: the device's own */
#define GLINT_STATE_LEGACY_SOURCE  "result.source"	/* online, desired_fps, captured_fps,
							 * resolution.width, resolution.height */
#define GLINT_STATE_LEGACY_STREAM  "result.stream"	/* clients */
#define GLINT_STATE_ONLINE	   "result.source.online"

/* glint's part. */
#define GLINT_STATE	    "result.glint"		/* version, uptime_s, settings_generation,
							 * copies_per_frame */
#define GLINT_STATE_LOOP    "result.glint.loop"		/* backend: "uring", "epoll"; reason: why not uring */
#define GLINT_STATE_SOURCE  "result.glint.source"	/* kind: "v4l2", "test"; reason: "" is live;
							 * fps: measured; nominal_fps: 0 is unknown */
#define GLINT_STATE_DEVICE  "result.glint.device"	/* path, driver, card, bus */
#define GLINT_STATE_FORMAT  "result.glint.format"	/* fourcc, width, height; range: "full", "limited";
							 * matrix: "bt601", "bt709", "bt2020";
							 * arrays by plane: stride, size */
#define GLINT_STATE_FRAME   "result.glint.frame"	/* sequence, timestamp_ns, age_ns;
							 * clock: "monotonic", "arrival";
							 * moment: "start-of-exposure", "end-of-frame" */
#define GLINT_STATE_LEDGER  "result.glint.ledger"	/* seen, delivered, driver_dropped, corrupt,
							 * skipped, failed, in_flight, unaccounted */
#define GLINT_STATE_BUFFERS "result.glint.buffers"	/* kind: "v4l2", "encoder", "dma-heap",
							 * "udmabuf", "memfd"; count;
							 * driver: how many it has; leased: are read;
							 * cancelled: came back without a frame */
#define GLINT_STATE_ENCODER "result.glint.encoder"	/* name, subsampling, workers, slices, quality,
							 * encoded, failed, skipped, bytes, last_size,
							 * pictures, pictures_held, fps; of the M2M
							 * encoder: state: "ok", "quarantined", "probing",
							 * "absent"; reason, device, driver; memory:
							 * "import", "export", "shared:...", "copy";
							 * driver_quality: null is unknown; faults,
							 * late, probes, leased */
#define GLINT_STATE_STILLS  "result.glint.stills"	/* waiting, running: now; made, failed, refused,
							 * forgotten, bytes */
#define GLINT_STATE_LATENCY "result.glint.latency_ns"	/* wait, encode, send, total; of each:
							 * p50, p90, p99, max, count */
#define GLINT_STATE_MARKS   "result.glint.marks"	/* count, references, bytes, newest_kept, made, copied,
							 * replaced, removed, expired, displaced,
							 * references_displaced */
#define GLINT_STATE_RECORDER "result.glint.recorder" /* state; folder: "" without --record */
#define GLINT_STATE_CLIENTS "result.glint.clients"	/* connections, streams, streams_listed: in
							 * result.stream.clients_stat; snapshots_waiting,
							 * peers, accepted, refused, displaced,
							 * timed_out, wrong_logins, logins_unchecked,
							 * logins_held: now; pictures_sent, pictures_skipped,
							 * bytes_sent, body_bytes, bodies_refused */
#define GLINT_STATE_ANSWERS "result.glint.answers"	/* requests by status, "200", "404", ...: those
							 * that there were */

/* Exit codes of the glint command: whose fault it is. */
#define GLINT_EXIT_OK	       0
#define GLINT_EXIT_USAGE       1	/* the command line's, or this host's: a file cannot be read or written */
#define GLINT_EXIT_UNREACHABLE 2	/* the bench's: no service, no answer, or a device that may not be opened */
#define GLINT_EXIT_NO_VIDEO    3	/* the signal's: the service answers that nothing is live */
#define GLINT_EXIT_NOT_MET     4	/* the device under test's: the condition was not met in time */
/* clang-format on */
#endif
