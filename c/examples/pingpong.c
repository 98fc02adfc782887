// Parent and child send each other a page, and count in it.

#include <lib.h>

// Where each has the page; nothing else is there.
#define BALL ((int *) 0xa0000000)
#define LAST 10
#define RIGHTS (PTE_P | PTE_U | PTE_W)

// Receives the ball, adds one, and sends it back, until it is at the last number.
static void
play(void)
{
	for (;;) {
		envid_t from;
		int perm;
		ipc_recv(&from, BALL, &perm);
		if (!(perm & PTE_W))
			panic("a page that cannot be written came from %x", from);
		cprintf("%x got %d from %x\n", sys_getenvid(), *BALL, from);
		if (*BALL == LAST)
			return;
		int now = ++*BALL;
		int error = ipc_send(from, 0, BALL, RIGHTS);
		if (error < 0)
			panic("ipc_send: %e", error);
		if (now == LAST)
			return;
	}
}

int
main(int argc, char **argv)
{
	envid_t child = fork();
	if (child < 0)
		panic("fork: %e", child);
	if (child > 0) {
		int error = sys_page_alloc(0, BALL, RIGHTS);
		if (error < 0)
			panic("page_alloc: %e", error);
		*BALL = 0;
		cprintf("send 0 from %x to %x\n", sys_getenvid(), child);
		ipc_send(child, 0, BALL, RIGHTS);
	}
	play();
	return 0;
}
