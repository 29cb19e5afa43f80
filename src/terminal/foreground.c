#include "terminal/foreground.h"

#include <unistd.h>

bool
in_background(int terminal)
{
	pid_t job = tcgetpgrp(terminal);

	return job >= 0 && job != getpgrp();
}

bool
in_foreground(int terminal)
{
	return tcgetpgrp(terminal) == getpgrp();
}
