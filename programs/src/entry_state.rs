//! Entering the kernel with registers that no compiler would leave.
//!
//! The hard thing: such an entry may not come back, or come back anywhere. So the
//! environment is thrown away: where it goes on, it exits.

use core::arch::global_asm;

use user::abi::trap::USER_DATA;

/// The one call that the kernel answers before it saves anything.
const GETENVID: u32 = 2;

/// What is in the registers at the entry.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EntryState {
    /// Bits set in the flags beside those that were.
    pub flags: u32,
    /// Where `sysenter` returns to (esi); 0 for where it may.
    pub eip: u32,
    /// The stack pointer that it gives back (ebp), and where the fifth argument
    /// is; 0 for our own.
    pub esp: u32,
    /// The call.
    pub number: u32,
    /// ds and es.
    pub selector: u32,
    /// fs and gs.
    pub other_selector: u32,
}

impl EntryState {
    /// `getenvid`, as anybody would make it.
    pub const GOOD: EntryState = EntryState {
        flags: 0,
        eip: 0,
        esp: 0,
        number: GETENVID,
        selector: 0x23,
        other_selector: 0x23,
    };
}

/// Said where the kernel has come back to, and not with segments to compute with.
static BAD_SEGMENTS: [u8; 19] = *b"ds, es are hostile\n";

global_asm!(
    ".global enter_fast_in_state",
    "enter_fast_in_state:",
    "mov eax, [esp + 4]",
    "mov esi, [eax + 4]",
    "test esi, esi",
    "jnz 2f",
    "lea esi, [4f]",
    "2: mov ebp, [eax + 8]",
    "test ebp, ebp",
    "jnz 3f",
    "mov ebp, esp",
    "3: mov ecx, [eax + 16]",
    "mov edx, [eax + 20]",
    "pushfd",
    "pop ebx",
    "or ebx, [eax]",
    "mov eax, [eax + 12]",
    "push ebx",
    "mov fs, edx",
    "mov gs, edx",
    "mov ds, ecx",
    "mov es, ecx",
    "xor edx, edx",
    "xor ebx, ebx",
    "xor edi, edi",
    "cmp eax, {getenvid}",
    "jne 7f",
    "inc edi",
    "7: popfd",
    "sysenter",
    // An emulator may not mind what the kernel computes with; we see what it was. But
    // where it answers without a look at memory, they are still ours.
    "4: test edi, edi",
    "jnz 6f",
    "mov ecx, ds",
    "mov edx, es",
    "cmp cx, {data}",
    "jne 5f",
    "cmp dx, {data}",
    "je 6f",
    "5: xor eax, eax", // cputs
    "lea edx, [{bad}]",
    "mov ecx, {bad_len}",
    "int 0x30",
    // Three, env_destroy, of itself; no stack and no segment is needed for that.
    "6: mov eax, 3",
    "xor edx, edx",
    "int 0x30",
    "ud2",
    data = const USER_DATA,
    getenvid = const GETENVID,
    bad = sym BAD_SEGMENTS,
    bad_len = const BAD_SEGMENTS.len(),
);

unsafe extern "C" {
    fn enter_fast_in_state(state: *const EntryState) -> !;
}

/// Enters by `sysenter` in this state. The environment ends, one way or another.
///
/// # Safety
/// Neither `eip` nor, for a call that writes memory, its arguments name a place
/// where this program has anything.
pub unsafe fn enter_fast(state: &EntryState) -> ! {
    // SAFETY: it never comes back to Rust code: with an `eip` of 0 it exits at
    // once, and any other is the caller's obligation.
    unsafe { enter_fast_in_state(state) }
}
