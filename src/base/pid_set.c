#include "base/pid_set.h"

#include <stdlib.h>

bool
pid_set_add(struct pid_set *s, pid_t pid)
{
	pid_t *pids;

	for (int i = 0; i < s->count; i++)
		if (s->pids[i] == pid)
			return false;
	pids = realloc(s->pids, ((size_t)s->count + 1) * sizeof(*pids));
	if (!pids)
		return false;
	s->pids = pids;
	s->pids[s->count++] = pid;
	return true;
}

void
pid_set_free(struct pid_set *s)
{
	free(s->pids);
	*s = (struct pid_set){ .pids = NULL };
}
