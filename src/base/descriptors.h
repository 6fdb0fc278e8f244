/* SPDX-License-Identifier: MIT */
#ifndef GLINT_BASE_DESCRIPTORS_H
#define GLINT_BASE_DESCRIPTORS_H

/*
 * Opens those of descriptors 0 to 2 that are closed. Otherwise the next files that
 * the program opens get their numbers, and messages for people go into them. To be
 * called before anything is opened.
 */
void glint_descriptors_hold(void);
#endif
