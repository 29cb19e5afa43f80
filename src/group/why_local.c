#include "group/why_local.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "group/rival.h"

/* The name as /proc/net/unix has it: '@' for the 0 of an abstract one. */
static void
name_of(const struct addr *a, char name[static sizeof(a->un.sun_path) + 1])
{
	size_t length = a->len - offsetof(struct sockaddr_un, sun_path);

	memcpy(name, a->un.sun_path, length);
	name[length] = '\0';
	if (!name[0])
		name[0] = '@';
}

/* The inode of a socket that is bound to the name; 0: none is listed. */
static uint64_t
inode_of(const char *name)
{
	FILE *in = fopen("/proc/net/unix", "re");
	unsigned long long inode, found = 0;
	char *line = NULL;
	size_t room = 0;
	int at;

	while (in && !found && getline(&line, &room, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %llu %n", &inode,
		    &at) == 1 && strcmp(line + at, name) == 0)
			found = inode;
	}
	free(line);
	if (in)
		fclose(in);
	return found;
}

static void
tell_holder(const char *name)
{
	struct rivals r = { .looked = true };
	struct diag_sock s = { .inode = inode_of(name) };
	char who[RIVAL_TEXT];
	struct owner o;

	r.lookout.owners = owners_new();
	if (rival_owner(&r, &s, &o) > 0) {
		s.uid = o.uid;
		fail_add("%s has it", rival_text(&r, &s, who));
	} else {
		fail_add("a process that can't be seen has it");
	}
	rivals_close(&r);
}

static void
in_use(const struct addr *a)
{
	char name[sizeof(a->un.sun_path) + 1], user[RIVAL_TEXT];
	struct stat st;

	name_of(a, name);
	if (a->un.sun_path[0] && lstat(name, &st) == 0 &&
	    st.st_uid != geteuid())
		fail_add("that is a socket of user %s: take another name",
		    user_text(st.st_uid, user));
	else
		tell_holder(name);
}

void
why_add_local(const struct addr *a, int error)
{
	if (error == EADDRINUSE)
		in_use(a);
	else if (error == EACCES)
		fail_add("you may not make files in that directory");
}
