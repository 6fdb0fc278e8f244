/* SPDX-License-Identifier: MIT */
/*
 * Looks at a clip: its time line and a contact sheet in the terminal, or one HTML file with its frames
 * for a browser, in which the keyboard moves from frame to frame.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <glint/protocol.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "clip.h"
#include "pixels/write.h"
#include "tool.h"

#define COLUMNS_DEFAULT 80u
#define SHEET_FRAMES	8u    /* of the contact sheet */
#define CELL_WIDTH	18u   /* columns of a frame in it */
#define HTML_FRAMES_MAX 2000u /* in one file; of longer clips, some are left out */
#define HTML_SIDE_MAX	960u
#define HTML_QUALITY	80u

/* --- The time line ------------------------------------------------------------------------- */

/* What falls into one column. */
struct column {
	uint64_t frames, missing, longest_ns;
	bool trigger;
};

static size_t column_of(const struct clip *clip, uint64_t ns, size_t n)
{
	uint64_t span = clip->last_ns - clip->first_ns;
	double part =
		span > 0 && ns > clip->first_ns ? (double)(ns - clip->first_ns) / (double)span : 0;

	return MIN((size_t)(part * (double)n), n - 1);
}

/* *@wanted counts the frames. */
static int collect(struct clip *clip, const struct clip_args *args, struct column *columns,
		   size_t n, uint64_t *wanted)
{
	uint64_t before_ns = 0;
	int err = 0;

	*wanted = 0;
	clip_rewind(clip);
	while (clip_next_wanted(clip, args, &err)) {
		struct column *column = &columns[column_of(clip, clip->frame.capture_ns, n)];
		uint64_t ns = clip->frame.capture_ns;

		column->frames++;
		(*wanted)++;
		if (before_ns > 0) {
			column->missing += glint_clip_gap_count(&clip->frame.before);
			if (ns > before_ns)
				column->longest_ns = MAX(column->longest_ns, ns - before_ns);
		}
		column->trigger |= clip->number == 0;
		before_ns = ns;
	}
	return err;
}

/* Bars of the longest interval in each column; below them gaps, and the trigger. */
static void put_time_line(const struct clip *clip, const struct column *columns, size_t n,
			  bool colours)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	uint64_t most = 1;

	for (size_t i = 0; i < n; i++)
		most = MAX(most, columns[i].longest_ns);
	printf("intervals, up to %.3f ms\n", (double)clip->longest_ns / 1e6);
	for (size_t i = 0; i < n; i++) {
		unsigned level = columns[i].frames == 0 ?
					 0 :
					 1 + (unsigned)(7 * columns[i].longest_ns / most);

		if (colours && columns[i].missing > 0)
			printf("\033[31m%s\033[0m", bars[level]);
		else
			fputs(bars[level], stdout);
	}
	putchar('\n');
	for (size_t i = 0; i < n; i++)
		fputs(columns[i].trigger     ? (colours ? "\033[32m▲\033[0m" : "▲") :
		      columns[i].missing > 0 ? (colours ? "\033[31m✗\033[0m" : "✗") :
					       "·",
		      stdout);
	printf("\n▲ trigger (frame 0)   ✗ frames are missing\n");
}

/* --- Pictures ---------------------------------------------------------------------------------- */

/* RGB of the present frame, reduced by squares to at most @side pixels a side; the caller frees it. */
static uint8_t *read_rgb(const struct clip *clip, uint32_t side, uint32_t *width, uint32_t *height,
			 int *err)
{
	const struct glint_clip_head *head = &clip->reader.head;
	uint8_t *bytes = clip_read(clip, 0, clip->frame.size, err), *rgb = NULL;
	struct glint_pixels_wish wish = { .kind = GLINT_PIXELS_RGB24, .scale = 1 };
	struct clip_pixels pixels;

	if (*err == 0)
		*err = clip_pixels(&pixels, head, bytes, clip->frame.size);
	if (*err < 0)
		goto out;
	wish.region.width = head->width;
	wish.region.height = head->height;
	while (wish.scale < 8 && MAX(head->width, head->height) / wish.scale > side)
		wish.scale *= 2;
	*width = glint_pixels_width(&wish);
	*height = glint_pixels_height(&wish);
	rgb = malloc((size_t)*width * *height * 3);
	*err = rgb ? glint_pixels_read(&pixels.source, &wish, 0, *height, rgb, (size_t)*width * 3) :
		     -ENOMEM;
	if (*err < 0) {
		free(rgb);
		rgb = NULL;
	}
out:
	free(bytes);
	return rgb;
}

