/*
 * Latencies as a picture and as a table. The picture has a row for each phase
 * and one logarithmic axis of time. Texts are not in the SVG, which is as wide
 * as the page: they would be stretched with it.
 */
#include "report/html_latency.h"

#include <math.h>

#include "base/num.h"
#include "report/html_write.h"

enum {
	WIDTH = 1000, HEIGHT = 40,
	CELLS = 80,			/* of the spread */
};
static const double MARK_LEAST = 0.15;	/* of the width, between two marks */

static const struct { const char *name; double p; } shown[] = {
	{ "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 },
};
enum { PERCENTILES = sizeof(shown) / sizeof(shown[0]) };

/* position = log(value / low) / log(high / low) */
struct time_axis {
	double low, high;
};

/* The largest of 1, 2, 5, 10, 20, ... that is at most v; up: the next one. */
static double
round_time(double v, bool up)
{
	double decade = pow(10, floor(log10(v) + 1e-9)), part = v / decade;

	if (up)
		return decade * (part < 1.99 ? 2 : part < 4.99 ? 5 : 10);
	return decade * (part < 1.99 ? 1 : part < 4.99 ? 2 : 5);
}

static bool
time_axis_make(struct time_axis *x, const struct latencies *l)
{
	*x = (struct time_axis){ INFINITY, 0 };
	for (int i = 0; i < LATENCIES; i++)
		if (l->at[i] && l->at[i]->count) {
			x->low = fmin(x->low, fmax((double)l->at[i]->min, 1));
			x->high = fmax(x->high, (double)l->at[i]->max);
		}
	if (!isfinite(x->low))
		return false;
	x->low = round_time(x->low, false);
	x->high = round_time(fmax(x->high, x->low), true);
	return true;
}

static double
place(const struct time_axis *x, double ns)
{
	return log(fmax(ns, x->low) / x->low) / log(x->high / x->low);
}

static uint64_t
cell_count(const struct time_axis *x, const struct hist *h, int cell)
{
	double step = pow(x->high / x->low, 1.0 / CELLS);
	double to = x->low * pow(step, cell + 1), from = to / step;

	return hist_count_to(h, (uint64_t)to) - (cell ?
	    hist_count_to(h, (uint64_t)from) : 0);
}

/* How the samples are spread: a column for each cell, the most the highest. */
static void
spread_path(FILE *out, const struct time_axis *x, const struct hist *h)
{
	uint64_t most = 1;

	for (int i = 0; i < CELLS; i++)
		most = cell_count(x, h, i) > most ? cell_count(x, h, i) : most;
	fprintf(out, "<path class=\"spread\" d=\"M0 %d", HEIGHT);
	for (int i = 0; i < CELLS; i++)
		fprintf(out, "V%.1fH%.1f", HEIGHT - (HEIGHT - 2) *
		    sqrt((double)cell_count(x, h, i) / (double)most),
		    (i + 1.0) * WIDTH / CELLS);
	fprintf(out, "V%dZ\"/>", HEIGHT);
}

static void
dot(FILE *out, const struct time_axis *x, double ns, const char *class)
{
	if (isfinite(ns))
		fprintf(out, "<path class=\"%s\" d=\"M%.1f %dh.01\"/>", class,
		    place(x, ns) * WIDTH, HEIGHT / 2);
}

static void
phase_svg(FILE *out, const struct time_axis *x, const struct hist *h)
{
	double most = place(x, (double)h->max) * WIDTH;

	fprintf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
	    "style=\"height:%dpx\" aria-hidden=\"true\">", WIDTH, HEIGHT,
	    HEIGHT);
	spread_path(out, x, h);
	fprintf(out, "<path class=\"range\" d=\"M%.1f %dH%.1f\"/>"
	    "<path class=\"most\" d=\"M%.1f %dv%d\"/>",
	    place(x, (double)h->min) * WIDTH, HEIGHT / 2, most, most,
	    HEIGHT / 2 - 7, 14);
	for (int i = 0; i < PERCENTILES; i++)
		dot(out, x, hist_quantile(h, shown[i].p), i ? "dot" :
		    "dot p50");
	fputs("</svg>", out);
}

/* "10 µs": a mark is a round number. A narrow page has every other one. */
static void
mark(FILE *out, const struct time_axis *x, double ns, bool every_other)
{
	static const char *const units[] = { "ns", "\302\265s", "ms", "s" };
	double at = place(x, ns) * 100, value = ns;
	size_t unit = 0;

	for (; value >= 999.5 && unit < 3; unit++)
		value /= 1e3;
	fprintf(out, "<span class=\"%s%s\" style=\"left:%.2f%%\">%g %s</span>",
	    at < 1 ? "first" : at > 99 ? "last" : "mid", every_other ? " alt" :
	    "", at, value, units[unit]);
}

