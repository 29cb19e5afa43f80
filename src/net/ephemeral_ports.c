#include "net/ephemeral_ports.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { ODD_A_TURN = 256 };	/* few: bind(2) to port 0 needs them */

static void
read_range(struct ephemeral_ports *p)
{
	FILE *in = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned low, high;

	p->low = 32768;
	p->high = 60999;
	if (!in)
		return;
	if (fscanf(in, "%u %u", &low, &high) == 2 && low <= high &&
	    high <= 65535) {
		p->low = (uint16_t)low;
		p->high = (uint16_t)high;
	}
	fclose(in);
}

/* "8080,9148-9150" */
static void
read_reserved(struct ephemeral_ports *p)
{
	FILE *in = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	unsigned from, to;

	if (!in)
		return;
	while (p->reserved < PORTS_RESERVED_MAX &&
	    fscanf(in, "%u", &from) == 1) {
		if (fscanf(in, "-%u", &to) != 1)
			to = from;
		p->skip[p->reserved].from = (uint16_t)from;
		p->skip[p->reserved++].to = (uint16_t)to;
		if (fgetc(in) != ',')
			break;
	}
	fclose(in);
}

static int
ports_half(const struct ephemeral_ports *p)
{
	return (p->high - p->low + 1) / 2;
}

/* A random even port. */
static uint16_t
ports_start(const struct ephemeral_ports *p)
{
	uint16_t start = 0;

	if (getrandom(&start, sizeof(start), GRND_NONBLOCK) < 0)
		start = 0;
	return (uint16_t)((p->low + start % (p->high - p->low + 1)) & ~1);
}

void
ephemeral_ports_init(struct ephemeral_ports *p)
{
	memset(p, 0, sizeof(*p));
	read_range(p);
	read_reserved(p);
	p->next = ports_start(p);
	p->left = ports_half(p);
}

bool
ephemeral_ports_have(const struct ephemeral_ports *p, uint16_t port)
{
	return port >= p->low && port <= p->high;
}

static bool
is_reserved(const struct ephemeral_ports *p, uint16_t port)
{
	for (int i = 0; i < p->reserved; i++)
		if (port >= p->skip[i].from && port <= p->skip[i].to)
			return true;
	return false;
}

static uint16_t
ports_step(struct ephemeral_ports *p)
{
	int parity = p->next & 1;

	if (p->left-- == 0) {
		p->left = ports_half(p);
		parity = !parity;
		p->next = (uint16_t)(p->next ^ 1);
	}
	if (p->high - p->next < 2)
		p->next = (uint16_t)(p->low + ((p->low & 1) != parity));
	else
		p->next = (uint16_t)(p->next + 2);
	return p->next;
}

uint16_t
ephemeral_ports_next(struct ephemeral_ports *p)
{
	uint16_t port = ports_step(p);

	for (int i = ports_half(p); i > 0 && is_reserved(p, port); i--)
		port = ports_step(p);
	return port;
}

void
ephemeral_ports_jump(struct ephemeral_ports *p, bool odd)
{
	p->next = ports_start(p) | odd;
	p->left = odd ? ODD_A_TURN : ports_half(p);
}
