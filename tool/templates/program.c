// Has a child double a number.
//
// What a program can call is in c/include/jostle.h and c/include/lib.h of Jostle's tree, each with a
// line on what it does.

#include <jostle.h>
#include <lib.h>

// Has a child, sends it a number, and prints its answer.
static int
double_it(int number)
{
	// One environment calls, two return: the child has a copy of all memory, this
	// place in the program included.
	envid_t child = fork();
	if (child < 0)
		return child;
	envid_t from;
	if (child == 0) {
		int question = ipc_recv(&from, 0, 0);
		ipc_send(from, 2 * question, 0, 0);
		return 0;
	}
	// A message is a word. This waits until the child receives.
	ipc_send(child, number, 0, 0);
	int answer = ipc_recv(&from, 0, 0);
	cprintf("NAME: %08x answers %d\n", from, answer);
	return 0;
}

int
main(int argc, char **argv)
{
	cprintf("NAME: I am environment %08x\n", sys_getenvid());
	int error = double_it(21);
	if (error < 0)
		panic("%e", error);
	return 0;
}
