// Reads text that does not exist until it is read: a page-fault handler maps the page and
// writes it. The second text crosses into a page that the handler itself faults on.

#include <lib.h>

static void
handler(struct UTrapframe *fault)
{
	void *page = (void *) ROUNDDOWN(fault->utf_fault_va, PGSIZE);
	cprintf("fault %x\n", fault->utf_fault_va);
	int error = sys_page_alloc(0, page, PTE_P | PTE_U | PTE_W);
	if (error < 0)
		panic("page_alloc at %p: %e", page, error);
	snprintf((char *) fault->utf_fault_va, 100, "this string was faulted in at %08x",
	         fault->utf_fault_va);
}

int
main(int argc, char **argv)
{
	int error = set_pgfault_handler(handler);
	if (error < 0)
		panic("set_pgfault_handler: %e", error);
	cprintf("%s\n", (char *) 0xdeadbeef);
	cprintf("%s\n", (char *) 0xcafebffe);
	return 0;
}
