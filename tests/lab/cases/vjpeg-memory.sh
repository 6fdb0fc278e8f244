#!/bin/bash
# SPDX-License-Identifier: MIT
# guests: uml
# loops: none
# timeout: 600
#
# Which memory vjpeg takes: as the hardware that it poses as.
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

# Without an IOMMU, pages from all over the place cannot be shown to the hardware.
vjpeg_load memory=contig
m2m_good -f YUYV -m mmap
m2m_refused "VIDIOC_QBUF: Bad address" -f YUYV -m udmabuf
m2m_refused "VIDIOC_QBUF: Bad address" -f YUYV -m "$DEVICE"
vjpeg_unload

vjpeg_load family=s5p-jpeg
m2m_refused "VIDIOC_REQBUFS: Invalid argument" -f YUYV -m udmabuf
vjpeg_unload

# A larger sizeimage than the camera's frame: what has made imports fail on boards.
vjpeg_load memory=vmalloc extra_size=65536
m2m_good -f YUYV -m udmabuf
m2m_refused "the dma-buf is too small: Invalid argument" -f YUYV -m "$DEVICE"
vjpeg_unload
