/* SPDX-License-Identifier: MIT */
/* What a recording has, a part of it, or its frames as other files. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <glint/protocol.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "base/write.h"
#include "clip/clip.h"
#include "clip/names.h"
#include "clip/recover.h"
#include "clip/ring.h"
#include "clip.h"
#include "json.h"
#include "tool.h"

#define LIST_MAX 20u /* places with missing frames that are listed */

enum { KEY_FROM = 0x100, KEY_TO, KEY_MISSING, KEY_HTML };

static const struct argp_option options[] = {
	{ "output", 'o', "PATH", 0,
	  "cut: the new clip; export: a file that ends in .mkv, .mov, .y4m or .mcap, or a folder",
	  0 },
	{ "format", 'f', "NAME", 0,
	  "export into a folder: png, or raw (the default; JPEGs stay JPEGs)", 0 },
	{ "html", KEY_HTML, "FILE", 0, "show: write one HTML file, to look at frame by frame", 0 },
	{ "from", KEY_FROM, "N", 0, "First frame, counted from the trigger; may be negative", 0 },
	{ "to", KEY_TO, "N", 0, "Last frame", 0 },
	{ "json", 'j', NULL, 0, "info: print JSON", 0 },
	{ "missing", KEY_MISSING, NULL, 0, "info: print the sequence number of each missing frame",
	  0 },
	{ 0 },
};

static int64_t parse_number(struct argp_state *state, const char *option, const char *text)
{
	int64_t number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (!*text || *end || errno)
		argp_error(state, "--%s '%s' is not a number of a frame", option, text);
	return number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct clip_args *args = state->input;

	switch (key) {
	case 'o':
		args->out = arg;
		return 0;
	case KEY_FROM:
		args->from = parse_number(state, "from", arg);
		args->has_from = true;
		return 0;
	case KEY_TO:
		args->to = parse_number(state, "to", arg);
		args->has_to = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case KEY_HTML:
		args->html = arg;
		return 0;
	case 'f':
		if (strcmp(arg, "png") != 0 && strcmp(arg, "raw") != 0)
			argp_error(state, "--format '%s' is neither png nor raw", arg);
		args->format = arg;
		return 0;
	case KEY_MISSING:
		args->missing = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!args->verb)
			args->verb = arg;
		else if (!args->path)
			args->path = arg;
		else
			argp_error(state, "one clip, not '%s' as well", arg);
		return 0;
	case ARGP_KEY_END:
		if (!args->path)
			argp_error(state,
				   "info, show, cut, export or recover, and the file of a clip");
		if (!args->out &&
		    (strcmp(args->verb, "cut") == 0 || strcmp(args->verb, "export") == 0))
			argp_error(state, "%s needs --output", args->verb);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "info|show|cut|export|recover CLIP",
	.doc = "Works on the files of the flight recorder; needs no service. "
	       "info: what a clip has, and where frames are missing. "
	       "show: its time line and some of its frames in the terminal, or all of it as one HTML file. "
	       "cut: some of its frames as a clip of their own. "
	       "export: the frames for other programs: Matroska with FFV1, QuickTime, Y4M, MCAP, or a folder "
	       "of PNG, JPEG or raw files with an index. "
	       "recover: finish a clip whose service was killed."
	       "\v"
	       "Files that exist are never replaced. Exit status 3: info: frames are missing in the "
	       "clip, or it is incomplete; info, show, cut and export: the clip is damaged, and some of its frames cannot be read.",
};

/* --- Reading ------------------------------------------------------------------------------- */

int clip_next(struct clip *clip)
{
	int err = glint_clip_read_next(&clip->reader, &clip->frame);

	if (err < 0)
		return err;
	if (clip->frames++ > 0)
		clip->position += 1 + glint_clip_gap_count(&clip->frame.before);
	clip->number = (int64_t)clip->position - clip->origin.origin;
	return 0;
}

void clip_rewind(struct clip *clip)
{
	glint_clip_rewind(&clip->reader);
	clip->frames = clip->position = 0;
}

