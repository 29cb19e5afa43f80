#include "net/interface.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int any = -1;	/* a socket to ask by: any kind will do */

void
interface_prepare(void)
{
	if (any < 0)
		any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

const char *
interface_name(unsigned index, char name[static IF_NAMESIZE])
{
	struct ifreq r = { .ifr_ifindex = (int)index };

	interface_prepare();
	if (any < 0 || ioctl(any, SIOCGIFNAME, &r) < 0)	/* netdevice(7) */
		return NULL;
	memcpy(name, r.ifr_name, IF_NAMESIZE);
	name[IF_NAMESIZE - 1] = '\0';
	return name;
}
