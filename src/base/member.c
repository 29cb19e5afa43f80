#include "base/member.h"

#include <stdio.h>

const char *
member_name_text(const struct member *m, const char *unnamed,
    char text[static MEMBER_NAME_TEXT])
{
	if (m->name && m->worker >= 0)
		snprintf(text, MEMBER_NAME_TEXT, "%.64s/%lld", m->name,
		    (long long)m->worker);
	else
		snprintf(text, MEMBER_NAME_TEXT, "%.64s", m->name ? m->name :
		    unnamed);
	return text;
}
