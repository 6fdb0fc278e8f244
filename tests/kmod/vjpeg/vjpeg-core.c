// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: platform devices, their video nodes, and open files. To unplug a device, unbind it
 * from the driver in sysfs; open files stay valid and return ENODEV, and closing the last one frees
 * the memory.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "vjpeg.h"

#define DEVICES_MAX 8

static unsigned int n_devs = 1;
module_param(n_devs, uint, 0444);
MODULE_PARM_DESC(n_devs, "number of devices, 1 to 8");

static struct vjpeg_quirks quirks;	/* the same for all devices */

/* --- Files --------------------------------------------------------------------- */

static int vjpeg_open(struct file *file)
{
	struct vjpeg_dev *dev = video_drvdata(file);
	struct vjpeg_ctx *ctx = kvzalloc(sizeof(*ctx), GFP_KERNEL);
	int err;

	if (!ctx)
		return -ENOMEM;
	ctx->dev = dev;
	INIT_WORK(&ctx->work, vjpeg_job_work);
	vjpeg_encoder_init(&ctx->encoder);
	v4l2_fh_init(&ctx->fh, &dev->vdev);
	err = vjpeg_ctrls_init(ctx);
	if (err)
		goto free_ctx;
	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(dev->m2m, ctx, vjpeg_queue_init);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		err = PTR_ERR(ctx->fh.m2m_ctx);
		goto free_ctrls;
	}
	ctx->fh.ctrl_handler = &ctx->ctrls;
	vjpeg_ioctl_defaults(ctx);
	file->private_data = &ctx->fh;
	v4l2_fh_add(&ctx->fh);
	return 0;

free_ctrls:
	v4l2_ctrl_handler_free(&ctx->ctrls);
free_ctx:
	v4l2_fh_exit(&ctx->fh);
	kvfree(ctx);
	return err;
}

static int vjpeg_release(struct file *file)
{
	struct vjpeg_ctx *ctx = vjpeg_ctx_of(file->private_data);

	v4l2_fh_del(&ctx->fh);
	mutex_lock(&ctx->dev->lock);
	v4l2_m2m_ctx_release(ctx->fh.m2m_ctx);
	mutex_unlock(&ctx->dev->lock);
	v4l2_ctrl_handler_free(&ctx->ctrls);
	v4l2_fh_exit(&ctx->fh);
	kvfree(ctx);
	return 0;
}

static __poll_t vjpeg_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vjpeg_ctx *ctx = vjpeg_ctx_of(file->private_data);
	unsigned int ms = vjpeg_fault_take(ctx->dev->faults.stall_poll_ms);

	if (ms)
		msleep(ms);
	return v4l2_m2m_fop_poll(file, wait);
}

static const struct v4l2_file_operations file_ops = {
	.owner = THIS_MODULE,
	.open = vjpeg_open,
	.release = vjpeg_release,
	.poll = vjpeg_poll,
	.unlocked_ioctl = video_ioctl2,
	.mmap = v4l2_m2m_fop_mmap,
};

/* --- Devices ------------------------------------------------------------------- */

/* Called when the last user of the node is gone: the last file, or remove(). */
static void vjpeg_free(struct v4l2_device *v4l2)
{
	struct vjpeg_dev *dev = container_of(v4l2, struct vjpeg_dev, v4l2);

	v4l2_m2m_release(dev->m2m);
	v4l2_ctrl_handler_free(&dev->fault_ctrls);
	destroy_workqueue(dev->queue);
	v4l2_device_unregister(&dev->v4l2);
	vjpeg_media_fini(dev);
	put_device(dev->dev);
	kfree(dev);
}

static void vjpeg_init_node(struct vjpeg_dev *dev)
{
	struct video_device *vdev = &dev->vdev;

	strscpy(vdev->name, VJPEG_NAME, sizeof(vdev->name));
	vdev->fops = &file_ops;
	vdev->ioctl_ops = &vjpeg_ioctl_ops;
	vdev->release = video_device_release_empty;	/* part of vjpeg_dev: vjpeg_free() */
	vdev->lock = &dev->lock;
	vdev->v4l2_dev = &dev->v4l2;
	vdev->vfl_dir = VFL_DIR_M2M;
	vdev->device_caps = V4L2_CAP_STREAMING |
			    (dev->quirks->mplane ? V4L2_CAP_VIDEO_M2M_MPLANE : V4L2_CAP_VIDEO_M2M);
	video_set_drvdata(vdev, dev);
}

