// Looks at its page tables around a fork: pages are shared until somebody writes them.
//
// The hard thing is to look before the page is written. So what is looked at has a page of
// its own, in which nothing else is.

#include <lib.h>

#define A_PAGE __attribute__((aligned(PGSIZE)))

// The child writes this one,
static volatile int page[PGSIZE / 4] A_PAGE = {1};
// and the parent this one.
static volatile int other[PGSIZE / 4] A_PAGE = {1};
// This one is the same for both,
#define SHARED ((volatile int *) 0xa0000000)
// and this one can only be read.
#define ONLY_READ ((volatile int *) 0xa0001000)

static void
say(bool is_so, const char *good, const char *bad)
{
	cprintf("%s\n", is_so ? good : bad);
}

static uint32_t
rights(const volatile int *of)
{
	return page_perm((const void *) of);
}

static void
tell(envid_t other)
{
	int error = ipc_send(other, 0, 0, 0);
	if (error < 0)
		panic("ipc_send: %e", error);
}

static void
child(envid_t parent)
{
	bool shared = rights(page) & PTE_COW && !(rights(page) & PTE_W);
	say(shared && page[0] == 1, "child: shared until written",
	    "child: the page should be marked COW, not be writeable, and hold the parent's word");
	page[0] = 2;
	bool own = rights(page) & PTE_W && !(rights(page) & PTE_COW);
	say(own && page[0] == 2, "child: its own when written",
	    "child: after a write the page should be writeable, without COW, and hold the new word");
	say(rights(ONLY_READ) && !(rights(ONLY_READ) & (PTE_W | PTE_COW)),
	    "child: what is only read stays so",
	    "child: a page that can only be read should be there, neither writeable nor COW");
	SHARED[0] = 2;
	tell(parent);
	ipc_recv(0, 0, 0);
	say(other[0] == 1, "child: nothing has changed",
	    "child: what the parent writes should not be seen here");
}

static void
parent(envid_t child)
{
	other[0] = 2;
	ipc_recv(0, 0, 0);
	say(page[0] == 1, "parent: nothing has changed",
	    "parent: what the child writes should not be seen here");
	page[0] = 3;
	say(rights(page) & PTE_W, "parent: it may write again",
	    "parent: after a write the page should be writeable");
	say(SHARED[0] == 2, "parent: what is shared is the same for both",
	    "parent: what the child writes to a page with PTE_SHARE should be seen here");
	tell(child);
}

int
main(int argc, char **argv)
{
	int error = sys_page_alloc(0, (void *) SHARED, PTE_P | PTE_U | PTE_W | PTE_SHARE);
	if (error >= 0)
		error = sys_page_alloc(0, (void *) ONLY_READ, PTE_P | PTE_U);
	if (error < 0)
		panic("page_alloc: %e", error);
	envid_t me = sys_getenvid();
	envid_t made = fork();
	if (made < 0)
		panic("fork: %e", made);
	if (made == 0)
		child(me);
	else
		parent(made);
	return 0;
}