/* The mean colour of one part of a picture. */
static void mean(const uint8_t *rgb, uint32_t width, uint32_t height, uint32_t x0, uint32_t y0,
		 uint32_t x1, uint32_t y1, unsigned out[3])
{
	uint64_t sums[3] = { 0 }, n = 0;

	x1 = MIN(MAX(x1, x0 + 1), width);
	y1 = MIN(MAX(y1, y0 + 1), height);
	for (uint32_t y = y0; y < y1; y++)
		for (uint32_t x = x0; x < x1; x++, n++)
			for (unsigned c = 0; c < 3; c++)
				sums[c] += rgb[3 * ((size_t)y * width + x) + c];
	for (unsigned c = 0; c < 3; c++)
		out[c] = n > 0 ? (unsigned)(sums[c] / n) : 0;
}

/* A picture in cells of CELL_WIDTH columns; each character shows two pixels, one above the other. */
struct cell {
	uint8_t rgb[2 * CELL_WIDTH][CELL_WIDTH][3]; /* rows of pixels */
	unsigned rows;				    /* of characters */
	char label[CELL_WIDTH + 1];
};

static int read_cell(const struct clip *clip, struct cell *cell)
{
	uint32_t width, height;
	unsigned mean_rgb[3];
	int err;
	uint8_t *rgb = read_rgb(clip, 256, &width, &height, &err);

	if (!rgb)
		return err;
	cell->rows = MAX(1u, MIN(CELL_WIDTH, CELL_WIDTH * height / width / 2));
	for (unsigned y = 0; y < 2 * cell->rows; y++)
		for (unsigned x = 0; x < CELL_WIDTH; x++) {
			mean(rgb, width, height, x * width / CELL_WIDTH,
			     y * height / (2 * cell->rows), (x + 1) * width / CELL_WIDTH,
			     (y + 1) * height / (2 * cell->rows), mean_rgb);
			for (unsigned c = 0; c < 3; c++)
				cell->rgb[y][x][c] = (uint8_t)mean_rgb[c];
		}
	snprintf(cell->label, sizeof(cell->label), "%+" PRId64, clip->number);
	free(rgb);
	return 0;
}

static void put_cells(const struct cell *cells, unsigned n, bool colours)
{
	static const char shades[] = " .:-=+*#%@";

	for (unsigned y = 0; y < cells[0].rows; y++) {
		for (unsigned i = 0; i < n; i++) {
			for (unsigned x = 0; x < CELL_WIDTH; x++) {
				const uint8_t *a = cells[i].rgb[2 * y][x];
				const uint8_t *b = cells[i].rgb[2 * y + 1][x];
				unsigned grey =
					(a[0] + 2u * a[1] + a[2] + b[0] + 2u * b[1] + b[2]) / 8;

				if (colours)
					printf("\033[38;2;%u;%u;%um\033[48;2;%u;%u;%um▀", a[0],
					       a[1], a[2], b[0], b[1], b[2]);
				else
					putchar(shades[grey * 9 / 255]);
			}
			fputs(colours ? "\033[0m " : " ", stdout);
		}
		putchar('\n');
	}
	for (unsigned i = 0; i < n; i++)
		printf("%-*s ", (int)CELL_WIDTH, cells[i].label);
	putchar('\n');
}

/* Some frames at equal distances, the trigger's among them. */
/* @wanted: how many frames --from and --to ask for. */
static int put_sheet(struct clip *clip, const struct clip_args *args, uint64_t wanted,
		     unsigned columns, bool colours)
{
	unsigned in_row = MAX(1u, columns / (CELL_WIDTH + 1)), n = 0;
	uint64_t seen = 0, next = 0;
	struct cell cells[SHEET_FRAMES];
	int err = 0;

	clip_rewind(clip);
	while (err == 0 && n < SHEET_FRAMES && clip_next_wanted(clip, args, &err)) {
		if (seen++ < next && clip->number != 0)
			continue;
		err = read_cell(clip, &cells[n]);
		n += err == 0;
		next = MAX(next, n * (wanted - 1) / (SHEET_FRAMES - 1));
	}
	for (unsigned i = 0; i < n; i += in_row)
		put_cells(&cells[i], MIN(in_row, n - i), colours);
	return err;
}