static void
axis_marks(FILE *out, const struct time_axis *x)
{
	double last = -1, v = x->low;
	int marks = 0;

	fputs("<span></span><div class=\"axis\">", out);
	while (v < x->high * 1.01) {
		if (place(x, v) >= last + MARK_LEAST) {
			mark(out, x, v, marks++ % 2);
			last = place(x, v);
		}
		v = round_time(v * 1.01, true);
	}
	fputs("</div><i></i>", out);
}

static void
picture(FILE *out, const struct latencies *l)
{
	struct time_axis x;

	if (!time_axis_make(&x, l))
		return;
	fputs("<div class=\"plot\">", out);
	for (int i = 0; i < LATENCIES; i++) {
		char text[NUM_TEXT];

		if (!l->at[i] || !l->at[i]->count)
			continue;
		fprintf(out, "<b>%s</b>", latency_names[i]);
		phase_svg(out, &x, l->at[i]);
		fputs("<i>", out);
		html_text(out, nanoseconds_text((int64_t)hist_quantile(l->at[i],
		    50), text));
		fputs("</i>\n", out);
	}
	axis_marks(out, &x);
	fputs("</div>", out);
}

static void
time_cell(FILE *out, double ns)
{
	char text[NUM_TEXT];

	fputs("<td>", out);
	html_text(out, isfinite(ns) ? nanoseconds_text((int64_t)ns, text) : "-");
	fputs("</td>", out);
}

/* Whether any phase has samples enough for it. */
static bool
has_percentile(const struct latencies *l, double p)
{
	for (int i = 0; i < LATENCIES; i++)
		if (l->at[i] && l->at[i]->count &&
		    isfinite(hist_quantile(l->at[i], p)))
			return true;
	return false;
}

static void
phase_row(FILE *out, const struct latencies *l, int phase)
{
	const struct hist *h = l->at[phase];

	fprintf(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">%llu</td>",
	    latency_names[phase], (unsigned long long)h->count);
	for (int i = 0; i < PERCENTILES; i++)
		if (has_percentile(l, shown[i].p))
			time_cell(out, hist_quantile(h, shown[i].p));
	time_cell(out, (double)h->max);
	fputs("</tr>\n", out);
}

static void
figures(FILE *out, const struct latencies *l)
{
	fputs("<div class=\"scroll\"><table class=\"times\"><thead><tr>"
	    "<th scope=\"col\">phase</th><th scope=\"col\" class=\"n\">count"
	    "</th>", out);
	for (int i = 0; i < PERCENTILES; i++)
		if (has_percentile(l, shown[i].p))
			fprintf(out, "<th scope=\"col\">%s</th>",
			    shown[i].name);
	fputs("<th scope=\"col\">max</th></tr></thead><tbody>\n", out);
	for (int i = 0; i < LATENCIES; i++)
		if (l->at[i] && l->at[i]->count)
			phase_row(out, l, i);
	fputs("</tbody></table></div>", out);
}

static void
key_item(FILE *out, const char *shape, const char *meaning)
{
	fprintf(out, "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\">%s"
	    "</svg>%s</li>", shape, meaning);
}

static void
key_of_times(FILE *out)
{
	fputs("<ul class=\"key\">", out);
	key_item(out, "<path class=\"dot p50\" d=\"M11 6h.01\"/>", "median");
	key_item(out, "<path class=\"dot\" d=\"M3 6h.01M11 6h.01M19 6h.01\"/>",
	    "p90, p99, p99.9, if samples suffice");
	key_item(out, "<path class=\"most\" d=\"M11 0V12\"/>", "maximum");
	key_item(out, "<path class=\"spread\" d=\"M0 12V8H6V1H13V6H22V12Z\"/>",
	    "how they are spread");
	fputs("</ul>", out);
}

void
html_latency(FILE *out, const struct latencies *l)
{
	struct time_axis x;

	if (!time_axis_make(&x, l))
		return;
	fputs("<section><h2>Latency</h2><p class=\"sub\">How long each phase of "
	    "an attempt took, on a logarithmic axis; at the right the median"
	    "</p>", out);
	picture(out, l);
	key_of_times(out);
	figures(out, l);
	fputs("</section>\n", out);
}