int clip_open(struct clip *clip, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), err;
	uint64_t stream = 0, position = 0, damaged_behind = 0;
	const struct glint_clip_head *head;
	struct glint_clip_gap between;

	*clip = (struct clip){ .shortest_ns = UINT64_MAX };
	if (fd < 0)
		return -errno;
	err = glint_clip_read_head(&clip->reader, fd);
	if (err < 0) {
		close(fd);
		return err;
	}
	head = &clip->reader.head;
	while ((err = clip_next(clip)) == 0) {
		uint64_t ns = clip->frame.capture_ns;

		if (clip->reader.damaged && !clip->damaged) {
			clip->damaged = true;
			clip->damaged_first = clip->frames == 1;
			damaged_behind = position;
		}
		position = clip->position;

		if (clip->frames == 1) {
			clip->first_ns = ns;
		} else if (ns > clip->last_ns) {
			clip->longest_ns = MAX(clip->longest_ns, ns - clip->last_ns);
			clip->shortest_ns = MIN(clip->shortest_ns, ns - clip->last_ns);
		}
		if (clip->frames > 1)
			glint_clip_gap_add(&clip->gaps, &clip->frame.before);
		clip->last_ns = ns;
		clip->restarts |= clip->frames > 1 && clip->frame.stream != stream;
		stream = clip->frame.stream;
		glint_clip_origin_look(&clip->origin, &clip->reader, &clip->frame, clip->position);
	}
	if (err != -ENODATA) {
		close(fd);
		return err;
	}
	clip->total = clip->frames;
	if (!clip->damaged &&
	    (clip->reader.damaged || (head->finished && clip->total < head->frames))) {
		clip->damaged = true;
		clip->damaged_first = clip->total == 0;
		damaged_behind = position;
	}
	clip->damaged_behind = (int64_t)damaged_behind - clip->origin.origin;
	clip->last = (int64_t)position - clip->origin.origin;
	/* Those behind the last frame are in the head only, which does not know of damage. */
	between = clip->gaps;
	between.lost -= (uint32_t)MIN(clip->reader.passed, (uint64_t)between.lost);
	if (head->finished && clip->total + clip->reader.passed == head->frames)
		clip->tail = glint_clip_gap_minus(&head->gaps, &between);
	/* Frames that cannot be read are lost. */
	if (head->finished && clip->total <= head->frames) {
		clip->gaps = head->gaps;
		clip->gaps.lost += (uint32_t)MIN(head->frames - clip->total,
						 (uint64_t)(UINT32_MAX - clip->gaps.lost));
	}
	return 0;
}

void clip_close(struct clip *clip)
{
	close(clip->reader.fd);
}

int clip_fail(const char *path, int err)
{
	if (err != -EBADMSG)
		return tool_fail_read(path, err);
	fprintf(stderr, "glint: '%s' is no clip of glint, or its head is damaged\n", path);
	return GLINT_EXIT_USAGE;
}