static int vjpeg_probe(struct platform_device *pdev)
{
	struct vjpeg_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return -ENOMEM;
	dev->quirks = &quirks;
	dev->dev = get_device(&pdev->dev);
	mutex_init(&dev->lock);
	init_waitqueue_head(&dev->wake);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (err)
		goto free_dev;
	dev->queue = alloc_ordered_workqueue("%s", 0, dev_name(&pdev->dev));
	err = -ENOMEM;
	if (!dev->queue)
		goto free_dev;
	err = vjpeg_fault_ctrls_init(dev);
	if (err)
		goto free_queue;
	dev->m2m = v4l2_m2m_init(&vjpeg_m2m_ops);
	err = PTR_ERR_OR_ZERO(dev->m2m);
	if (err)
		goto free_ctrls;
	err = v4l2_device_register(&pdev->dev, &dev->v4l2);
	if (err)
		goto free_m2m;
	vjpeg_media_init(dev);
	vjpeg_init_node(dev);
	err = video_register_device(&dev->vdev, VFL_TYPE_VIDEO, -1);
	if (err)
		goto unregister;
	vjpeg_media_register(dev);
	dev->v4l2.release = vjpeg_free;
	platform_set_drvdata(pdev, dev);
	v4l2_info(&dev->v4l2, "%s is /dev/video%d\n", VJPEG_NAME, dev->vdev.num);
	return 0;

unregister:
	v4l2_device_unregister(&dev->v4l2);
	vjpeg_media_fini(dev);
free_m2m:
	v4l2_m2m_release(dev->m2m);
free_ctrls:
	v4l2_ctrl_handler_free(&dev->fault_ctrls);
free_queue:
	destroy_workqueue(dev->queue);
free_dev:
	put_device(dev->dev);
	kfree(dev);
	return err;
}

/* Wakes files that wait in poll or DQBUF: no more buffers will complete. */
static void vjpeg_wake_files(struct vjpeg_dev *dev)
{
	unsigned long flags;
	struct v4l2_fh *fh;

	spin_lock_irqsave(&dev->vdev.fh_lock, flags);
	list_for_each_entry(fh, &dev->vdev.fh_list, list) {
		vb2_queue_error(v4l2_m2m_get_src_vq(fh->m2m_ctx));
		vb2_queue_error(v4l2_m2m_get_dst_vq(fh->m2m_ctx));
	}
	spin_unlock_irqrestore(&dev->vdev.fh_lock, flags);
}

static void vjpeg_remove(struct platform_device *pdev)
{
	struct vjpeg_dev *dev = platform_get_drvdata(pdev);

	v4l2_device_get(&dev->v4l2);
	vjpeg_media_unregister(dev);
	video_unregister_device(&dev->vdev);
	vjpeg_wake_files(dev);
	v4l2_device_disconnect(&dev->v4l2);
	v4l2_device_put(&dev->v4l2);
	v4l2_device_put(&dev->v4l2);
}

static struct platform_driver vjpeg_driver = {
	.probe = vjpeg_probe,
	.remove = vjpeg_remove,
	.driver = { .name = VJPEG_NAME },
};

static struct platform_device *devices[DEVICES_MAX];

static void vjpeg_remove_devices(void)
{
	for (unsigned int i = 0; i < DEVICES_MAX; i++)
		platform_device_unregister(devices[i]);	/* NULL is fine */
}

static int vjpeg_add_devices(void)
{
	for (unsigned int i = 0; i < n_devs; i++) {
		devices[i] = platform_device_register_simple(VJPEG_NAME, i, NULL, 0);
		if (IS_ERR(devices[i])) {
			int err = PTR_ERR(devices[i]);

			devices[i] = NULL;
			vjpeg_remove_devices();
			return err;
		}
	}
	return 0;
}

static int __init vjpeg_init(void)
{
	int err;

	n_devs = clamp(n_devs, 1u, (unsigned int)DEVICES_MAX);
	err = vjpeg_quirks_init(&quirks);
	if (err)
		return err;
	err = platform_driver_register(&vjpeg_driver);
	if (err)
		return err;
	err = vjpeg_add_devices();
	if (err)
		platform_driver_unregister(&vjpeg_driver);
	return err;
}

static void __exit vjpeg_exit(void)
{
	vjpeg_remove_devices();
	platform_driver_unregister(&vjpeg_driver);
}

module_init(vjpeg_init);
module_exit(vjpeg_exit);

MODULE_DESCRIPTION("Virtual V4L2 memory-to-memory JPEG encoder");
MODULE_AUTHOR("The glint authors");
MODULE_LICENSE("GPL");
