// What a kernel of the course would start: as many environments as calls.
#define START(name) begin(_binary_obj_##name##_start, sizeof(int))
#define ALSO(name) START(name)
#ifndef TEST
#define TEST user_hello
#endif

extern unsigned char _binary_obj_user_tiny_start[], _binary_obj_user_hello_start[];
void begin(unsigned char *image, int kind);

void first(void)
{
	START(user_tiny);
	START(user_hello);
	ALSO(TEST);
}
