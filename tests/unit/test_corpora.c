/*
 * Gives the targets of make fuzz the files of their corpora, tests/fuzz/corpus,
 * among them the inputs that once were findings. Each target's function has the
 * name of its file here: see the Makefile.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

typedef int target(const uint8_t *data, size_t length);

#ifndef FUZZ_TARGETS
#define FUZZ_TARGETS		/* a compiler's look at this file alone */
#endif
#define TARGET(name) target fuzz_##name;
FUZZ_TARGETS
#undef TARGET

static const struct {
	const char *name;
	target *target;
} targets[] = {
#define TARGET(name_) { #name_, fuzz_##name_ },
	FUZZ_TARGETS
	{ NULL, NULL },
};
enum { TARGETS = sizeof(targets) / sizeof(*targets) - 1 };

static size_t
read_file(const char *path, uint8_t **data)
{
	FILE *in = fopen(path, "re");
	long size;

	assert_non_null(in);
	fseek(in, 0, SEEK_END);
	size = ftell(in);
	rewind(in);
	assert_true(size >= 0);
	/* exactly as large: a sanitizer sees a read beyond it */
	*data = malloc((size_t)size + !size);
	assert_non_null(*data);
	assert_int_equal(fread(*data, 1, (size_t)size, in), size);
	fclose(in);
	return (size_t)size;
}

static void
a_target_takes_its_corpus(void **state)
{
	int i = *(int *)*state, files = 0;
	char path[320];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", targets[i].name);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		uint8_t *data;
		size_t length;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s",
		    targets[i].name, e->d_name);
		length = read_file(path, &data);
		targets[i].target(data, length);
		free(data);
		files++;
	}
	closedir(dir);
	assert_true(files > 0);
}

int
main(void)
{
	static struct CMUnitTest tests[TARGETS + 1];
	static int numbers[TARGETS + 1];

	for (int i = 0; i < TARGETS; i++) {
		numbers[i] = i;
		tests[i] = (struct CMUnitTest){
			.name = targets[i].name,
			.test_func = a_target_takes_its_corpus,
			.initial_state = &numbers[i],
		};
	}
	return _cmocka_run_group_tests("corpora", tests, TARGETS, NULL, NULL);
}
