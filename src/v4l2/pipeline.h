/* SPDX-License-Identifier: MIT */
/*
 * The pipeline behind a capture node with a media controller: the path from the source of the video
 * (an HDMI receiver, a sensor) over subdevices to the node. STREAMON validates all links that are
 * enabled around the path, so the links and formats beside the path are part of the work.
 *
 * A pipeline is the state of one moment: open it, set it up, close it. A zeroed one is closed.
 * Functions may block: worker thread only. Nothing is logged; @problem says what was wrong, in words
 * for the user.
 */
#ifndef GLINT_V4L2_PIPELINE_H
#define GLINT_V4L2_PIPELINE_H

#include "v4l2/media.h"

struct glint_vdev;

#define GLINT_PIPELINE_LENGTH_MAX 16
#define GLINT_PIPELINE_TEXT_MAX	  384

struct glint_pipeline {
	struct glint_media media;
	unsigned n;				      /* entities of the path; 0: closed */
	unsigned entities[GLINT_PIPELINE_LENGTH_MAX]; /* the source is first, the node last */
	unsigned links[GLINT_PIPELINE_LENGTH_MAX];    /* links[i] leads to entities[i + 1] */
	bool joined[GLINT_MEDIA_ENTITIES_MAX];	      /* validated together with the path */
	bool receives;		      /* the source follows a signal, whose timings are the size */
	uint32_t code, width, height; /* what arrives at the node, after set_formats() */
	char problem[GLINT_PIPELINE_TEXT_MAX];
};

struct glint_pipeline_wish {
	uint32_t fourcc;	/* 0: any */
	uint32_t width, height; /* of a source without a signal; 0: as it is */
	bool raw, other;	/* as in struct glint_wish */
};

/*
 * Find the path to @vdev's node in the graph of @media_device (NULL: the one that has the node) from
 * the entity named @source (NULL: the source that the enabled links lead to, or else the nearest).
 * -EPIPE: there is no such path. -ENODEV, -EACCES: see glint_media_find(). After a failure the
 * pipeline is closed, and @problem says why. @vdev's device must be one that may have a media
 * controller: its access has number().
 */
int glint_pipeline_open(struct glint_pipeline *pipeline, const struct glint_vdev *vdev,
			const char *media_device, const char *source);

/* @problem stays. */
void glint_pipeline_close(struct glint_pipeline *pipeline);

/*
 * If the source is a receiver of signals, open it as the receiver of @vdev, which closes it. Returns
 * 0 also for a source without signals.
 */
int glint_pipeline_open_receiver(struct glint_pipeline *pipeline, struct glint_vdev *vdev);

/*
 * Enable the links of the path. Disable other links of its entities, which would share the pipeline,
 * where they can be disabled. -EBUSY: another program streams.
 */
int glint_pipeline_set_links(struct glint_pipeline *pipeline);

/*
 * Set the formats of all pads of the path; and as far as possible those of sinks beside the path that
 * stay linked to it. The first possible code of the source at or after *@attempt (at first 0) is
 * taken, and *@attempt is moved behind it, so that the caller can try the next one. -EPIPE: there is
 * none. After a failure @problem says why.
 */
int glint_pipeline_set_formats(struct glint_pipeline *pipeline, const struct glint_vdev *vdev,
			       const struct glint_pipeline_wish *wish, unsigned *attempt);

/* Set @problem if STREAMON would fail as the pipeline is now, or clear it. Changes no link or pad. */
void glint_pipeline_check(struct glint_pipeline *pipeline);

/* STREAMON has failed with @err: find the link that the driver refuses, and set @problem. */
void glint_pipeline_diagnose(struct glint_pipeline *pipeline, int err);
#endif
