// Before and after main.
//
// The kernel starts a program with esp at the very top of the stack. A parent with
// arguments to give puts them there, and sets esp to two words, argc and argv. The hard
// thing: nothing can be read at the stack's top, so `_start` compares before it looks.

#include <lib.h>

asm(".section .text.start, \"ax\"\n"
    ".globl _start\n"
    "_start:\n"
    "	cmpl $0xeebfe000, %esp\n"
    "	jne 1f\n"
    "	pushl $0\n"
    "	pushl $0\n"
    "1:	movl (%esp), %eax\n"
    "	movl 4(%esp), %edx\n"
    // The stack as functions expect it; a frame pointer of 0 ends every backtrace.
    "	xorl %ebp, %ebp\n"
    "	andl $-16, %esp\n"
    "	subl $8, %esp\n"
    "	pushl %edx\n"
    "	pushl %eax\n"
    "	call begin\n"
    ".text\n");

_Static_assert(USTACKTOP == 0xeebfe000u, "_start compares with it");

// A program has one of the two.
extern int main(int argc, char **argv) __attribute__((weak));
extern void umain(int argc, char **argv) __attribute__((weak));

const char *binaryname = PROGRAM_NAME;

void begin(int argc, char **argv) __attribute__((noreturn, used));

void
begin(int argc, char **argv)
{
	if (argc > 0)
		binaryname = argv[0];
	if (main)
		main(argc, argv);
	else if (umain)
		umain(argc, argv);
	else
		panic("neither main nor umain");
	exit();
}

void
exit(void)
{
	for (;;)
		sys_env_destroy(0);
}

void
panic_at(const char *file, int line, const char *format, ...)
{
	char message[200];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	cprintf("[%08x] user panic in %s at %s:%d: %s\n", sys_getenvid(), binaryname, file,
	        line, message);
	// A monitor may let the environment go on.
	for (;;)
		asm volatile("int3");
}
