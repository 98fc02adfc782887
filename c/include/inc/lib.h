// The header that JOS's programs include.

#include <lib.h>
