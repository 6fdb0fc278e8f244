/* SPDX-License-Identifier: MIT */
/*
 * What systemd is told, and the listeners that it hands over. Without
 * CONFIG_SYSTEMD, or without systemd around, all of it does nothing.
 */
#ifndef GLINT_SYSTEMD_H
#define GLINT_SYSTEMD_H

#define GLINT_SYSTEMD_FDS_MAX 8

/* Puts the listening sockets that were passed in into @fds; returns how many. */
unsigned glint_systemd_listeners(int fds[GLINT_SYSTEMD_FDS_MAX]);

/* READY=1: the sockets answer. */
void glint_systemd_ready(void);

/* STATUS=@text, shown by systemctl status. */
void glint_systemd_status(const char *text);

/* STOPPING=1. */
void glint_systemd_stopping(void);
#endif
