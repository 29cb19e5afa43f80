#ifndef GROUP_REGISTRY_REGISTRY_DIR_H
#define GROUP_REGISTRY_REGISTRY_DIR_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The directories that may have this user's registry files, in the order in
 * which they are tried. Two processes of one user can see different lists (a
 * login session has XDG_RUNTIME_DIR, cron(8) has not), so all directories are
 * searched for a file in use before a new one is made.
 */
enum {
	REGISTRY_DIRS = 20,
	REGISTRY_DIR_PATH = 160,
};

struct registry_dirs {
	int count;
	char path[REGISTRY_DIRS][REGISTRY_DIR_PATH];
};

void registry_dirs_list(struct registry_dirs *);
/*
 * The directory for a file of that name: one in which such a file is in use, or
 * else the first that is ours. With make, makes it if it is missing. NULL: a
 * fault, there is none.
 */
const char *registry_dirs_find(const struct registry_dirs *, const char *name,
    bool make);
/* Calls each() with the name of every file in them. */
void registry_dirs_names(const struct registry_dirs *,
    void (*each)(const char *name, void *arg), void *arg);
/*
 * Removes the files that no process uses: those of dead network namespaces, and
 * of processes that were killed. mutex: the byte that a joining process locks.
 */
void registry_dirs_sweep(const struct registry_dirs *, int mutex);

/*
 * Whether the open file is a regular one of ours that nobody else may open,
 * with one name (or none any more).
 */
bool registry_file_is_ours(int fd);

#endif
