#include "report/html_during.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "report/html_write.h"

enum { WIDTH = 1000, LANE = 44, NARROW = 16, SHOWN_CHANGES = 40, MARKS = 5 };

static double
end_of(const struct probe_during *d)
{
	return d->interval * (double)d->interval_count;
}

static double
position(const struct probe_during *d, double at)
{
	double part = at / end_of(d);

	return (part < 0 ? 0 : part > 1 ? 1 : part) * WIDTH;
}

static double
attempts_of(const struct probe_interval *i)
{
	return (double)i->attempts;
}

static double
lost_of(const struct probe_interval *i)
{
	return (double)losses_sum(&i->lost);
}

static double
longest_of(const struct probe_interval *i)
{
	return isfinite(i->longest) ? i->longest : 0;
}

static void
svg_open(FILE *out, const char *name, int height)
{
	fprintf(out, "<b>%s</b><svg viewBox=\"0 0 %d %d\" "
	    "preserveAspectRatio=\"none\" style=\"height:%dpx\" "
	    "aria-hidden=\"true\"><path class=\"grid\" d=\"M0 %dH%d\"/>", name,
	    WIDTH, height, height, height, WIDTH);
}

static void
lane_close(FILE *out, const char *total)
{
	fputs("</svg><i>", out);
	html_text(out, total);
	fputs("</i>\n", out);
}

/* A column for each interval; the largest value is as high as the lane. */
static void
lane(FILE *out, const struct probe_during *d, const char *name,
    const char *class, double (*value)(const struct probe_interval *),
    const char *total)
{
	double most = 0, width = (double)WIDTH / (double)d->interval_count;

	for (size_t i = 0; i < d->interval_count; i++)
		most = fmax(most, value(&d->intervals[i]));
	if (!(most > 0))
		return;
	svg_open(out, name, LANE);
	for (size_t i = 0; i < d->interval_count; i++) {
		double v = value(&d->intervals[i]);
		double high = v > 0 ? fmax(v / most * (LANE - 2), 2) : 0;

		if (v > 0)
			fprintf(out, "<rect class=\"%s\" x=\"%.1f\" "
			    "y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
			    class, (double)i * width + width * .08, LANE - high,
			    width * .84, high);
	}
	lane_close(out, total);
}

static void
lanes(FILE *out, const struct probe_during *d)
{
	double attempts = 0, longest = 0;
	char text[NUM_TEXT];

	for (size_t i = 0; i < d->interval_count; i++) {
		attempts += attempts_of(&d->intervals[i]);
		longest = fmax(longest, longest_of(&d->intervals[i]));
	}
	snprintf(text, sizeof(text), "%.0f", attempts);
	lane(out, d, "attempts", "fill", attempts_of, text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)d->lost);
	lane(out, d, "lost", "off", lost_of, text);
	lane(out, d, "longest", "run", longest_of, seconds_text(longest, text));
}

static void
lane_of_members(FILE *out, const struct probe_during *d)
{
	char text[NUM_TEXT];

	if (!d->change_count)
		return;
	svg_open(out, "members", NARROW);
	for (size_t i = 0; i < d->change_count; i++) {
		bool came = *d->changes[i].kind == 'j';

		fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" "
		    "width=\"6\" height=\"%d\"/>", came ? "came" : "went",
		    fmin(position(d, d->changes[i].at), WIDTH - 6),
		    came ? 0 : NARROW / 2, NARROW / 2);
	}
	snprintf(text, sizeof(text), "%zu", d->change_count);
	lane_close(out, text);
}

static void
lane_of_command(FILE *out, const struct probe_during *d)
{
	double from = position(d, d->started), to = isnan(d->ended) ? WIDTH :
	    position(d, d->ended);
	char text[NUM_TEXT] = "";

	if (isnan(d->started))
		return;
	if (!isnan(d->ended))
		seconds_text(d->ended - d->started, text);
	svg_open(out, "command", NARROW);
	fprintf(out, "<rect class=\"run\" x=\"%.1f\" y=\"3\" width=\"%.1f\" "
	    "height=\"%d\"/>", from, fmax(to - from, 3), NARROW - 6);
	lane_close(out, text);
}

static void
time_marks(FILE *out, const struct probe_during *d)
{
	char text[NUM_TEXT];

	fputs("<span></span><div class=\"axis\">", out);
	for (int i = 0; i < MARKS; i++) {
		double part = (double)i / (MARKS - 1);

		fprintf(out, "<span class=\"%s\" style=\"left:%.0f%%\">",
		    !i ? "first" : i == MARKS - 1 ? "last" : i % 2 ?
		    "mid alt" : "mid",
		    part * 100);
		html_text(out, i ? seconds_text(part * end_of(d), text) : "0");
		fputs("</span>", out);
	}
	fputs("</div><i></i>", out);
}

