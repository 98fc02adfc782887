// The library for programs in C: what JOS's offers, under the names that its users know,
// and Jostle's own calls.
//
// The hard thing is to run on other kernels of the interface too: whatever is used beyond
// JOS's calls is asked for first (`has_feature`), and has another way where it is missing.

#ifndef JOSTLE_LIB_H
#define JOSTLE_LIB_H

#include <stdarg.h>
#include <jostle.h>

// ---- One's own

// Where the program begins; what it returns is ignored. `void umain(int, char **)`, as
// JOS's programs have it, will do too.
int main(int argc, char **argv);

// Ends this environment.
void exit(void) __attribute__((noreturn));

// The program's name, for messages.
extern const char *binaryname;

// Prints a message and where it comes from, and ends with a breakpoint. The format is
// cprintf's.
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
void panic_at(const char *file, int line, const char *format, ...)
	__attribute__((noreturn));
#define assert(it) do { if (!(it)) panic("assertion failed: %s", #it); } while (0)

// The public tables. `thisenv` asks the kernel each time, so it is right in a child too.
#define envs    ((const volatile struct Env *) UENVS)
#define pages   ((const volatile struct PageInfo *) UPAGES)
#define uvpt    ((const volatile pte_t *) UVPT)
#define uvpd    ((const volatile pde_t *) (UVPT + (UVPT >> PGSHIFT) * 4))
#define thisenv (&envs[ENVX(sys_getenvid())])

// The rights of the page at `va`, 0 if none is mapped.
uint32_t page_perm(const void *va);

#define ROUNDDOWN(value, to) ((__typeof__(value)) ((uint32_t) (value) / (to) * (to)))
#define ROUNDUP(value, to) \
	((__typeof__(value)) (((uint32_t) (value) + (to) - 1) / (to) * (to)))

// ---- Text: cprintf.c, string.c

// %d %i %u %x %o %p %c %s %e (an error's text) %%; with a width, 0, -, a precision for %s,
// and l or ll before a number. One line of at most 255 bytes is not mixed with others'.
int cprintf(const char *format, ...);
int vcprintf(const char *format, va_list arguments);
// As C has it: what does not fit in `size` bytes is left out, and counted.
int snprintf(char *text, size_t size, const char *format, ...);
int vsnprintf(char *text, size_t size, const char *format, va_list arguments);
// What an error means, whichever sign it has.
const char *error_text(int error);

void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t most);
char *strcpy(char *to, const char *from);
size_t strlcpy(char *to, const char *from, size_t size);
char *strcat(char *to, const char *from);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t most);
char *strchr(const char *text, int byte);
long strtol(const char *text, char **end, int base);

// ---- Memory: heap.c

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

// ---- Environments: fork.c, fault.c, ipc.c

// A child with a copy of everything, page by page when one of the two writes. Returns its
// id, 0 in the child, or a negative error.
envid_t fork(void);

// From now on `handler` is called at page faults, of this environment and of children that
// `fork` makes. When it returns, the instruction is executed again. It must not use
// floating-point numbers. Returns 0 or a negative error.
int set_pgfault_handler(void (*handler)(struct UTrapframe *fault));

// Sends a word and, unless `page` is 0, a page, and waits until `to` has received. Returns 0
// or a negative error.
int ipc_send(envid_t to, uint32_t value, void *page, int perm);
// Waits for a message. A page that comes with it is mapped at `page`, unless that is 0.
// Returns the word; says who sent it, and with which rights the page came, 0 if none did.
// After an error, which is what it returns then, both are 0.
int32_t ipc_recv(envid_t *from, void *page, int *perm);
// The first environment of a type; 0 if there is none.
envid_t ipc_find_env(enum EnvType type);

// ---- Calls: calls.c. All return a negative error when they fail.

// Whether the kernel has the calls behind a FEATURE bit.
bool has_feature(uint32_t feature);

void sys_cputs(const char *text, size_t size);
int sys_cgetc(void);
envid_t sys_getenvid(void);
int sys_env_destroy(envid_t env);
int sys_page_alloc(envid_t env, void *va, int perm);
int sys_page_map(envid_t from, void *from_va, envid_t to, void *to_va, int perm);
int sys_page_unmap(envid_t env, void *va);
// The child goes on where its parent is, with registers but without memory: `fork` gives
// it that. Inlined, because the caller's own frame must be there when the child runs.
static inline envid_t sys_exofork(void) __attribute__((always_inline));
int sys_env_set_status(envid_t env, int status);
int sys_env_set_trapframe(envid_t env, struct Trapframe *frame);
int sys_env_set_pgfault_upcall(envid_t env, void *upcall);
void sys_yield(void);
int sys_ipc_try_send(envid_t to, uint32_t value, void *page, int perm);
int sys_ipc_recv(void *page);
int sys_time_msec(void);

// Extensions: ask `has_feature` first.
int sys_features(void);
int sys_ipc_send(envid_t to, uint32_t value, void *page, int perm);
void *sys_sbrk(int increment);
int sys_env_set_personality(envid_t env, int personality);
int sys_job_create(envid_t env);
int sys_job_destroy(envid_t job);
int sys_getc(void);
int sys_job_size(envid_t job);
int sys_page_copy(envid_t from, void *from_va, envid_t to, void *to_va, int perm);
int sys_page_ranges(struct PageRange *list, size_t count);
// `words` holds what is sent, and then what came.
int sys_ipc_call(envid_t to, uint32_t place, uint32_t words[2], void *page);
int sys_ipc_reply(envid_t to, uint32_t place, uint32_t words[2], void *page);
int sys_env_set_exception_upcall(envid_t env, void *upcall, uint32_t vectors);
int sys_time_usec(uint64_t *microseconds);
int sys_env_set_deadline(uint64_t microseconds);
int sys_sleep_until(uint64_t microseconds);
int sys_futex_wait(const volatile uint32_t *word, uint32_t expected, envid_t owner);
int sys_futex_wake(const volatile uint32_t *word, int count, bool hand_over);
int sys_env_set_scheduling(envid_t env, int priority, int shares);
int sys_env_get_state(envid_t env, struct EnvState *state);
int sys_env_set_state(envid_t env, const struct EnvState *state);
int sys_ipc_recv_from(envid_t from, void *page);

static inline envid_t
sys_exofork(void)
{
	envid_t child;
	asm volatile("int $0x30" : "=a" (child) : "a" (SYS_exofork) : "cc", "memory");
	return child;
}

#endif