uint8_t *clip_read(const struct clip *clip, size_t head, size_t size, int *err)
{
	uint8_t *block = malloc(size);
	size_t done = 0;

	*err = block ? 0 : -ENOMEM;
	while (*err == 0 && done < clip->frame.size) {
		ssize_t n = pread(clip->reader.fd, block + head + done, clip->frame.size - done,
				  (off_t)(clip->reader.offset + done));

		if (n == 0 || (n < 0 && errno != EINTR))
			*err = n == 0 ? -EIO : -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (*err == 0)
		return block;
	free(block);
	return NULL;
}

static bool is_wanted(const struct clip_args *args, const struct clip *clip)
{
	return (!args->has_from || clip->number >= args->from) &&
	       (!args->has_to || clip->number <= args->to);
}

bool clip_next_wanted(struct clip *clip, const struct clip_args *args, int *err)
{
	int next = clip_next(clip);

	while (next == 0 && !is_wanted(args, clip))
		next = clip_next(clip);
	if (next < 0 && next != -ENODATA)
		*err = next;
	return next == 0;
}

/* Where the first damage is, behind "the clip is ". */
static void put_damage(FILE *out, const struct clip *clip)
{
	if (clip->damaged_first)
		fprintf(out, "damaged before its first frame\n");
	else
		fprintf(out, "damaged behind frame %+" PRId64 "\n", clip->damaged_behind);
}

int clip_end_code(const struct clip *clip, const char *path)
{
	const struct glint_clip_head *head = &clip->reader.head;

	if (!clip->damaged)
		return GLINT_EXIT_OK;
	fprintf(stderr, "glint: '%s' has %" PRIu64, path, clip->total);
	if (head->finished && clip->total <= head->frames)
		fprintf(stderr, " of %" PRIu64, head->frames);
	fprintf(stderr, " frames: the clip is %s", head->finished ? "" : "not finished, or ");
	put_damage(stderr, clip);
	return GLINT_EXIT_NO_VIDEO;
}

/* --- info ----------------------------------------------------------------------------------- */

/* Whether the disk failed before the recording had all of its frames. */
static bool is_incomplete(const struct glint_clip_head *head)
{
	return strcmp(head->ended, "disk-error") == 0;
}

static void put_json(const struct clip *clip)
{
	const struct glint_clip_head *head = &clip->reader.head;
	char fourcc[5];

	printf("{\"name\": \"%s\", \"device\": ", head->name);
	tool_json_put_string(stdout, head->device);
	printf(", \"fourcc\": ");
	tool_json_put_string(stdout, glint_fourcc_text(head->fourcc, fourcc));
	printf(", \"width\": %" PRIu32 ", \"height\": %" PRIu32 ", \"finished\": %s, \"trigger\": ",
	       head->width, head->height, head->finished ? "true" : "false");
	tool_json_put_string(stdout, head->trigger);
	printf(", \"trigger_seq\": %" PRIu32 ", \"trigger_stream\": %" PRIu64 ", \"ended\": ",
	       head->trigger_seq, head->trigger_stream);
	tool_json_put_string(stdout, head->ended);
	printf(", \"frames\": %" PRIu64 ", \"duration_ns\": %" PRIu64 ", \"shortest_ns\": %" PRIu64
	       ", \"longest_ns\": %" PRIu64 ", \"dropped\": %" PRIu32 ", \"corrupt\": %" PRIu32
	       ", \"lost\": %" PRIu32 ", \"skipped\": %" PRIu32 ", \"first\": %" PRId64
	       ", \"trigger_in_clip\": %s, \"frames_promised\": %" PRIu64 ", \"damaged\": %s"
	       ", \"incomplete\": %s}\n",
	       clip->frames, clip->last_ns - clip->first_ns,
	       clip->longest_ns > 0 ? clip->shortest_ns : 0, clip->longest_ns, clip->gaps.dropped,
	       clip->gaps.corrupt, clip->gaps.lost, clip->gaps.skipped, -clip->origin.origin,
	       clip->origin.trigger ? "true" : "false",
	       head->finished ? head->frames : clip->frames, clip->damaged ? "true" : "false",
	       is_incomplete(head) ? "true" : "false");
}

/* Each place where frames are missing. */
static void put_gaps(struct clip *clip)
{
	unsigned n = 0;

	clip_rewind(clip);
	while (clip_next(clip) == 0) {
		const struct glint_clip_gap *gap = &clip->frame.before;

		if (clip->frames == 1 || glint_clip_gap_count(gap) == 0)
			continue;
		if (++n > LIST_MAX) {
			printf("  ... and further ones\n");
			return;
		}
		printf("  before frame %+" PRId64 " (sequence %" PRIu32 " of stream %" PRIu64
		       "): %" PRIu32 " dropped, %" PRIu32 " corrupt, %" PRIu32 " lost, %" PRIu32
		       " skipped\n",
		       clip->number, clip->frame.seq, clip->frame.stream, gap->dropped,
		       gap->corrupt, gap->lost, gap->skipped);
	}
}

/* Print @n numbers from @seq on, and the stream if that is not the same for all frames. */
static void put_numbers(const struct clip *clip, uint64_t stream, uint32_t seq, uint64_t n)
{
	for (; n > 0; n--, seq++)
		if (clip->restarts)
			printf("%" PRIu32 "\t%" PRIu64 "\n", seq, stream);
		else
			printf("%" PRIu32 "\n", seq);
}

/* One number a line; those behind the last frame, too. */
static void put_missing(struct clip *clip)
{
	uint64_t between = 0, all = glint_clip_gap_count(&clip->gaps), stream = 0;
	uint32_t seq = 0;

	clip_rewind(clip);
	while (clip_next(clip) == 0) {
		uint64_t gap = clip->frames > 1 ? glint_clip_gap_count(&clip->frame.before) : 0;
		uint64_t own = gap; /* of the frame's stream */

		/* A stream counts from 0: what it has no numbers for was the end of the one before. */
		if (clip->frames > 1 && clip->frame.stream != stream)
			own = MIN(gap, (uint64_t)clip->frame.seq);
		put_numbers(clip, stream, seq + 1, gap - own);
		put_numbers(clip, clip->frame.stream, (uint32_t)(clip->frame.seq - own), own);
		between += gap;
		seq = clip->frame.seq;
		stream = clip->frame.stream;
	}
	put_numbers(clip, stream, seq + 1, all > between ? all - between : 0);
}

static int clip_info(const struct clip_args *args)
{
	const struct glint_clip_head *head;
	struct clip clip;
	char fourcc[5];
	int err = clip_open(&clip, args->path);

	if (err < 0)
		return clip_fail(args->path, err);
	head = &clip.reader.head;
	if (args->missing) {
		put_missing(&clip);
	} else if (args->json) {
		put_json(&clip);
	} else {
		printf("%s: %" PRIu64 " frames of %" PRIu32 "x%" PRIu32 " %s, %.3f s\n", head->name,
		       clip.frames, head->width, head->height,
		       glint_fourcc_text(head->fourcc, fourcc),
		       (double)(clip.last_ns - clip.first_ns) / 1e9);
		printf("trigger: %s, at sequence %" PRIu32, head->trigger, head->trigger_seq);
		if (head->trigger_stream > 0)
			printf(" of stream %" PRIu64, head->trigger_stream);
		if (clip.origin.trigger)
			printf(", frame %" PRIu64 " of the clip, counted from 0\n",
			       clip.origin.frames);
		else
			printf(", which is not in the clip\n");
		if (head->finished)
			printf("ended: %s%s\n", head->ended,
			       is_incomplete(head) ?
				       "; incomplete: frames are missing behind the last "
				       "one, how many is not in the file" :
				       "");
		if (clip.longest_ns > 0)
			printf("intervals: %.3f to %.3f ms\n", (double)clip.shortest_ns / 1e6,
			       (double)clip.longest_ns / 1e6);
		printf("missing: %" PRIu32 " dropped, %" PRIu32 " corrupt, %" PRIu32
		       " lost, %" PRIu32 " skipped\n",
		       clip.gaps.dropped, clip.gaps.corrupt, clip.gaps.lost, clip.gaps.skipped);
		put_gaps(&clip);
		if (!head->finished)
			printf("not finished: glint clip recover '%s'\n", args->path);
		else if (clip.damaged)
			printf(clip.total <= head->frames ?
				       "%" PRIu64 " of %" PRIu64 " frames can be read: " :
				       "%" PRIu64 " frames can be read, %" PRIu64 " are counted: ",
			       clip.total, head->frames);
		if (head->finished && clip.damaged)
			put_damage(stdout, &clip);
	}
	clip_close(&clip);
	return glint_clip_gap_count(&clip.gaps) > 0 || clip.damaged || is_incomplete(head) ?
		       GLINT_EXIT_NO_VIDEO :
		       GLINT_EXIT_OK;
}

/* --- cut --------------------------------------------------------------------------------------- */

/* The path of the index: another end than that of @path. */
static char *index_path(const char *path)
{
	size_t len = strlen(path);
	char *index = NULL;

	if (len > 4 && strcmp(path + len - 4, ".mkv") == 0)
		len -= 4;
	return asprintf(&index, "%.*s.jsonl", (int)len, path) < 0 ? NULL : index;
}

/* The name of a clip from the path of its file. */
static void name_of(const char *path, char name[static GLINT_CLIP_NAME_MAX + 1])
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	snprintf(name, GLINT_CLIP_NAME_MAX + 1, "%.*s", (int)strcspn(base, "."), base);
	if (!glint_clip_name_valid(name))
		snprintf(name, GLINT_CLIP_NAME_MAX + 1, "cut");
}

