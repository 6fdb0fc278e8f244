/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PRODUCER "v4l2emu\n"

/* Reads the first line of the task's @file, or "" on error. */
static void read_line(pid_t pid, const char *task, const char *file, char *line, size_t size)
{
	char path[64];
	FILE *in;

	line[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/%s", (int)pid, task, file);
	in = fopen(path, "re");
	if (!in)
		return;
	if (!fgets(line, (int)size, in))
		line[0] = '\0';
	fclose(in);
}

static void add_task(pid_t pid, const char *task, struct process_use *use)
{
	char line[128];
	uint64_t cpu_ns = 0;

	read_line(pid, task, "comm", line, sizeof(line));
	if (strcmp(line, PRODUCER) == 0)
		return;
	read_line(pid, task, "schedstat", line, sizeof(line));
	if (sscanf(line, "%" SCNu64, &cpu_ns) != 1)
		return;
	use->cpu_ns += cpu_ns;
	use->threads++;
}

static void read_memory(pid_t pid, struct process_use *use)
{
	char path[32], line[128];
	uint64_t value;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	in = fopen(path, "re");
	if (!in)
		return;
	while (fgets(line, sizeof(line), in))
		if (sscanf(line, "RssAnon: %" SCNu64, &value) == 1 ||
		    sscanf(line, "RssFile: %" SCNu64, &value) == 1)
			use->rss_kib += value;
	fclose(in);
}

void process_look(pid_t pid, struct process_use *use)
{
	char path[32];
	const struct dirent *entry;
	DIR *tasks;

	*use = (struct process_use){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			add_task(pid, entry->d_name, use);
	closedir(tasks);
	read_memory(pid, use);
}
