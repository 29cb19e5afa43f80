#include "cmd/probe_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "report/event.h"
#include "report/html.h"
#include "report/openmetrics.h"

enum { EVERYBODY_READS = 0644 };

/* time: microseconds of CLOCK_REALTIME. */
typedef void report_writer(FILE *, const struct probe_report *, int64_t time);

/*
 * In the same directory, because rename(2) can't leave a file system. The mode
 * lets a collector read it that is another user; mkstemp(3) sets 0600.
 */
static int
write_beside(char *name, const struct probe_report *r, report_writer *write)
{
	int fd = mkostemp(name, O_CLOEXEC);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int bad;

	if (fd < 0)
		return -1;
	if (!out) {
		close(fd);
		return -1;
	}
	write(out, r, event_now());
	bad = fflush(out) != 0 || ferror(out) ||
	    fchmod(fd, EVERYBODY_READS) < 0;
	return fclose(out) != 0 || bad ? -1 : 0;
}

/* Whether the file can be made; option is its name, "--html". */
static int
report_file_check(const char *option, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	char directory[PATH_MAX] = ".";
	struct stat there;

	if (!file)
		return 0;
	if (slash)
		snprintf(directory, sizeof(directory), "%.*s",
		    (int)(slash - file + 1), file);
	if (stat(file, &there) == 0 && S_ISDIR(there.st_mode))
		errno = EISDIR;
	else if (access(directory, W_OK | X_OK) == 0)
		return 0;
	return fail("%s %.200s", option, file);
}

static int
report_file_write(const char *option, const char *file,
    const struct probe_report *r, report_writer *write)
{
	static const char tail[] = ".XXXXXX";
	size_t length = file ? strlen(file) : 0;
	char *name;
	int result = 0;

	if (!file)
		return 0;
	name = malloc(length + sizeof(tail));
	if (!name)
		return fail("%s", option);
	memcpy(name, file, length);
	memcpy(name + length, tail, sizeof(tail));
	if (write_beside(name, r, write) < 0 || rename(name, file) < 0) {
		result = fail("%s %.200s", option, file);
		unlink(name);
	}
	free(name);
	return result;
}

int
probe_files_check(const struct settings *s)
{
	return report_file_check("--openmetrics", s->openmetrics) < 0 ||
	    report_file_check("--html", s->html) < 0 ? -1 : 0;
}

int
probe_files(const struct settings *s, const struct probe_report *r)
{
	return report_file_write("--openmetrics", s->openmetrics, r,
	    openmetrics_write) < 0 ||
	    report_file_write("--html", s->html, r, html_write) < 0 ? -1 : 0;
}
