// A binary tree of environments three levels deep, each named by the way to it. Written as
// a program for JOS is, with its header and umain.

#include <inc/lib.h>

#define DEPTH 3

static void
grow(const char *path)
{
	cprintf("%04x: I am '%s'\n", sys_getenvid(), path);
	if (strlen(path) == DEPTH)
		return;
	for (int step = 0; step < 2; step++) {
		envid_t child = fork();
		if (child < 0)
			panic("fork: %e", child);
		if (child == 0) {
			char longer[DEPTH + 1];
			snprintf(longer, sizeof longer, "%s%d", path, step);
			grow(longer);
			exit();
		}
	}
}

void
umain(int argc, char **argv)
{
	grow("");
}
