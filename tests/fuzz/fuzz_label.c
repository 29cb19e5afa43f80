/* Labels of a run: a line each. */
#include "base/escape.h"
#include "fuzz.h"
#include "report/labels.h"

enum { LINES = 24 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length), *lines[LINES];
	int count = fuzz_words(text, lines, LINES);
	struct labels labels = { 0 };

	for (int i = 0; i < count; i++)
		labels_read(&labels, lines[i]);
	HOLDS(labels.count <= LABELS_MAX);
	for (size_t i = 0; i < labels.count; i++) {
		struct label l = labels.at[i];

		HOLDS(utf8_valid(l.value, strlen(l.value)));
		HOLDS(strcmp(labels_find(&labels, l.name), l.value) == 0);
		HOLDS(labels_set(&labels, l.name, l.value) == 0);
	}
	while (labels.count)
		labels_remove(&labels, lines[0] ? labels.at[0].name : "");
	free(text);
	return 0;
}
