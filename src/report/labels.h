#ifndef REPORT_LABELS_H
#define REPORT_LABELS_H

#include <stdbool.h>
#include <stddef.h>

/* What the user calls a run: names and values, for JSON and OpenMetrics. */

enum { LABELS_MAX = 16, LABEL_NAME = 64 + 1, LABEL_VALUE = 128 + 1 };

struct label {
	char name[LABEL_NAME], value[LABEL_VALUE];
};

struct labels {
	size_t count;
	struct label at[LABELS_MAX];
};

/*
 * Adds a label, or replaces the one of this name. The name is one of
 * OpenMetrics 1.0 (a letter or '_', then letters, digits and '_'), of at most
 * 64 bytes, and none that a metric of rpnc has. The value is printable UTF-8 of
 * at most 128 bytes. -1: a usage fault.
 */
int labels_set(struct labels *, const char *name, const char *value);

/* The same for "NAME=VALUE", except that no name may come twice. */
int labels_read(struct labels *, const char *text);

/* The value of this name, or NULL. */
const char *labels_find(const struct labels *, const char *name);

void labels_remove(struct labels *, const char *name);

#endif
