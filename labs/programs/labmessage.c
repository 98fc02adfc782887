// Messages of all kinds: a word alone, a page, a page that is not wanted; and a wait and a
// message that are refused.
//
// The hard thing is that the receiver's variables hold what it has asked for by chance. So
// they hold something else before each wait.

#include <lib.h>

#define PAGE ((volatile int *) 0xa0000000)
#define RIGHTS (PTE_P | PTE_U | PTE_W)
// Neither an environment's id nor rights.
#define NOTHING 0x55

static void
say(bool is_so, const char *good, const char *bad)
{
	cprintf("%s\n", is_so ? good : bad);
}

static void
give(envid_t to, uint32_t value, void *page)
{
	int error = ipc_send(to, value, page, page ? RIGHTS : 0);
	if (error < 0)
		panic("ipc_send: %e", error);
}

static void
child(envid_t parent)
{
	say(ipc_send(0x7ffff, 0, 0, 0) == -E_BAD_ENV, "child: nobody is there",
	    "child: a message to nobody should fail with E_BAD_ENV");
	give(parent, 7, 0);
	int error = sys_page_alloc(0, (void *) PAGE, RIGHTS);
	if (error < 0)
		panic("page_alloc: %e", error);
	PAGE[0] = 8;
	give(parent, 8, (void *) PAGE);
	give(parent, 9, (void *) PAGE);
	give(parent, 10, 0);
}

static void
parent(envid_t child)
{
	envid_t from = NOTHING;
	int perm = NOTHING;
	int32_t value = ipc_recv(&from, 0, &perm);
	say(value == 7 && from == child && perm == 0, "parent: a word came",
	    "parent: 7 should come from the child, and no page");
	value = ipc_recv(&from, (void *) PAGE, &perm);
	say(value == 8 && from == child && (perm & RIGHTS) == RIGHTS && PAGE[0] == 8,
	    "parent: a page came", "parent: 8 should come, and a page that holds 8");
	from = perm = NOTHING;
	value = ipc_recv(&from, (void *) (PAGE + 1), &perm);
	say(value == -E_INVAL && from == 0 && perm == 0, "parent: no page begins there",
	    "parent: to receive at an address that is no page's should fail, from nobody");
	perm = NOTHING;
	value = ipc_recv(0, 0, &perm);
	say(value == 9 && perm == 0, "parent: a page was not wanted",
	    "parent: 9 should come, and no page, as none was wanted");
	say(ipc_recv(0, 0, 0) == 10, "parent: who sent is not asked",
	    "parent: 10 should come though neither sender nor rights are asked for");
}

int
main(int argc, char **argv)
{
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
