// Says hello.

#include <lib.h>

int
main(int argc, char **argv)
{
	cprintf("hello, world\n");
	cprintf("i am environment %08x\n", sys_getenvid());
	for (int index = 1; index < argc; index++)
		cprintf("argument %d: %s\n", index, argv[index]);
	return 0;
}
