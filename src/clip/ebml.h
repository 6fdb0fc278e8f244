/* SPDX-License-Identifier: MIT */
/* The elements of Matroska (RFC 9559) that a clip has. Private to src/clip. */
#ifndef GLINT_CLIP_EBML_H
#define GLINT_CLIP_EBML_H

#define EBML_HEAD	  0x1a45dfa3u
#define EBML_VERSION	  0x4286u
#define EBML_READ_VERSION 0x42f7u
#define EBML_MAX_ID	  0x42f2u
#define EBML_MAX_SIZE	  0x42f3u
#define EBML_DOCTYPE	  0x4282u
#define EBML_DOC_VERSION  0x4287u
#define EBML_DOC_READ	  0x4285u
#define EBML_VOID	  0xecu

#define MKV_SEGMENT 0x18538067u

#define MKV_INFO	    0x1549a966u
#define MKV_TIMESTAMP_SCALE 0x2ad7b1u
#define MKV_DURATION	    0x4489u
#define MKV_DATE	    0x4461u
#define MKV_TITLE	    0x7ba9u
#define MKV_MUXER	    0x4d80u
#define MKV_WRITER	    0x5741u

#define MKV_TRACKS	     0x1654ae6bu
#define MKV_TRACK	     0xaeu
#define MKV_TRACK_NUMBER     0xd7u
#define MKV_TRACK_UID	     0x73c5u
#define MKV_TRACK_TYPE	     0x83u
#define MKV_TRACK_NAME	     0x536eu
#define MKV_TRACK_DEFAULT    0x88u
#define MKV_LACING	     0x9cu
#define MKV_LANGUAGE	     0x22b59cu
#define MKV_CODEC	     0x86u
#define MKV_DEFAULT_DURATION 0x23e383u
#define MKV_VIDEO	     0xe0u
#define MKV_WIDTH	     0xb0u
#define MKV_HEIGHT	     0xbau
#define MKV_INTERLACED	     0x9au
#define MKV_FOURCC	     0x2eb524u
#define MKV_COLOUR	     0x55b0u
#define MKV_MATRIX	     0x55b1u
#define MKV_RANGE	     0x55b9u

#define MKV_TAGS       0x1254c367u
#define MKV_TAG	       0x7373u
#define MKV_TARGETS    0x63c0u
#define MKV_SIMPLE_TAG 0x67c8u
#define MKV_TAG_NAME   0x45a3u
#define MKV_TAG_STRING 0x4487u

#define MKV_CLUSTER	   0x1f43b675u
#define MKV_TIMESTAMP	   0xe7u
#define MKV_SIMPLE_BLOCK   0xa3u
#define MKV_BLOCK_GROUP	   0xa0u
#define MKV_BLOCK	   0xa1u
#define MKV_BLOCK_DURATION 0x9bu
#define MKV_CUES	   0x1c53bb6bu

/* Bytes of a block's own head: track, relative time, flags. */
#define MKV_BLOCK_HEAD 4u
/* Bytes of the head of a SimpleBlock with a size of eight bytes. */
#define MKV_SIMPLE_BLOCK_HEAD (1u + 8u + MKV_BLOCK_HEAD)
/* Of a Cluster's. */
#define MKV_CLUSTER_HEAD (4u + 8u)

#define GLINT_CLIP_TAG "GLINT"

#endif