/* --- HTML ----------------------------------------------------------------------------------------- */

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>%s</title>\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
	"body{margin:0;background:#16181d;color:#dfe3ea;font:15px/1.4 system-ui,sans-serif;"
	"display:flex;flex-direction:column;height:100vh}\n"
	"header,footer{padding:.5em 1em}h1{font-size:1.1em;margin:0}\n"
	"main{flex:1;min-height:0;display:flex;justify-content:center;align-items:center}\n"
	"img{max-width:100%%;max-height:100%%;object-fit:contain;image-rendering:auto}\n"
	"canvas{width:100%%;height:64px;display:block;cursor:pointer;background:#0d0f12}\n"
	"#facts{font-family:ui-monospace,monospace;white-space:pre-wrap}.bad{color:#ff7b72}\n"
	"kbd{border:1px solid #555;border-radius:3px;padding:0 .3em}small{color:#9aa3b2}\n"
	"</style></head><body>\n<header><h1>%s</h1><div id=\"facts\" aria-live=\"polite\"></div></header>\n"
	"<main><img id=\"picture\" alt=\"\"></main>\n"
	"<canvas id=\"line\" tabindex=\"0\" role=\"slider\" aria-label=\"frame\"></canvas>\n"
	"<footer><small><kbd>&larr;</kbd> <kbd>&rarr;</kbd> frame, with <kbd>Shift</kbd> ten; "
	"<kbd>Home</kbd> <kbd>End</kbd>; <kbd>0</kbd> trigger; <kbd>g</kbd> next gap; "
	"<kbd>Space</kbd> plays. %s</small></footer>\n<script>\n\"use strict\";\nconst frames=[\n";

static const char page_tail[] =
	"];\nconst $=id=>document.getElementById(id),line=$('line'),first=frames[0].ns,"
	"span=Math.max(1,frames[frames.length-1].ns-first);\nlet at=0,timer=0;\n"
	"function place(f){return (f.ns-first)/span}\n"
	"function draw(){const w=line.width=line.clientWidth*devicePixelRatio,h=line.height="
	"line.clientHeight*devicePixelRatio,c=line.getContext('2d');let most=1;\n"
	"for(let i=1;i<frames.length;i++)most=Math.max(most,frames[i].ns-frames[i-1].ns);\n"
	"for(let i=1;i<frames.length;i++){const f=frames[i],x=place(f)*(w-2),l=(f.ns-frames[i-1].ns)/most;"
	"c.fillStyle=f.gap?'#ff7b72':'#4c8dff';c.fillRect(x,h-l*h*.8,Math.max(1,w/frames.length/2),l*h*.8)}\n"
	"for(const f of frames)if(f.n===0){c.fillStyle='#3fb950';c.fillRect(place(f)*(w-2),0,3,h)}\n"
	"c.fillStyle='#fff';c.fillRect(place(frames[at])*(w-2),0,2,h)}\n"
	"function show(i){at=Math.max(0,Math.min(frames.length-1,i));const f=frames[at];"
	"$('picture').src='data:image/jpeg;base64,'+f.jpeg;$('picture').alt='frame '+f.n;\n"
	"const d=at?(f.ns-frames[at-1].ns)/1e6:0;$('facts').innerHTML=`frame ${f.n>0?'+':''}${f.n}"
	"  sequence ${f.seq} of stream ${f.stream}  ${((f.ns-zero)/1e6).toFixed(3)} ms from the trigger  +${d.toFixed(3)} ms"
	"${f.gap?`  <span class=\"bad\">${f.gap} missing before it</span>`:''}`;\n"
	"line.setAttribute('aria-valuenow',f.n);draw()}\n"
	"function play(){if(timer){clearTimeout(timer);timer=0;return}"
	"const step=()=>{if(at+1>=frames.length){timer=0;return}"
	"const wait=(frames[at+1].ns-frames[at].ns)/1e6;show(at+1);timer=setTimeout(step,Math.min(wait,2000))};step()}\n"
	"const zero=(frames.find(f=>f.n>=0)||frames[0]).ns;\n"
	"document.addEventListener('keydown',e=>{const by=e.shiftKey?10:1;let to=null;switch(e.key){"
	"case'ArrowRight':to=at+by;break;case'ArrowLeft':to=at-by;break;case'PageDown':to=at+100;break;"
	"case'PageUp':to=at-100;break;case'Home':to=0;break;case'End':to=frames.length-1;break;"
	"case'0':to=frames.findIndex(f=>f.n>=0);break;"
	"case'g':to=frames.findIndex((f,i)=>i>at&&f.gap);if(to<0)to=frames.findIndex(f=>f.gap);break;"
	"case' ':play();e.preventDefault();return;default:return}"
	"e.preventDefault();if(to!==null&&to>=0||to<0&&e.key.startsWith('A')||e.key==='PageUp')show(to)});\n"
	"function scrub(e){const r=line.getBoundingClientRect(),t=first+(e.clientX-r.left)/r.width*span;let best=0;"
	"frames.forEach((f,i)=>{if(Math.abs(f.ns-t)<Math.abs(frames[best].ns-t))best=i});show(best)}\n"
	"line.addEventListener('pointerdown',e=>{line.setPointerCapture(e.pointerId);scrub(e)});"
	"line.addEventListener('pointermove',e=>{if(e.buttons)scrub(e)});addEventListener('resize',draw);\n"
	"show(Math.max(0,frames.findIndex(f=>f.n>=0)));\n</script></body></html>\n";

