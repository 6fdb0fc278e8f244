// SPDX-License-Identifier: GPL-2.0-only
/* The encoder's place in the media graph: a source, the encoder, a sink. */
#include <linux/string.h>

#include "vjpeg.h"

void vjpeg_media_init(struct vjpeg_dev *dev)
{
	dev->media.dev = dev->dev;
	strscpy(dev->media.model, VJPEG_NAME, sizeof(dev->media.model));
	media_device_init(&dev->media);
	dev->v4l2.mdev = &dev->media;
}

/* Without the media graph the encoder still works. */
void vjpeg_media_register(struct vjpeg_dev *dev)
{
	int err = v4l2_m2m_register_media_controller(dev->m2m, &dev->vdev,
						     MEDIA_ENT_F_PROC_VIDEO_ENCODER);

	if (err)
		goto failed;
	dev->has_entities = true;
	err = media_device_register(&dev->media);
	if (!err)
		return;
failed:
	v4l2_warn(&dev->v4l2, "no media device: %d\n", err);
}

void vjpeg_media_unregister(struct vjpeg_dev *dev)
{
	media_device_unregister(&dev->media);	/* fine if it never was */
	if (dev->has_entities)
		v4l2_m2m_unregister_media_controller(dev->m2m);
}

void vjpeg_media_fini(struct vjpeg_dev *dev)
{
	media_device_cleanup(&dev->media);
}
