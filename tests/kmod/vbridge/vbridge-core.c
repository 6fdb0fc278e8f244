// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and its device. To unplug the board, unbind vbridge.0 from the driver in sysfs: open
 * files stay valid and return ENODEV, and closing the last one frees the memory.
 */
#include <linux/media-bus-format.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "vbridge.h"

static const struct vbridge_format formats[] = {
	{ MEDIA_BUS_FMT_UYVY8_1X16, V4L2_PIX_FMT_UYVY, 2 },
	{ MEDIA_BUS_FMT_RGB888_1X24, V4L2_PIX_FMT_BGR24, 3 },
};

const struct vbridge_format *vbridge_format_at(unsigned int index)
{
	return index < ARRAY_SIZE(formats) ? &formats[index] : NULL;
}

const struct vbridge_format *vbridge_format_of_code(u32 code)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].code == code)
			return &formats[i];
	return NULL;
}

const struct vbridge_format *vbridge_format_of_fourcc(u32 fourcc)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

/* Called when the last user is gone: the last open file, or remove(). */
static void vbridge_release(struct v4l2_device *v4l2)
{
	struct vbridge *dev = container_of(v4l2, struct vbridge, v4l2);

	vbridge_capture_free(dev);
	vbridge_csi2_free(dev);
	vbridge_hdmi_free(dev);
	v4l2_device_unregister(&dev->v4l2);
	media_device_cleanup(&dev->media);
	put_device(dev->dev);
	kfree(dev);
}

static int vbridge_link(struct vbridge *dev)
{
	int err = media_create_pad_link(&dev->hdmi.sd.entity, 0, &dev->csi2.sd.entity, 0,
					MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE);

	if (err)
		return err;
	/* Disabled at first, as rp1-cfe's. */
	return media_create_pad_link(&dev->csi2.sd.entity, 1, &dev->capture.vdev.entity, 0, 0);
}

static int vbridge_probe(struct platform_device *pdev)
{
	struct vbridge *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return -ENOMEM;
	dev->dev = get_device(&pdev->dev);
	dev->media.dev = &pdev->dev;
	strscpy(dev->media.model, VBRIDGE_NAME, sizeof(dev->media.model));
	snprintf(dev->media.bus_info, sizeof(dev->media.bus_info), "platform:%s",
		 dev_name(&pdev->dev));
	media_device_init(&dev->media);
	dev->v4l2.mdev = &dev->media;
	err = v4l2_device_register(&pdev->dev, &dev->v4l2);
	if (err)
		goto free;

	err = vbridge_hdmi_register(dev);
	if (err)
		goto unregister;
	err = vbridge_csi2_register(dev);
	if (err)
		goto unregister_hdmi;
	err = vbridge_capture_register(dev);
	if (err)
		goto unregister_csi2;
	/* From here on open files hold the device, and its end is vbridge_release(). */
	dev->v4l2.release = vbridge_release;
	platform_set_drvdata(pdev, dev);
	err = vbridge_link(dev);
	if (!err)
		err = v4l2_device_register_subdev_nodes(&dev->v4l2);
	if (!err)
		err = media_device_register(&dev->media);
	if (!err)
		return 0;

	vbridge_capture_unregister(dev);
	vbridge_csi2_unregister(dev);
	vbridge_hdmi_unregister(dev);
	v4l2_device_put(&dev->v4l2);
	return err;

unregister_csi2:
	vbridge_csi2_unregister(dev);
	vbridge_csi2_free(dev);
unregister_hdmi:
	vbridge_hdmi_unregister(dev);
	vbridge_hdmi_free(dev);
unregister:
	v4l2_device_unregister(&dev->v4l2);
free:
	media_device_cleanup(&dev->media);
	put_device(dev->dev);
	kfree(dev);
	return err;
}

static void vbridge_remove(struct platform_device *pdev)
{
	struct vbridge *dev = platform_get_drvdata(pdev);

	/* First, because it ends a stream, whose pipeline needs the graph. */
	vbridge_capture_unregister(dev);
	media_device_unregister(&dev->media);
	vbridge_csi2_unregister(dev);
	vbridge_hdmi_unregister(dev);
	v4l2_device_put(&dev->v4l2);
}

static struct platform_driver driver = {
	.probe = vbridge_probe,
	.remove = vbridge_remove,
	.driver.name = VBRIDGE_NAME,
};

static struct platform_device *device;

static int __init vbridge_init(void)
{
	int err = platform_driver_register(&driver);

	if (err)
		return err;
	device = platform_device_register_simple(VBRIDGE_NAME, 0, NULL, 0);
	if (!IS_ERR(device))
		return 0;
	platform_driver_unregister(&driver);
	return PTR_ERR(device);
}

static void __exit vbridge_exit(void)
{
	platform_device_unregister(device);
	platform_driver_unregister(&driver);
}

module_init(vbridge_init);
module_exit(vbridge_exit);
MODULE_DESCRIPTION("Virtual HDMI-to-CSI bridge with a media controller");
MODULE_LICENSE("GPL");
