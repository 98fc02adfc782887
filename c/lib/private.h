// What the library's files know of each other.

#ifndef JOSTLE_PRIVATE_H
#define JOSTLE_PRIVATE_H

#include <lib.h>

// Where page faults enter: fault.c.
extern char fault_upcall[];
// Makes sure that page faults come to the library.
int enable_faults(void);
// Gives an environment an exception stack.
int provide_exception_stack(envid_t env);

#endif