static void
changes(FILE *out, const struct probe_during *d)
{
	char time[NUM_TEXT];

	if (!d->change_count)
		return;
	fputs("<ul class=\"plain\">", out);
	for (size_t i = 0; i < d->change_count && i < SHOWN_CHANGES; i++) {
		const struct probe_change *c = &d->changes[i];
		bool joined = *c->kind == 'j';

		fprintf(out, "<li><b class=\"%s\">%s</b> ", joined ? "ok" :
		    "wrong", joined ? "+" : "\342\210\222");
		html_textf(out, "%s: %s%s", seconds_text(c->at, time),
		    c->name ? c->name : "", c->name ? " " : "");
		if (c->pid >= 0)
			fprintf(out, "pid %lld ", (long long)c->pid);
		html_textf(out, "%s %s", c->command ? c->command : "", c->kind);
		if (c->waiting > 0)
			fprintf(out, ", %lld waited in its queue just before",
			    (long long)c->waiting);
		fputs("</li>\n", out);
	}
	if (d->change_count + d->unlisted > SHOWN_CHANGES)
		fprintf(out, "<li>and %llu more</li>", (unsigned long long)
		    (d->change_count + d->unlisted - SHOWN_CHANGES));
	fputs("</ul>", out);
}

static void
command_line(FILE *out, const struct probe_during *d)
{
	char time[NUM_TEXT];

	fputs("<p class=\"sub\"><code>", out);
	html_text(out, d->command);
	fputs("</code> ", out);
	if (isnan(d->started))
		fputs("was not started", out);
	else if (isnan(d->ended))
		fputs("has not ended", out);
	else if (d->signal > 0)
		html_textf(out, "was killed by signal %lld (%s) after %s",
		    (long long)d->signal, strsignal((int)d->signal),
		    seconds_text(d->ended - d->started, time));
	else
		html_textf(out, "took %s: exit status %lld",
		    seconds_text(d->ended - d->started, time),
		    (long long)d->status);
	html_textf(out, ". A column is %s.", seconds_text(d->interval, time));
	fputs("</p>", out);
}

static void
gap_line(FILE *out, const struct probe_during *d)
{
	bool over = during_gap_is_over(d);
	char gap[NUM_TEXT], more[NUM_TEXT];

	if (isnan(d->longest_gap))
		return;
	fprintf(out, "<p class=\"sub%s\">", over ? " wrong" : "");
	html_textf(out, "Longest gap between good answers: %s",
	    seconds_text(d->longest_gap, gap));
	if (!isnan(d->longest_gap_at))
		html_textf(out, ", from %s on", seconds_text(d->longest_gap_at,
		    more));
	if (over)
		html_textf(out, ": over %s", seconds_text(d->max_gap, more));
	if (!isnan(d->hold))
		html_textf(out, ". Each waited %s before it sent.",
		    seconds_text(d->hold, more));
	fputs("</p>", out);
}

/* Counts that stand in no lane, in a list. */
static void
others(FILE *out, const struct probe_during *d)
{
	unsigned long long untried = d->untried + d->skipped;
	char time[NUM_TEXT];

	fputs("<ul class=\"plain\">", out);
	for (int i = 0; i < LOSSES; i++)
		if (d->losses->at[i])
			fprintf(out, "<li><b class=\"wrong\">%llu</b> %s</li>",
			    (unsigned long long)d->losses->at[i],
			    i == LOSS_ENDED ? "ended before the reply" :
			    loss_names[i]);
	if (d->slow)
		fprintf(out, "<li>%llu slow: over %s, but not lost</li>",
		    (unsigned long long)d->slow,
		    seconds_text(d->slow_after, time));
	if (d->unproven)
		fprintf(out, "<li>%llu unproven: connected, and no process was "
		    "seen to accept them</li>", (unsigned long long)
		    d->unproven);
	if (untried)
		fprintf(out, "<li>%llu not tried: this host had no port, "
		    "descriptor or processor left</li>", untried);
	fputs("</ul>", out);
}

void
html_during(FILE *out, const struct probe_during *d)
{
	fputs("<section><h2>While the command ran</h2>", out);
	command_line(out, d);
	gap_line(out, d);
	if (d->interval_count) {
		fputs("<div class=\"plot\">", out);
		lanes(out, d);
		lane_of_members(out, d);
		lane_of_command(out, d);
		time_marks(out, d);
		fputs("</div>", out);
	}
	others(out, d);
	changes(out, d);
	fputs("</section>\n", out);
}