/* *@first gets the number of the first frame. */
static int cut_frames(const struct clip_args *args, struct clip *clip, int fd, uint64_t *n,
		      int64_t *first)
{
	uint8_t page[GLINT_CLIP_PAGE], *pages;
	struct clip_progress progress;
	int err = 0;

	memset(page, 0, sizeof(page));
	err = glint_write_all(fd, page, sizeof(page));
	clip_progress_begin(&progress, args->out, clip->total);
	clip_rewind(clip);
	while (err == 0 && clip_next_wanted(clip, args, &err)) {
		size_t size = glint_clip_frame_bytes(clip->frame.size);

		pages = clip_read(clip, GLINT_CLIP_PAGE, size, &err);
		if (!pages)
			break;
		if ((*n)++ == 0) {
			*first = clip->number;
			/* What is missing before it is no part of the cut. */
			clip->frame.before = (struct glint_clip_gap){ 0 };
		}
		glint_clip_write_frame(&clip->frame, clip->reader.head.frame_ns, pages);
		err = glint_write_all(fd, pages, size);
		free(pages);
		clip_progress_step(&progress, clip->frames);
		if (err == 0)
			err = clip_interrupted();
	}
	clip_progress_end(&progress);
	return err;
}

/* What is missing behind the clip's last frame, as far as --to asks for it. */
static struct glint_clip_gap wanted_tail(const struct clip_args *args, const struct clip *clip)
{
	uint64_t room = !args->has_to	      ? UINT64_MAX :
			args->to > clip->last ? (uint64_t)args->to - (uint64_t)clip->last :
						0;
	struct glint_clip_gap tail = clip->tail;
	uint32_t *counts[] = { &tail.dropped, &tail.corrupt, &tail.lost, &tail.skipped };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		*counts[i] = (uint32_t)MIN((uint64_t)*counts[i], room);
		room -= *counts[i];
	}
	return tail;
}

