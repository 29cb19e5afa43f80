#include "report/labels.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/fail.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_label_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!is_letter(text[i]) &&
		    (!i || text[i] < '0' || text[i] > '9'))
			return false;
	return length > 0 && length < LABEL_NAME;
}

/* Names that begin with "__" are Prometheus' own. */
static bool
is_of_metrics(const char *name)
{
	static const char *const ours[] = {
		"address", "port", "protocol", "proxy", "reason", "verdict",
		"phase", "le", "quantile", "name", "worker", "pid", "uid",
		"host", "command",
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return strncmp(name, "__", 2) == 0;
}

static bool
is_label_value(const char *value)
{
	char safe[(LABEL_VALUE - 1) * ESCAPE_MAX + 1];
	size_t length = strlen(value);

	if (length >= LABEL_VALUE)
		return false;
	escape(value, length, false, safe);
	return strcmp(safe, value) == 0;
}

static struct label *
label_find(struct labels *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i].name, name) == 0)
			return &l->at[i];
	return NULL;
}

int
labels_set(struct labels *l, const char *name, const char *value)
{
	struct label *label;

	if (!is_label_name(name, strlen(name)))
		return fail_as(STATUS_USAGE, "%.40s: want a name of letters, "
		    "digits and '_'", name);
	if (is_of_metrics(name))
		return fail_as(STATUS_USAGE, "%.40s: metrics have a label of "
		    "this name already: choose another one", name);
	if (!is_label_value(value))
		return fail_as(STATUS_USAGE, "%.40s: want printable UTF-8, at "
		    "most %d bytes", name, LABEL_VALUE - 1);
	label = label_find(l, name);
	if (!label && l->count == LABELS_MAX)
		return fail_as(STATUS_USAGE, "at most %d of them", LABELS_MAX);
	if (!label)
		label = &l->at[l->count++];
	snprintf(label->name, sizeof(label->name), "%s", name);
	snprintf(label->value, sizeof(label->value), "%s", value);
	return 0;
}

int
labels_read(struct labels *l, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	char name[LABEL_NAME];

	if (!equals || !is_label_name(text, length))
		return fail_as(STATUS_USAGE, "%.40s: want NAME=VALUE, and a "
		    "name of letters, digits and '_'", text);
	memcpy(name, text, length);
	name[length] = '\0';
	if (labels_find(l, name))
		return fail_as(STATUS_USAGE, "%.40s: given twice", name);
	return labels_set(l, name, equals + 1);
}

const char *
labels_find(const struct labels *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->at[i].name, name) == 0)
			return l->at[i].value;
	return NULL;
}

void
labels_remove(struct labels *l, const char *name)
{
	struct label *label = label_find(l, name);

	/* the name may be the label's own */
	if (label)
		memmove(label, label + 1, (size_t)(&l->at[--l->count] - label) *
		    sizeof(*label));
}
