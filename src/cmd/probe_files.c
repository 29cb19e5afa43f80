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

enum { EVERYBODY_READS = 0644, LINKS_MAX = 40 };

/* time: microseconds of CLOCK_REALTIME. */
typedef void report_writer(FILE *, const struct probe_report *, int64_t time);

/* stdout or stderr, if the file is what it is open on; -1: neither. */
static int
standard_fd(const struct stat *file)
{
	struct stat st;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && st.st_dev == file->st_dev &&
		    st.st_ino == file->st_ino)
			return fd;
	return -1;
}

int
probe_file_fail(const char *option, const char *file)
{
	if (file_is_stdout(file))
		return fail("stdout");
	if (errno == ENXIO)
		return fail_as(STATUS_NETWORK, "%s %.200s: a fifo that nobody "
		    "reads", option, file);
	return fail("%s %.200s", option, file);
}

int
probe_file_open(const char *file)
{
	struct stat st;
	int fd;

	errno = 0;
	if (file_is_stdout(file))
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (stat(file, &st) < 0) {
		errno = 0;
		return -1;
	}
	fd = standard_fd(&st);
	if (fd >= 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (S_ISREG(st.st_mode))
		return -1;
	fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

/* Writes the report, and closes fd. */
static int
write_to(int fd, const struct probe_report *r, report_writer *write)
{
	FILE *out = fdopen(fd, "w");
	int bad;

	if (!out) {
		close(fd);
		return -1;
	}
	write(out, r, event_now());
	bad = fflush(out) != 0 || ferror(out);
	return fclose(out) != 0 || bad ? -1 : 0;
}

/*
 * In the same directory, because rename(2) can't leave a file system. The mode
 * lets a collector read it that is another user; mkstemp(3) sets 0600.
 */
static int
replace(const char *file, const struct probe_report *r, report_writer *write)
{
	char name[PATH_MAX + sizeof(".XXXXXX")];
	int fd, error;

	snprintf(name, sizeof(name), "%.*s.XXXXXX", PATH_MAX, file);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fchmod(fd, EVERYBODY_READS) < 0) {
		close(fd);
	} else if (write_to(fd, r, write) == 0 && rename(name, file) == 0) {
		return 0;
	}
	error = errno;
	unlink(name);
	errno = error;
	return -1;
}

/*
 * Where a link leads to, which is what is replaced. realpath(3) would need the
 * working directory, which the sandbox does not tell.
 */
static const char *
followed(const char *file, char path[PATH_MAX])
{
	char link[PATH_MAX];
	ssize_t n;

	snprintf(path, PATH_MAX, "%s", file);
	for (int i = 0; i < LINKS_MAX; i++) {
		char *slash = strrchr(path, '/');
		size_t kept = slash ? (size_t)(slash - path) + 1 : 0;

		n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			break;
		link[n] = '\0';
		if (link[0] == '/')
			kept = 0;
		snprintf(path + kept, PATH_MAX - kept, "%s", link);
	}
	return path;
}

/* Whether the file can be made; option is its name, "--html". */
static int
report_file_check(const char *option, const char *file)
{
	char path[PATH_MAX], directory[PATH_MAX] = ".";
	const char *real, *slash;
	struct stat there;

	if (!file || file_is_stdout(file))
		return 0;
	real = followed(file, path);
	slash = strrchr(real, '/');
	if (slash)
		snprintf(directory, sizeof(directory), "%.*s",
		    (int)(slash - real + 1), real);
	if (stat(file, &there) < 0)
		there = (struct stat){ .st_mode = S_IFREG };
	if (S_ISDIR(there.st_mode))
		errno = EISDIR;
	else if (standard_fd(&there) >= 0 ||
	    access(S_ISREG(there.st_mode) ? directory : file,
	    S_ISREG(there.st_mode) ? W_OK | X_OK : W_OK) == 0)
		return 0;
	return probe_file_fail(option, file);
}

static int
report_file_write(const char *option, const char *file,
    const struct probe_report *r, report_writer *write)
{
	char path[PATH_MAX];
	int fd, bad;

	if (!file)
		return 0;
	fflush(stdout);
	fd = probe_file_open(file);
	if (fd >= 0)
		bad = write_to(fd, r, write);
	else
		bad = errno ? -1 : replace(followed(file, path), r, write);
	return bad ? probe_file_fail(option, file) : 0;
}

/* The directory that a file is in or will be in, and its name there. */
static const char *
file_place(const char *file, char path[PATH_MAX], struct stat *directory)
{
	char *name;
	int bad;

	followed(file, path);
	name = strrchr(path, '/');
	if (!name)
		return stat(".", directory) < 0 ? NULL : path;
	*name++ = '\0';
	bad = stat(*path ? path : "/", directory);
	return bad < 0 ? NULL : name;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether both are one regular file, which may not be there yet. */
static bool
are_one_file(const char *a, const char *b)
{
	char path_a[PATH_MAX], path_b[PATH_MAX];
	struct stat at_a, at_b;
	const char *name_a, *name_b;

	if (file_is_stdout(a) || file_is_stdout(b))
		return file_is_stdout(a) && file_is_stdout(b);
	if (stat(a, &at_a) == 0 && stat(b, &at_b) == 0)
		return is_same(&at_a, &at_b) && S_ISREG(at_a.st_mode) &&
		    standard_fd(&at_a) < 0;
	name_a = file_place(a, path_a, &at_a);
	name_b = file_place(b, path_b, &at_b);
	return name_a && name_b && is_same(&at_a, &at_b) &&
	    strcmp(name_a, name_b) == 0;
}

/* No file may be written twice, or be written and merged. */
static int
files_differ(const struct settings *s, int count, char *const *words)
{
	const struct {
		const char *option, *file;
	} out[] = {
		{ "--html", s->html }, { "--openmetrics", s->openmetrics },
		{ "--hdr-log", s->hdr_log },
	};
	enum { OUT = sizeof(out) / sizeof(out[0]) };

	for (int i = 0; i < OUT; i++) {
		for (int j = i + 1; out[i].file && j < OUT; j++)
			if (out[j].file && are_one_file(out[i].file,
			    out[j].file))
				return fail_as(STATUS_USAGE, "%s and %s: name "
				    "two files, not %.200s twice",
				    out[i].option, out[j].option, out[i].file);
		for (int j = 0; out[i].file && s->merge && j < count; j++)
			if (!file_is_stdout(out[i].file) &&
			    are_one_file(out[i].file, words[j]))
				return fail_as(STATUS_USAGE, "%s: name another "
				    "file, %.200s is merged", out[i].option,
				    words[j]);
	}
	return 0;
}

/* "-" takes the place of the report on stdout, but of nothing else. */
static int
stdout_is_free(const struct settings *s)
{
	if (!settings_file_on_stdout(s) || !(s->json || s->watch))
		return 0;
	return fail_as(STATUS_USAGE, "%s -: standard output has what %s shows: "
	    "name a file", file_is_stdout(s->html) ? "--html" :
	    file_is_stdout(s->hdr_log) ? "--hdr-log" : "--openmetrics",
	    s->json ? "--json" : "--watch");
}

int
probe_files_check(const struct settings *s, int count, char *const *words)
{
	if (files_differ(s, count, words) < 0 || stdout_is_free(s) < 0)
		return -1;
	return report_file_check("--openmetrics", s->openmetrics) < 0 ||
	    report_file_check("--html", s->html) < 0 ? -1 : 0;
}

int
probe_files(const struct settings *s, const struct probe_report *r)
{
	int metrics = report_file_write("--openmetrics", s->openmetrics, r,
	    openmetrics_write);
	int page = report_file_write("--html", s->html, r, html_write);

	return metrics < 0 || page < 0 ? -1 : 0;
}
