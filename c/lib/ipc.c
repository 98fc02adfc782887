// Messages that wait.
//
// A JOS kernel keeps no queue: a send succeeds only while the receiver waits. The hard thing
// is therefore the sender's patience. Where the kernel offers ipc_send, it keeps senders in
// a queue; elsewhere they try again, and yield in between.

#include <lib.h>

int
ipc_send(envid_t to, uint32_t value, void *page, int perm)
{
	// lab: ipc_send, without {
	if (has_feature(FEATURE_IPC_SEND))
		return sys_ipc_send(to, value, page ? page : (void *) UTOP, perm);
	// lab: ipc_send }
	// lab: ipc_send {
	void *from = page ? page : (void *) UTOP;
	int result;
	while ((result = sys_ipc_try_send(to, value, from, perm)) == -E_IPC_NOT_RECV)
		sys_yield();
	return result;
	// lab: ipc_send }
}

int32_t
ipc_recv(envid_t *from, void *page, int *perm)
{
	// lab: ipc_recv {
	int result = sys_ipc_recv(page ? page : (void *) UTOP);
	const volatile struct Env *this = thisenv;
	if (from)
		*from = result < 0 ? 0 : this->env_ipc_from;
	if (perm)
		*perm = result < 0 ? 0 : this->env_ipc_perm;
	return result < 0 ? result : (int32_t) this->env_ipc_value;
	// lab: ipc_recv }
}

envid_t
ipc_find_env(enum EnvType type)
{
	for (int slot = 0; slot < NENV; slot++)
		if (envs[slot].env_type == type && envs[slot].env_status != ENV_FREE)
			return envs[slot].env_id;
	return 0;
}
