#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# heavy: *
# timeout: 600
#
# vjpeg takes the same kinds of memory as the hardware of its family.
# shellcheck disable=SC1091
. "$LAB/lib.sh"
. "$LAB/../kmod/lib.sh"

vjpeg_load memory=vmalloc
m2m_good -f YUYV -m mmap
m2m_good -f YUYV -m udmabuf
m2m_good -f YUYV -m heap
m2m_good -f YUYV -m "$DEVICE"
m2m_good -f NM12 -m udmabuf		# a buffer for each plane
vjpeg_unload

# Without an IOMMU the hardware cannot read scattered pages.
vjpeg_load memory=contig
m2m_good -f YUYV -m mmap
m2m_refused "VIDIOC_QBUF: Bad address" -f YUYV -m udmabuf
m2m_refused "VIDIOC_QBUF: Bad address" -f YUYV -m "$DEVICE"
vjpeg_unload

vjpeg_load family=s5p-jpeg
m2m_refused "VIDIOC_REQBUFS: Invalid argument" -f YUYV -m udmabuf
vjpeg_unload

# A sizeimage larger than the camera's frame makes imports fail on some boards.
vjpeg_load memory=vmalloc extra_size=65536
m2m_good -f YUYV -m udmabuf
m2m_refused "the dma-buf is too small: Invalid argument" -f YUYV -m "$DEVICE"
vjpeg_unload
