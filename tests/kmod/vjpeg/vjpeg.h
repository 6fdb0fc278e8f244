/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vjpeg, a virtual V4L2 memory-to-memory JPEG encoder: raw frames on the OUTPUT queue, JPEGs on the
 * CAPTURE queue, like the hardware encoders, with the quirks of the chosen family, and with faults
 * on command.
 */
#ifndef VJPEG_H
#define VJPEG_H

#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <media/media-device.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-mem2mem.h>

#include "vjpeg-jpeg.h"

#define VJPEG_NAME	  "vjpeg"
#define VJPEG_PLANES_MAX  3
#define VJPEG_FORMATS_MAX 16
#define VJPEG_SIZE_MAX	  8192u	/* pixels, width and height */

enum vjpeg_layout {
	VJPEG_LAYOUT_PACKED,		/* 4:2:2 in one plane */
	VJPEG_LAYOUT_SEMIPLANAR,	/* Y, then pairs of Cb and Cr */
	VJPEG_LAYOUT_PLANAR,		/* Y, Cb, Cr */
	VJPEG_LAYOUT_GREY,
	VJPEG_LAYOUT_RGB,		/* converted into a scratch buffer first */
};

/* A raw format that the encoder may take. */
struct vjpeg_format {
	u32 fourcc;
	enum vjpeg_layout layout;
	u8 mem_planes;		/* 2 and 3 for the M variants */
	u8 bytes;		/* per pixel, on a line of the first plane */
	u8 h_sub, v_sub;	/* of the chroma */
	u8 order[3];		/* PACKED: offsets of Y, Cb, Cr. RGB: of R, G, B. Else: order[1] < order[2]: Cb first */
};

/* All differences between the families; filled from the module parameters. */
struct vjpeg_quirks {
	bool mplane;			/* the multi-planar API */
	bool dmabuf, userptr;		/* besides MMAP */
	bool contig;			/* dma-contig memory, else vmalloc */
	unsigned int align_w, align_h;	/* the coded size is a multiple of these */
	unsigned int align_stride;	/* bytes */
	unsigned int min_w, min_h, max_w, max_h;
	unsigned int extra_size;	/* bytes of sizeimage beyond the lines */
	unsigned int align_size;	/* of the JPEG's sizeimage */
	unsigned int min_buffers;
	int quality_min, quality_max, quality_default;
	bool quality_tables;		/* the control's value is the index of a fixed table */
	unsigned int restart_max;	/* of the control; 0: there is none */
	bool has_subsampling;
	bool subsampling_422;		/* of 4:2:2 sources: the control's default, or fixed */
	enum vjpeg_header header;
	unsigned int n_formats;
	const struct vjpeg_format *formats[VJPEG_FORMATS_MAX];
};

/* Faults: written by controls, read by queues and jobs. */
struct vjpeg_faults {
	bool hang;			/* jobs do not finish until this is cleared */
	u32 fail_every;			/* every Nth job ends with the error flag; 0: none */
	bool truncate;			/* the JPEG stops half way */
	bool no_eoi;			/* the JPEG lacks its last two bytes */
	bool wrong_size;		/* the frame header says another size */
	u32 duration_us;		/* each job takes at least this long */
	u32 stall_poll_ms;		/* the next poll blocks for this long */
	u32 stall_ioctl_ms;		/* the next QBUF, DQBUF or STREAMOFF does too */
	bool fail_streamon, fail_qbuf, fail_reqbufs;	/* the next one, with EIO or ENOMEM */
};

/* Takes a one-shot fault: returns its value and resets it to 0. */
#define vjpeg_fault_take(fault) xchg(&(fault), 0)

/* One device. After unplugging it lives until the last file is closed. */
struct vjpeg_dev {
	struct v4l2_device v4l2;
	struct video_device vdev;
	struct media_device media;
	bool has_entities;		/* of its m2m, in the media graph */
	struct v4l2_m2m_dev *m2m;
	struct device *dev;		/* the platform device: memory is allocated for it */
	struct mutex lock;		/* serialises ioctls of all files */
	struct workqueue_struct *queue;	/* ordered: one job at a time, as in one piece of hardware */
	const struct vjpeg_quirks *quirks;
	struct v4l2_ctrl_handler fault_ctrls;	/* shared by all files */
	struct vjpeg_faults faults;
	wait_queue_head_t wake;		/* a hung job waits here for the fault to be cleared */
	u32 jobs;			/* for fail_every */
};

/* One side of a context. */
struct vjpeg_queue {
	const struct vjpeg_format *format;	/* NULL on the JPEG side */
	u32 width, height;			/* coded: aligned */
	u32 n_planes;
	u32 stride[VJPEG_PLANES_MAX];
	u32 size[VJPEG_PLANES_MAX];
	u32 colorspace, ycbcr_enc, quantization, xfer_func;
	u32 sequence;
};

