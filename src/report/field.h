#ifndef REPORT_FIELD_H
#define REPORT_FIELD_H

#include <stddef.h>

/* Tables that describe how a struct is written as JSON. */

enum field_type {
	FIELD_TEXT, FIELD_HOST, FIELD_PORT, FIELD_NUMBER, FIELD_COUNT,
	FIELD_SECONDS, FIELD_FLAG, FIELD_DATA, FIELD_LIST, FIELD_OBJECT,
	FIELD_LATENCY,
	FIELD_MAYBE,			/* int64_t: 0, 1, or -1: not known */
	FIELD_WORDS,			/* texts until NULL */
	FIELD_PART,			/* like OBJECT, but not a pointer */
	FIELD_NUMBERS,			/* an array of double in the struct */
	FIELD_LABELS,			/* struct labels *: an object, or null */
};

/* A member of the JSON object, and its offset in the struct. */
struct field {
	const char *name;		/* NULL ends a table */
	enum field_type type;
	size_t offset;
	/* LIST, OBJECT and PART: the table of the element, or of the object */
	const struct field *of;
	size_t size, count;		/* element's size; count's offset */
};

/* Rows of such tables: a plain value, an OBJECT or PART, and a LIST. */
#define FIELD(in, name, type, member) \
	{ name, type, offsetof(struct in, member), NULL, 0, 0 }
#define FIELD_FROM(in, name, type, member, of) \
	{ name, type, offsetof(struct in, member), of, 0, 0 }
#define FIELD_EACH(in, name, member, of, element, number) \
	{ name, FIELD_LIST, offsetof(struct in, member), of, \
	    sizeof(struct element), offsetof(struct in, number) }

#endif