static void put_base64(FILE *out, const uint8_t *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		unsigned a = data[i], b = i + 1 < size ? data[i + 1] : 0,
			 c = i + 2 < size ? data[i + 2] : 0;

		putc_unlocked(digits[a >> 2], out);
		putc_unlocked(digits[(a & 3) << 4 | b >> 4], out);
		putc_unlocked(i + 1 < size ? digits[(b & 15) << 2 | c >> 6] : '=', out);
		putc_unlocked(i + 2 < size ? digits[c & 63] : '=', out);
	}
}

/* The present frame as a JPEG: its own, or a reduced one. */
static int put_picture(const struct clip *clip, FILE *out)
{
	struct glint_pixels_wish wish = { .kind = GLINT_PIXELS_RGB24, .scale = 1 };
	struct glint_pixels_source source;
	struct glint_format format;
	struct glint_written jpeg;
	uint32_t width, height;
	uint8_t *rgb;
	int err;

	if (clip->reader.head.fourcc == GLINT_CLIP_MJPEG) {
		rgb = clip_read(clip, 0, clip->frame.size, &err);
		if (rgb)
			put_base64(out, rgb, clip->frame.size);
		free(rgb);
		return err;
	}
	rgb = read_rgb(clip, HTML_SIDE_MAX, &width, &height, &err);
	if (!rgb)
		return err;
	glint_pixels_of_pixels(&source, &format, GLINT_PIXELS_RGB24, rgb, width, height);
	wish.region.width = width;
	wish.region.height = height;
	err = glint_write_jpeg(&jpeg, &source, &wish, HTML_QUALITY);
	if (err == 0) {
		put_base64(out, jpeg.data, jpeg.size);
		free(jpeg.data);
	}
	free(rgb);
	return err;
}

