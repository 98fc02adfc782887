// Division of 64-bit numbers, which compilers leave to a library that is missing where
// there are no 32-bit parts of one.
//
// By hand, a bit at a time: programs divide long numbers to print them. The hard thing is
// only that nothing here may divide long numbers.

#include <stdint.h>

static uint64_t
divide(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
	uint64_t quotient = 0, rest = 0;
	if (divisor == 0)
		asm volatile("divl %0" : : "r" (0), "a" (0), "d" (0));
	for (int bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (dividend >> bit & 1);
		if (rest >= divisor) {
			rest -= divisor;
			quotient |= (uint64_t) 1 << bit;
		}
	}
	*remainder = rest;
	return quotient;
}

uint64_t
__udivdi3(uint64_t dividend, uint64_t divisor)
{
	uint64_t rest;
	return divide(dividend, divisor, &rest);
}

uint64_t
__umoddi3(uint64_t dividend, uint64_t divisor)
{
	uint64_t rest;
	divide(dividend, divisor, &rest);
	return rest;
}

uint64_t
__udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
	uint64_t rest;
	uint64_t quotient = divide(dividend, divisor, &rest);
	if (remainder)
		*remainder = rest;
	return quotient;
}

static uint64_t
size(int64_t value)
{
	return value < 0 ? -(uint64_t) value : (uint64_t) value;
}

int64_t
__divdi3(int64_t dividend, int64_t divisor)
{
	uint64_t quotient = __udivdi3(size(dividend), size(divisor));
	return (dividend < 0) != (divisor < 0) ? -quotient : quotient;
}

int64_t
__moddi3(int64_t dividend, int64_t divisor)
{
	uint64_t rest = __umoddi3(size(dividend), size(divisor));
	return dividend < 0 ? -rest : rest;
}

int64_t
__divmoddi4(int64_t dividend, int64_t divisor, int64_t *remainder)
{
	*remainder = __moddi3(dividend, divisor);
	return __divdi3(dividend, divisor);
}
