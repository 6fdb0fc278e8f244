/* SPDX-License-Identifier: MIT */
/*
 * A scripted board with a media controller: a graph, its subdevices, and a scripted capture device
 * (fake/v4l2.h) as its video node. STREAMON validates the enabled links as the kernel does. Fields are
 * set before the board is opened, or under fake_board_lock().
 */
#ifndef GLINT_TESTS_FAKE_BOARD_H
#define GLINT_TESTS_FAKE_BOARD_H

#include <linux/media.h>
#include <linux/v4l2-subdev.h>

#include "v4l2.h"

#define BOARD_ENTITIES 8
#define BOARD_PADS     16
#define BOARD_LINKS    16
#define BOARD_CODES    4
#define BOARD_OPENS    8

struct board_entity {
	const char *name;
	uint32_t function;
	bool video;		     /* the video node; else a subdevice */
	bool receives;		     /* has DV timings, which are the size of its pads */
	bool scales;		     /* its source pad has a size of its own */
	uint32_t codes[BOARD_CODES]; /* that its pads take; 0 ends the list; none: any */
};

struct board_pad {
	unsigned entity;
	bool sink;
	struct v4l2_mbus_framefmt format;
};

struct board_link {
	unsigned source, sink; /* pads */
	uint32_t flags;
};

struct fake_board {
	struct glint_v4l2_access access;
	struct fake_v4l2 node; /* /dev/video0 */
	pthread_mutex_t lock;

	unsigned n_entities, n_pads, n_links;
	struct board_entity entities[BOARD_ENTITIES];
	struct board_pad pads[BOARD_PADS];
	struct board_link links[BOARD_LINKS];

	int timings_err; /* of QUERY_DV_TIMINGS; 0: the signal below */
	uint32_t signal_width, signal_height;
	bool gone; /* the board is unbound: its nodes are missing */

	/* Faults. */
	unsigned missing;	  /* so many attempts to open the media device find none */
	unsigned version_changes; /* so many reads of the graph find another version */
	unsigned too_small;	  /* so many second reads return ENOSPC */
	unsigned links_busy;	  /* SETUP_LINK returns EBUSY */
	uint32_t refused_code;	  /* STREAMON returns EINVAL with this code at the node */
	unsigned fail_call;	  /* the Nth call of all nodes fails with EIO; 0: none */
	/* Changes the graph that the kernel returns, before it is copied. */
	void (*lie)(struct fake_board *board, struct media_v2_topology *topology);

	unsigned calls, opens, closes; /* of media device and subdevices; calls also of the node */
	unsigned streamons;
	uint64_t version;
	unsigned events;
	struct {
		int ours, peer;
		int entity; /* -1: the media device */
	} fds[BOARD_OPENS];
};

/*
 * "bridge" (receives; UYVY8_1X16 and RGB888_1X24) -> "csi2" -> "capture" (UYVY, BGR3). The last link
 * is disabled, the first immutable. The signal is 128x96, the pads have 64x48.
 */
void fake_board_init(struct fake_board *board);
void fake_board_fini(struct fake_board *board);

void fake_board_lock(struct fake_board *board);
void fake_board_unlock(struct fake_board *board);

/* Return the index of the new entity, pad or link. */
unsigned fake_board_add(struct fake_board *board, const char *name, bool video);
unsigned fake_board_pad(struct fake_board *board, unsigned entity, bool sink);
unsigned fake_board_link(struct fake_board *board, unsigned source, unsigned sink, uint32_t flags);

/* The signal changes: an event of the receiver. */
void fake_board_event(struct fake_board *board);

/* Unbind, and bind again with the graph of fake_board_init(). */
void fake_board_unbind(struct fake_board *board);
void fake_board_bind(struct fake_board *board);
#endif
