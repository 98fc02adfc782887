// Page faults that the program handles itself, and those of pages that are copied when they
// are written.
//
// At a fault the kernel has the environment enter the upcall, with a struct UTrapframe at
// esp, on the exception stack. The hard thing is to go back without a call: every register,
// the flags, the stack and the place in the program must be as they were, and the last
// instruction to do so can only take the place from the stack. So the upcall puts eip just
// below what the interrupted code has on its stack; for a fault in a handler the kernel has
// left a word free there. That store may itself fault, if the stack is to be copied: that
// is one more fault in the handler.

#include "private.h"

static void (*program_handler)(struct UTrapframe *fault);

asm(".text\n"
    ".globl fault_upcall\n"
    "fault_upcall:\n"
    "	cld\n"
    // All registers are in the frame: ebx can remember where that is.
    "	movl %esp, %ebx\n"
    "	andl $-16, %esp\n"
    "	subl $12, %esp\n"
    "	pushl %ebx\n"
    "	call fault_entry\n"
    "	movl %ebx, %esp\n"
    "	movl 40(%esp), %eax\n"
    "	movl 48(%esp), %ecx\n"
    "	subl $4, %ecx\n"
    "	movl %ecx, 48(%esp)\n"
    "	movl %eax, (%ecx)\n"
    "	addl $8, %esp\n"
    "	popal\n"
    // Over eip.
    "	addl $4, %esp\n"
    "	popfl\n"
    "	popl %esp\n"
    "	ret\n");

_Static_assert(offsetof(struct UTrapframe, utf_regs) == 8, "the upcall has it");
_Static_assert(offsetof(struct UTrapframe, utf_eip) == 40, "the upcall has it");
_Static_assert(offsetof(struct UTrapframe, utf_esp) == 48, "the upcall has it");

uint32_t
page_perm(const void *va)
{
	if (!(uvpd[PDX(va)] & PTE_P))
		return 0;
	uint32_t entry = uvpt[PGNUM(va)];
	return (entry & (PTE_P | PTE_U)) == (PTE_P | PTE_U) ? PGOFF(entry) : 0;
}

int
provide_exception_stack(envid_t env)
{
	return sys_page_alloc(env, (void *) (UXSTACKTOP - PGSIZE), PTE_P | PTE_U | PTE_W);
}

int
enable_faults(void)
{
	uint32_t upcall = thisenv->env_pgfault_upcall;
	if (upcall == (uint32_t) fault_upcall)
		return 0;
	// An upcall that the program has brought itself stays.
	if (upcall)
		return -E_INVAL;
	// lab: upcall {
	int error = provide_exception_stack(0);
	return error < 0 ? error : sys_env_set_pgfault_upcall(0, fault_upcall);
	// lab: upcall }
}

int
set_pgfault_handler(void (*handler)(struct UTrapframe *fault))
{
	// lab: upcall {
	int error = enable_faults();
	if (error >= 0)
		program_handler = handler;
	return error;
	// lab: upcall }
}

// Gives the page its own copy, which can be written. What the kernel offers is known since
// faults come here, so `has_feature` writes nothing: that might be a fault like this one.
static int
copy_page(void *page, int perm)
{
	// lab: copy_on_write {
	if (has_feature(FEATURE_PAGES))
		return sys_page_copy(0, page, 0, page, perm);
	void *scratch = (void *) PFTEMP;
	int error = sys_page_alloc(0, scratch, PTE_P | PTE_U | PTE_W);
	if (error < 0)
		return error;
	memcpy(scratch, page, PGSIZE);
	error = sys_page_map(0, scratch, 0, page, perm);
	if (error < 0)
		return error;
	return sys_page_unmap(0, scratch);
	// lab: copy_on_write }
}

// If the fault is a write to a page that is copied on write, copies the page. Returns
// whether it was.
static bool
copy_on_write(const struct UTrapframe *fault)
{
	// lab: copy_on_write {
	void *page = (void *) ROUNDDOWN(fault->utf_fault_va, PGSIZE);
	uint32_t perm = page_perm(page);
	if (!(fault->utf_err & FEC_WR) || !(perm & PTE_COW))
		return false;
	int error = copy_page(page, (perm & PTE_SYSCALL & ~PTE_COW) | PTE_W);
	if (error < 0)
		panic("copy on write of %p: %e", page, error);
	return true;
	// lab: copy_on_write }
}

// Called by the upcall.
void fault_entry(struct UTrapframe *fault) __attribute__((used));

void
fault_entry(struct UTrapframe *fault)
{
	if (copy_on_write(fault))
		return;
	if (program_handler)
		program_handler(fault);
	else if (sys_env_set_pgfault_upcall(0, 0) < 0)
		exit();
	// Without an upcall the fault happens again, and the kernel tells of it.
}