/* Finish @fd, whose frames are written: index and head. */
static int cut_finish(const struct clip_args *args, const struct clip *clip, int64_t first, int fd,
		      int index_fd)
{
	struct glint_clip_gap tail = wanted_tail(args, clip);
	struct glint_clip_reader reader;
	struct glint_clip_head head = clip->reader.head;
	uint8_t page[GLINT_CLIP_PAGE];
	int err;

	name_of(args->out, head.name);
	head.finished = false;
	head.has_first = true;
	head.first = first;
	glint_clip_write_head(&head, page);
	if (pwrite(fd, page, sizeof(page), 0) != (ssize_t)sizeof(page))
		return -EIO;
	err = glint_clip_read_head(&reader, fd);
	if (err == 0)
		err = glint_clip_index(&reader, index_fd, &tail, &head);
	if (err < 0)
		return err;
	head.finished = true;
	snprintf(head.ended, sizeof(head.ended), "cut");
	glint_clip_write_head(&head, page);
	return pwrite(fd, page, sizeof(page), 0) == (ssize_t)sizeof(page) ? 0 : -EIO;
}

/* A file of the cut; it has its name when all of it is written. */
struct cut_file {
	char *path, *part;
	int fd;
};

static int cut_file_begin(struct cut_file *file, char *path)
{
	char *part = NULL;

	if (path && asprintf(&part, "%s.part", path) < 0)
		part = NULL;
	*file = (struct cut_file){ .path = path, .part = part, .fd = -1 };
	if (!part)
		return -ENOMEM;
	if (access(path, F_OK) == 0)
		return -EEXIST;
	file->fd = open(file->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return file->fd < 0 ? -errno : 0;
}

static int cut_file_rename(const struct cut_file *file)
{
	return glint_clip_rename(AT_FDCWD, file->part, file->path);
}

/* With @err < 0 nothing is left. */
static void cut_file_end(struct cut_file *file, int err)
{
	if (file->fd >= 0 && err < 0)
		unlink(file->part);
	glint_close(&file->fd);
	free(file->part);
	free(file->path);
}

static int clip_cut(const struct clip_args *args)
{
	struct cut_file cut, index = { .fd = -1 };
	struct clip clip;
	uint64_t n = 0;
	int64_t first = 0;
	int code, err = clip_open(&clip, args->path);

	if (err < 0)
		return clip_fail(args->path, err);
	clip_catch_interrupts();
	err = cut_file_begin(&cut, strdup(args->out));
	if (err == 0)
		err = cut_file_begin(&index, index_path(args->out));
	if (err == 0)
		err = cut_frames(args, &clip, cut.fd, &n, &first);
	if (err == 0)
		err = cut_finish(args, &clip, first, cut.fd, index.fd);
	if (err == 0)
		err = glint_clip_sync(cut.fd);
	if (err == 0)
		err = glint_clip_sync(index.fd);
	if (err == 0)
		err = clip_interrupted();
	if (err == 0)
		err = cut_file_rename(&index);
	if (err == 0) {
		err = cut_file_rename(&cut);
		if (err < 0)
			unlink(index.path);
	}
	cut_file_end(&index, err);
	cut_file_end(&cut, err);
	if (err == 0)
		err = glint_clip_sync_names_beside(args->out);
	code = err == 0 ? clip_end_code(&clip, args->path) : GLINT_EXIT_USAGE;
	clip_close(&clip);
	clip_die_of_interrupt();
	if (err == -ENODATA) {
		fprintf(stderr, "glint: '%s' has no such frames\n", args->path);
		return GLINT_EXIT_USAGE;
	}
	if (err < 0)
		return tool_fail_file(args->out, err);
	printf("%s\t%" PRIu64 " frames\n", args->out, n);
	return code;
}

/* --- recover ------------------------------------------------------------------------------------ */

/* The name of ".NAME.mkv.part" or "NAME.mkv". */
static void part_name(const char *base, char name[static GLINT_CLIP_NAME_MAX + 1])
{
	const char *end = strstr(base, ".mkv");

	base += *base == '.';
	snprintf(name, GLINT_CLIP_NAME_MAX + 1, "%.*s", end && end > base ? (int)(end - base) : 0,
		 base);
}

/* Whether a service records into the folder. While *@lock is open, none can begin to. */
static bool is_in_use(int dir, int *lock)
{
	*lock = openat(dir, GLINT_CLIP_LOCK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return *lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int clip_recover(const struct clip_args *args)
{
	const char *slash = strrchr(args->path, '/'), *base = slash ? slash + 1 : args->path;
	bool is_ring = strcmp(base, GLINT_CLIP_RING) == 0 ||
		       strcmp(base, GLINT_CLIP_RING_LEFT) == 0;
	struct glint_clip_recovered recovered = { 0 };
	char name[GLINT_CLIP_NAME_MAX + 1] = "ring", *folder;
	unsigned clips = 1;
	int dir, lock = -1, err = -EBUSY;

	if (!is_ring)
		part_name(base, name);
	if (!glint_clip_name_valid(name)) {
		fprintf(stderr, "glint: '%s' is not the name of a clip, such as .NAME.mkv.part\n",
			args->path);
		return GLINT_EXIT_USAGE;
	}
	folder = slash ? strndup(args->path, (size_t)(slash - args->path) + 1) : strdup(".");
	dir = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		err = -errno;
	else if (strcmp(base, GLINT_CLIP_RING_LEFT) == 0 || (is_ring && !is_in_use(dir, &lock)))
		err = glint_clip_recover_ring(dir, base, name, &recovered, &clips);
	else if (!is_ring && (!glint_clip_is_part(base) || !is_in_use(dir, &lock)))
		err = glint_clip_recover(dir, base, name, &recovered);
	glint_close(&lock);
	glint_close(&dir);
	free(folder);
	if (err == -EBUSY) {
		fprintf(stderr,
			"glint: '%s' is in the folder of a service that runs, and may be "
			"under way; stop the service first\n",
			args->path);
		return GLINT_EXIT_USAGE;
	}
	if (err == -EALREADY)
		fprintf(stderr, "glint: '%s' is complete; nothing to recover\n", args->path);
	else if (err == -EBADMSG || recovered.headless)
		fprintf(stderr, "glint: '%s' is no %s of glint, or its head is damaged\n",
			args->path, is_ring ? "ring" : "clip");
	else if (err < 0)
		return tool_fail_read(args->path, err);
	else if (recovered.frames == 0)
		fprintf(stderr, "glint: '%s' %s\n", args->path,
			recovered.more ? "begins with damage; export reads the frames behind it" :
					 "has no whole frame");
	if (err < 0 || recovered.frames == 0)
		return GLINT_EXIT_USAGE;
	printf("%s.mkv\t%" PRIu64 " frames\n", recovered.name, recovered.frames);
	if (clips > 1)
		printf("%u clips: the format has changed\n", clips);
	if (recovered.more) {
		fprintf(stderr, "glint: behind these frames the file is damaged; frames behind the "
				"damage are still in it, and may not be whole\n");
		return GLINT_EXIT_NO_VIDEO;
	}
	return GLINT_EXIT_OK;
}

int tool_clip(int argc, char **argv, struct tool_service *service)
{
	static const struct {
		const char *name;
		int (*run)(const struct clip_args *args);
	} verbs[] = {
		{ "info", clip_info },	   { "show", clip_show },	{ "cut", clip_cut },
		{ "export", clip_export }, { "recover", clip_recover },
	};
	struct clip_args args = { 0 };

	(void)service;
	tool_parse(&argp, argc, argv, &args);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(args.verb, verbs[i].name) == 0)
			return verbs[i].run(&args);
	fprintf(stderr, "glint: clip: there is no '%s'; info, show, cut, export or recover\n",
		args.verb);
	return GLINT_EXIT_USAGE;
}
