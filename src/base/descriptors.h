/* SPDX-License-Identifier: MIT */
#ifndef GLINT_BASE_DESCRIPTORS_H
#define GLINT_BASE_DESCRIPTORS_H

/*
 * Open those of the descriptors 0 to 2 that are closed. Otherwise the next files that the program
 * opens get these numbers, and messages are written into these files. Call this before anything is
 * opened.
 */
void glint_descriptors_hold(void);
#endif