/* One open file: its own queues, formats and controls. */
struct vjpeg_ctx {
	struct v4l2_fh fh;
	struct vjpeg_dev *dev;
	struct v4l2_ctrl_handler ctrls;
	struct v4l2_ctrl *quality, *restart, *subsampling;
	struct vjpeg_queue raw, jpeg;
	struct v4l2_rect crop;			/* visible part of the raw frame */
	struct work_struct work;
	struct vjpeg_encoder encoder;
	u8 *scratch;				/* while streaming, where the format needs it */
	bool aborting;
};

static inline struct vjpeg_ctx *vjpeg_ctx_of(struct v4l2_fh *fh)
{
	return container_of(fh, struct vjpeg_ctx, fh);
}

static inline struct vjpeg_queue *vjpeg_ctx_queue(struct vjpeg_ctx *ctx, u32 type)
{
	return V4L2_TYPE_IS_OUTPUT(type) ? &ctx->raw : &ctx->jpeg;
}

/* vjpeg-formats.c */

const struct vjpeg_format *vjpeg_format_find(u32 fourcc);

/* Finds a format by its fourcc's text, e.g. "NM12"; NULL when there is none. */
const struct vjpeg_format *vjpeg_format_named(const char *name, size_t length);

/* Rounds @width x @height to a supported size, and sets strides and sizes. */
void vjpeg_format_layout(const struct vjpeg_quirks *quirks, struct vjpeg_queue *queue,
			 const struct vjpeg_format *format, u32 width, u32 height,
			 const u32 *wished_stride, const u32 *wished_size);

/* Bytes of scratch memory for vjpeg_format_image(); 0 for most formats. */
size_t vjpeg_format_scratch(const struct vjpeg_queue *raw);

/* Describes the components of the raw frame in @planes; the result is 4:2:0 unless @chroma_422. */
void vjpeg_format_image(const struct vjpeg_queue *raw, const u8 *const planes[VJPEG_PLANES_MAX],
			const struct v4l2_rect *crop, bool chroma_422, u8 *scratch,
			struct vjpeg_image *image);

/* vjpeg-family.c */

/* Fills @quirks from the module parameters. -EINVAL: one is wrong; the log has its name. */
int vjpeg_quirks_init(struct vjpeg_quirks *quirks);

/* vjpeg-ctrls.c */

int vjpeg_ctrls_init(struct vjpeg_ctx *ctx);
int vjpeg_fault_ctrls_init(struct vjpeg_dev *dev);

/* Returns 1..100 on libjpeg's scale, for any range of the control. */
unsigned int vjpeg_ctrls_quality(const struct vjpeg_ctx *ctx);
bool vjpeg_ctrls_chroma_422(const struct vjpeg_ctx *ctx);

/* vjpeg-drain.c */

int vjpeg_drain_cmd(struct file *file, void *fh, struct v4l2_encoder_cmd *cmd);
int vjpeg_drain_subscribe(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub);

/* True if @vbuf, which was just queued, was returned at once as the stream's last, empty buffer. */
bool vjpeg_drain_takes(struct vjpeg_ctx *ctx, struct vb2_v4l2_buffer *vbuf);

/* Marks @dst if @src is the last frame before the stop. */
void vjpeg_drain_job(struct vjpeg_ctx *ctx, struct vb2_v4l2_buffer *src,
		     struct vb2_v4l2_buffer *dst);

/* vjpeg-media.c */

#ifdef CONFIG_MEDIA_CONTROLLER
void vjpeg_media_init(struct vjpeg_dev *dev);		/* before the node is registered */
void vjpeg_media_register(struct vjpeg_dev *dev);	/* after it */
void vjpeg_media_unregister(struct vjpeg_dev *dev);
void vjpeg_media_fini(struct vjpeg_dev *dev);
#else
static inline void vjpeg_media_init(struct vjpeg_dev *dev) {}
static inline void vjpeg_media_register(struct vjpeg_dev *dev) {}
static inline void vjpeg_media_unregister(struct vjpeg_dev *dev) {}
static inline void vjpeg_media_fini(struct vjpeg_dev *dev) {}
#endif

/* vjpeg-queue.c */

int vjpeg_queue_init(void *priv, struct vb2_queue *src, struct vb2_queue *dst);

/* vjpeg-ioctl.c */

extern const struct v4l2_ioctl_ops vjpeg_ioctl_ops;

/* The formats that a new file starts with. */
void vjpeg_ioctl_defaults(struct vjpeg_ctx *ctx);

/* vjpeg-job.c */

extern const struct v4l2_m2m_ops vjpeg_m2m_ops;

void vjpeg_job_work(struct work_struct *work);
#endif