/* The head of a clip has letters, digits and "-._" only as its name. */
static int write_html(const struct clip_args *args, struct clip *clip, FILE *out, uint64_t *n)
{
	uint64_t wanted = 0, seen = 0, every, missing = 0;
	struct clip_progress progress;
	char note[128] = "";
	int err = 0;

	clip_rewind(clip);
	while (clip_next_wanted(clip, args, &err))
		wanted++;
	if (wanted == 0)
		return -ENODATA;
	every = DIV_ROUND_UP(wanted, (uint64_t)HTML_FRAMES_MAX);
	if (every > 1)
		snprintf(note, sizeof(note),
			 "Of each %" PRIu64 " frames one is shown; use --from and --to.", every);
	fprintf(out, page_head, clip->reader.head.name, clip->reader.head.name, note);
	clip_progress_begin(&progress, args->html, clip->total);
	clip_rewind(clip);
	while (err == 0 && clip_next_wanted(clip, args, &err)) {
		missing += seen > 0 ? glint_clip_gap_count(&clip->frame.before) : 0;
		if (seen++ % every > 0 && clip->number != 0)
			continue;
		/* A double of JavaScript has 53 bits: times are from the first frame on. */
		fprintf(out,
			"{\"n\":%" PRId64 ",\"seq\":%" PRIu32 ",\"stream\":%" PRIu64
			",\"ns\":%" PRIu64 ",\"gap\":%" PRIu64 ",\"jpeg\":\"",
			clip->number, clip->frame.seq, clip->frame.stream,
			clip->frame.capture_ns > clip->first_ns ?
				clip->frame.capture_ns - clip->first_ns :
				0,
			missing);
		missing = 0;
		err = put_picture(clip, out);
		fputs("\"},\n", out);
		if (ferror(out) && err == 0)
			err = -EIO; /* clip_output_end() knows the reason */
		*n += err == 0;
		clip_progress_step(&progress, clip->frames);
		if (err == 0)
			err = clip_interrupted();
	}
	clip_progress_end(&progress);
	if (fputs(page_tail, out) < 0 && err == 0)
		err = -EIO;
	return err;
}

/* --- The verb -------------------------------------------------------------------------------------- */

static int show_html(const struct clip_args *args, struct clip *clip)
{
	struct clip_output output;
	uint64_t n = 0;
	int err = clip_output_begin(&output, args->html);

	clip_catch_interrupts();
	if (err == 0)
		err = clip_output_end(&output, write_html(args, clip, output.file, &n));
	clip_die_of_interrupt();
	if (err < 0)
		return err;
	printf("%s\t%" PRIu64 " frames\n", args->html, n);
	return 0;
}

static int show_terminal(const struct clip_args *args, struct clip *clip)
{
	bool colours = tool_is_terminal(stdout);
	unsigned columns = tool_columns(stdout);
	struct column *line;
	uint64_t wanted;
	size_t n;
	int err;

	if (columns == 0)
		columns = COLUMNS_DEFAULT;
	columns = MIN(columns, 1000u);
	n = (size_t)MAX(MIN((uint64_t)columns, clip->total), UINT64_C(1));
	line = calloc(n, sizeof(*line));
	if (!line)
		return -ENOMEM;
	err = collect(clip, args, line, n, &wanted);
	if (err == 0 && wanted == 0)
		err = -ENODATA;
	if (err == 0)
		put_time_line(clip, line, n, colours);
	free(line);
	if (err == 0)
		err = put_sheet(clip, args, wanted, columns, colours);
	if (err == -ENOTSUP) {
		printf("(frames in this pixel format cannot be shown)\n");
		err = 0;
	}
	return err;
}

int clip_show(const struct clip_args *args)
{
	const struct glint_clip_head *head;
	struct clip clip;
	char fourcc[5];
	int code, err = clip_open(&clip, args->path);

	if (err < 0)
		return clip_fail(args->path, err);
	head = &clip.reader.head;
	printf("%s: %" PRIu64 " frames of %" PRIu32 "x%" PRIu32 " %s, %.3f s; %" PRIu64
	       " missing\n",
	       head->name, clip.total, head->width, head->height,
	       glint_fourcc_text(head->fourcc, fourcc),
	       (double)(clip.last_ns - clip.first_ns) / 1e9, glint_clip_gap_count(&clip.gaps));
	err = args->html ? show_html(args, &clip) : show_terminal(args, &clip);
	code = err == 0 ? clip_end_code(&clip, args->path) : GLINT_EXIT_USAGE;
	clip_close(&clip);
	if (err == -ENOTSUP || err == -EBADMSG || err == -ENODATA) {
		fprintf(stderr, "glint: '%s': %s\n", args->path,
			err == -ENODATA ? "no such frames" :
			err == -ENOTSUP ? "frames in this pixel format cannot be shown" :
					  "a frame is damaged, or has a wrong size");
		return GLINT_EXIT_USAGE;
	}
	if (err < 0)
		return tool_fail_file(args->html ? args->html : args->path, err);
	return code;
}
