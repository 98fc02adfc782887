//! `memcpy`, `memmove`, `memset`, `memcmp`, `bcmp` and `strlen`, as C declares
//! them: the list that `core` documents.
//!
//! String instructions move whole words, then the last one to three bytes. The hard
//! thing is `memmove` downwards: the direction flag must be clear again before
//! anything else runs.
//!
//! Arguments lie at `[esp + 4]` and up (cdecl); `eax`, `ecx` and `edx` may be
//! changed; the direction flag is clear on entry. Source: System V ABI, Intel386
//! supplement; Intel SDM volume 2, `REP`.

use core::arch::naked_asm;

/// Copies `n` bytes; the ranges do not overlap. Returns `to`.
///
/// # Safety
/// `from` is readable and `to` is writeable for `n` bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    naked_asm!(
        "push esi",
        "push edi",
        "mov edi, [esp + 12]",
        "mov esi, [esp + 16]",
        "mov edx, [esp + 20]",
        "mov eax, edi",
        "mov ecx, edx",
        "shr ecx, 2",
        "rep movsd",
        "mov ecx, edx",
        "and ecx, 3",
        "rep movsb",
        "pop edi",
        "pop esi",
        "ret",
    )
}

/// Copies `n` bytes as if through a buffer. Returns `to`.
///
/// # Safety
/// `from` is readable and `to` is writeable for `n` bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    naked_asm!(
        // Upwards is right unless `to` lies inside [from, from + n): as one
        // unsigned comparison, unless to - from < n.
        "mov eax, [esp + 4]",
        "sub eax, [esp + 8]",
        "cmp eax, [esp + 12]",
        "jae {memcpy}",
        "push esi",
        "push edi",
        "mov edx, [esp + 20]",
        "mov edi, [esp + 12]",
        "mov esi, [esp + 16]",
        "mov eax, edi",
        // The last bytes first, then words; each register points at the last
        // byte, then at the last word, still to be moved.
        "lea edi, [edi + edx - 1]",
        "lea esi, [esi + edx - 1]",
        "mov ecx, edx",
        "and ecx, 3",
        "std",
        "rep movsb",
        "sub edi, 3",
        "sub esi, 3",
        "mov ecx, edx",
        "shr ecx, 2",
        "rep movsd",
        "cld",
        "pop edi",
        "pop esi",
        "ret",
        memcpy = sym memcpy,
    )
}

/// Sets `n` bytes to the low byte of `value`. Returns `to`.
///
/// # Safety
/// `to` is writeable for `n` bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, n: usize) -> *mut u8 {
    naked_asm!(
        "push edi",
        "mov edi, [esp + 8]",
        "movzx eax, byte ptr [esp + 12]",
        "imul eax, eax, 0x01010101",
        "mov edx, [esp + 16]",
        "mov ecx, edx",
        "shr ecx, 2",
        "rep stosd",
        "mov ecx, edx",
        "and ecx, 3",
        "rep stosb",
        "mov eax, [esp + 8]",
        "pop edi",
        "ret",
    )
}

/// Compares `n` bytes: negative, zero or positive as `a` is below, equal to
/// or above `b` in the first byte that differs.
///
/// # Safety
/// Both are readable for `n` bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    naked_asm!(
        "push esi",
        "push edi",
        "mov esi, [esp + 12]",
        "mov edi, [esp + 16]",
        "mov edx, [esp + 20]",
        "xor eax, eax",
        // A count of zero compares nothing and keeps ZF, which the
        // instruction that made the count has set: equal.
        "mov ecx, edx",
        "shr ecx, 2",
        "repe cmpsd",
        "je 2f",
        // This word differs; find the byte.
        "sub esi, 4",
        "sub edi, 4",
        "mov ecx, 4",
        "jmp 3f",
        "2:",
        "mov ecx, edx",
        "and ecx, 3",
        "3:",
        "repe cmpsb",
        "je 4f",
        "movzx eax, byte ptr [esi - 1]",
        "movzx edx, byte ptr [edi - 1]",
        "sub eax, edx",
        "4:",
        "pop edi",
        "pop esi",
        "ret",
    )
}

/// [`memcmp`] for callers that only ask whether the bytes are equal.
///
/// # Safety
/// Both are readable for `n` bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    naked_asm!("jmp {memcmp}", memcmp = sym memcmp)
}

/// Bytes before the first NUL.
///
/// # Safety
/// `text` is readable up to and including a NUL.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    naked_asm!(
        "push edi",
        "mov edi, [esp + 8]",
        "xor eax, eax",
        "mov ecx, -1",
        "repne scasb",
        // The count fell from -1 by one for each byte and for the NUL.
        "not ecx",
        "lea eax, [ecx - 1]",
        "pop edi",
        "ret",
    )
}
