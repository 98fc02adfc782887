// A child with a copy of everything, page by page when one of the two writes.
//
// The hard thing is that the child comes out of the same trap as its parent, but on a stack
// that the parent gives away later. A compiler may use a slot of the stack again that is
// dead on the parent's way and still needed on the child's. So all that the parent does for
// the child happens inside of one call from assembly: it writes only below the esp of the
// trap, where nothing is the child's.
//
// Page by page, the child's mapping comes first, and only then does the parent lose the
// right to write. In the other order a write in between would give the parent a copy, and
// the child would get that copy, which the parent still can write.

#include "private.h"

envid_t fork_filled(void);

asm(".text\n"
    "fork_filled:\n"
    "	pushl %ebp\n"
    "	movl %esp, %ebp\n"
    "	pushl %ebx\n"
    "	pushl %esi\n"
    "	pushl %edi\n"
    "	movl $7, %eax\n"
    "	int $0x30\n"
    // The child comes out here too, with 0.
    "	testl %eax, %eax\n"
    "	jle 1f\n"
    "	pushl %eax\n"
    "	call fork_fill\n"
    "	addl $4, %esp\n"
    "1:	popl %edi\n"
    "	popl %esi\n"
    "	popl %ebx\n"
    "	popl %ebp\n"
    "	ret\n");

_Static_assert(SYS_exofork == 7, "fork_filled has it");

// Gives the child a page that is copied when either of the two writes it.
static int
share(envid_t child, void *page)
{
	// lab: copy_on_write {
	uint32_t shared = (page_perm(page) & PTE_SYSCALL & ~PTE_W) | PTE_COW;
	int error = sys_page_map(0, page, child, page, shared);
	if (error < 0)
		return error;
	// Perhaps a write has given the parent its own copy by now, and perhaps it has lost
	// the right before.
	return page_perm(page) & PTE_W ? sys_page_map(0, page, 0, page, shared) : 0;
	// lab: copy_on_write }
}

// Gives the child all pages of the caller but the exception stack.
static int
give_all(envid_t child)
{
	// lab: fork {
	uint32_t end = PGNUM(UXSTACKTOP - PGSIZE);
	for (uint32_t number = 0; number < end; number++) {
		if (!(uvpd[number / NPTENTRIES] & PTE_P)) {
			number |= NPTENTRIES - 1;
			continue;
		}
		void *page = (void *) (number << PGSHIFT);
		uint32_t perm = page_perm(page);
		if (!perm || page == (void *) PFTEMP)
			continue;
		bool private = perm & (PTE_W | PTE_COW) && !(perm & PTE_SHARE);
		int error = private ? share(child, page)
		                    : sys_page_map(0, page, child, page, perm & PTE_SYSCALL);
		if (error < 0)
			return error;
	}
	return 0;
	// lab: fork }
}

// Called by fork_filled. Returns the child's id, or an error after ending the child.
envid_t fork_fill(envid_t child) __attribute__((used));

envid_t
fork_fill(envid_t child)
{
	// lab: fork {
	int error = give_all(child);
	if (error >= 0)
		error = provide_exception_stack(child);
	if (error >= 0)
		error = sys_env_set_pgfault_upcall(child, fault_upcall);
	if (error >= 0)
		error = sys_env_set_status(child, ENV_RUNNABLE);
	if (error >= 0)
		return child;
	sys_env_destroy(child);
	return error;
	// lab: fork }
}

envid_t
fork(void)
{
	int error = enable_faults();
	return error < 0 ? error : fork_filled();
}
