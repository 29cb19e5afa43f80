#include "cmd/probe_metrics.h"

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
#include "report/openmetrics.h"

enum { EVERYBODY_READS = 0644 };

/*
 * In the same directory, because rename(2) can't leave a file system. The mode
 * lets a collector read it that is another user; mkstemp(3) sets 0600.
 */
static int
write_beside(char *name, const struct probe_report *r)
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
	openmetrics_write(out, r, event_now());
	bad = fflush(out) != 0 || ferror(out) ||
	    fchmod(fd, EVERYBODY_READS) < 0;
	return fclose(out) != 0 || bad ? -1 : 0;
}

int
probe_metrics_check(const struct settings *s)
{
	const char *slash = s->openmetrics ? strrchr(s->openmetrics, '/') :
	    NULL;
	char directory[PATH_MAX] = ".";
	struct stat there;

	if (!s->openmetrics)
		return 0;
	if (slash)
		snprintf(directory, sizeof(directory), "%.*s",
		    (int)(slash - s->openmetrics + 1), s->openmetrics);
	if (stat(s->openmetrics, &there) == 0 && S_ISDIR(there.st_mode))
		errno = EISDIR;
	else if (access(directory, W_OK | X_OK) == 0)
		return 0;
	return fail("--openmetrics %.200s", s->openmetrics);
}

int
probe_metrics(const struct settings *s, const struct probe_report *r)
{
	static const char tail[] = ".XXXXXX";
	size_t length = s->openmetrics ? strlen(s->openmetrics) : 0;
	char *name;
	int result = 0;

	if (!s->openmetrics)
		return 0;
	name = malloc(length + sizeof(tail));
	if (!name)
		return fail("--openmetrics");
	memcpy(name, s->openmetrics, length);
	memcpy(name + length, tail, sizeof(tail));
	if (write_beside(name, r) < 0 || rename(name, s->openmetrics) < 0) {
		result = fail("--openmetrics %.200s", s->openmetrics);
		unlink(name);
	}
	free(name);
	return result;
}
