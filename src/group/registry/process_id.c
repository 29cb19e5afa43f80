#include "group/registry/process_id.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t
random_cookie(void)
{
	struct timespec now;
	uint64_t cookie = 0;

	if (getrandom(&cookie, sizeof(cookie), GRND_NONBLOCK) !=
	    sizeof(cookie) || !cookie) {
		clock_gettime(CLOCK_REALTIME, &now);
		cookie = (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec ^
		    (uint64_t)getpid() << 48 ^ 1;
	}
	return cookie;
}

uint64_t
process_cookie(void)
{
	static uint64_t cookie;
	static pid_t owner;

	if (!cookie || owner != getpid()) {
		cookie = random_cookie();
		owner = getpid();
	}
	return cookie;
}

uint64_t
process_pid_namespace(void)
{
	static uint64_t inode;
	struct stat st;

	if (!inode && stat("/proc/self/ns/pid", &st) == 0)
		inode = st.st_ino;
	return inode;
}
