//! The two instructions that enter the kernel.
//!
//! Both take the number of the call in `eax` and the arguments `a1..a5` in
//! `edx, ecx, ebx, edi` and a fifth place, and return in `eax`. `int 0x30` is
//! JOS's and every kernel has it; it preserves everything but `eax`, and its
//! fifth place is `esi`. `sysenter` is Jostle's: `esi` says where to return
//! and `ebp` with which stack pointer, the fifth argument is the word that
//! `ebp` points to, and `ecx` and `edx` do not survive.
//!
//! The hard thing: on i386 the compiler keeps `esi` and `ebp` for itself and
//! does not lend them to inline assembly, so they are saved on the stack here.
//! Five arguments and the number then need one register more than there is:
//! `eax` points to the number and the fifth argument.

use core::arch::asm;

/// A way into the kernel. All functions return what the kernel left in `eax`.
///
/// # Safety
/// System calls can do anything to the memory of this environment. The caller
/// must know what `number` means to the kernel that runs the program, and that
/// the call keeps this program's memory as Rust expects it.
#[expect(
    clippy::missing_safety_doc,
    reason = "the trait says it for all eight functions"
)]
pub trait Entry {
    /// A call without arguments.
    unsafe fn call0(number: u32) -> i32;
    /// A call with one argument.
    unsafe fn call1(number: u32, a1: u32) -> i32;
    /// A call with two arguments.
    unsafe fn call2(number: u32, a1: u32, a2: u32) -> i32;
    /// A call with three arguments.
    unsafe fn call3(number: u32, a1: u32, a2: u32, a3: u32) -> i32;
    /// A call with four arguments.
    unsafe fn call4(number: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> i32;
    /// A call with four arguments that also returns two words, in `ebx` and `edi`.
    unsafe fn call4_words(number: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> (i32, [u32; 2]);
    /// A call with five arguments.
    unsafe fn call5(number: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> i32;
    /// A call with five arguments that also returns two words, in `ebx` and `edi`.
    unsafe fn call5_words(number: u32, arguments: [u32; 5]) -> (i32, [u32; 2]);
}

/// `int 0x30`: JOS's entry.
#[derive(Clone, Copy)]
pub struct Int;

/// `sysenter`. A value of this type says that the kernel has it, and comes from
/// [`crate::interface::Interface::sysenter`]. Elsewhere the environment dies of
/// a general protection fault, or goes on as another protocol wants it.
#[derive(Clone, Copy)]
pub struct Sysenter(pub(crate) ());

macro_rules! int {
    ($name:ident($($arg:ident in $register:tt),*)) => {
        #[inline(always)]
        unsafe fn $name(number: u32 $(, $arg: u32)*) -> i32 {
            let result;
            // SAFETY:
            // 1. The kernel changes no register but eax, which is an output.
            // 2. What it may do to memory is the caller's obligation; the
            //    compiler assumes that the statement touches all of it.
            unsafe {
                asm!(
                    "int 0x30",
                    inlateout("eax") number => result,
                    $(in($register) $arg,)*
                );
            }
            result
        }
    };
}

impl Entry for Int {
    int!(call0());
    int!(call1(a1 in "edx"));
    int!(call2(a1 in "edx", a2 in "ecx"));
    int!(call3(a1 in "edx", a2 in "ecx", a3 in "ebx"));
    int!(call4(a1 in "edx", a2 in "ecx", a3 in "ebx", a4 in "edi"));

    #[inline(always)]
    unsafe fn call4_words(number: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> (i32, [u32; 2]) {
        let (result, word, second);
        // SAFETY:
        // 1. The kernel changes no register but eax, ebx, edi and edx, which are
        //    outputs.
        // 2. What it may do to memory is the caller's obligation.
        unsafe {
            asm!(
                "int 0x30",
                inlateout("eax") number => result,
                inlateout("edx") a1 => _,
                in("ecx") a2,
                inlateout("ebx") a3 => word,
                inlateout("edi") a4 => second,
            );
        }
        (result, [word, second])
    }

    #[inline(always)]
    unsafe fn call5(number: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> i32 {
        let number_and_fifth = [number, a5];
        let result;
        // SAFETY:
        // 1. eax points to two live words, read before the kernel is entered.
        // 2. esi is restored before the statement ends, and the stack pointer
        //    with it.
        // 3. The kernel changes no register but eax; memory is the caller's
        //    obligation.
        unsafe {
            asm!(
                "push esi",
                "mov esi, [eax + 4]",
                "mov eax, [eax]",
                "int 0x30",
                "pop esi",
                inlateout("eax") &raw const number_and_fifth => result,
                in("edx") a1,
                in("ecx") a2,
                in("ebx") a3,
                in("edi") a4,
            );
        }
        result
    }

    #[inline(always)]
    unsafe fn call5_words(number: u32, arguments: [u32; 5]) -> (i32, [u32; 2]) {
        let [a1, a2, a3, a4, a5] = arguments;
        let number_and_fifth = [number, a5];
        let (result, word, second);
        // SAFETY: as in `call5`, and ebx, edi and edx are outputs too.
        unsafe {
            asm!(
                "push esi",
                "mov esi, [eax + 4]",
                "mov eax, [eax]",
                "int 0x30",
                "pop esi",
                inlateout("eax") &raw const number_and_fifth => result,
                inlateout("edx") a1 => _,
                in("ecx") a2,
                inlateout("ebx") a3 => word,
                inlateout("edi") a4 => second,
            );
        }
        (result, [word, second])
    }
}

macro_rules! sysenter {
    ($name:ident($($arg:ident),*), $($operands:tt)*) => {
        #[inline(always)]
        unsafe fn $name(number: u32 $(, $arg: u32)*) -> i32 {
            let result;
            // SAFETY:
            // 1. The kernel comes back at label 2 with the stack pointer that
            //    ebp had, so the two pops undo the two pushes.
            // 2. eax is an output, ecx and edx are declared as lost, esi and
            //    ebp are restored; the kernel changes no other register.
            // 3. The word at ebp, which the kernel may read, is on the stack.
            // 4. What the call may do to memory is the caller's obligation.
            unsafe {
                asm!(
                    "push esi",
                    "push ebp",
                    "lea esi, [2f]",
                    "mov ebp, esp",
                    "sysenter",
                    "2:",
                    "pop ebp",
                    "pop esi",
                    inlateout("eax") number => result,
                    $($operands)*
                );
            }
            result
        }
    };
}

impl Entry for Sysenter {
    sysenter!(call0(), lateout("edx") _, lateout("ecx") _);
    sysenter!(call1(a1), inlateout("edx") a1 => _, lateout("ecx") _);
    sysenter!(call2(a1, a2), inlateout("edx") a1 => _, inlateout("ecx") a2 => _);
    sysenter!(
        call3(a1, a2, a3),
        inlateout("edx") a1 => _, inlateout("ecx") a2 => _, in("ebx") a3
    );
    sysenter!(
        call4(a1, a2, a3, a4),
        inlateout("edx") a1 => _, inlateout("ecx") a2 => _, in("ebx") a3, in("edi") a4
    );

    #[inline(always)]
    unsafe fn call4_words(number: u32, a1: u32, a2: u32, a3: u32, a4: u32) -> (i32, [u32; 2]) {
        let (result, word, second);
        // SAFETY:
        // 1. The kernel comes back at label 2 with the stack pointer that ebp had,
        //    so the two pops undo the two pushes and restore esi and ebp.
        // 2. eax, ebx and edi are outputs, ecx and edx are declared as lost; the
        //    kernel changes no other register.
        // 3. What the call may do to memory is the caller's obligation.
        unsafe {
            asm!(
                "push esi",
                "push ebp",
                "lea esi, [2f]",
                "mov ebp, esp",
                "sysenter",
                "2:",
                "pop ebp",
                "pop esi",
                inlateout("eax") number => result,
                inlateout("edx") a1 => _,
                inlateout("ecx") a2 => _,
                inlateout("ebx") a3 => word,
                inlateout("edi") a4 => second,
            );
        }
        (result, [word, second])
    }

    #[inline(always)]
    unsafe fn call5(number: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32) -> i32 {
        let number_and_fifth = [number, a5];
        let result;
        // SAFETY:
        // 1. eax points to two live words, read before the kernel is entered.
        // 2. The kernel comes back at label 2 with the stack pointer that ebp
        //    had, so `add` and the two pops undo the three pushes.
        // 3. eax is an output, ecx and edx are declared as lost, esi and ebp
        //    are restored; the kernel changes no other register.
        // 4. What the call may do to memory is the caller's obligation.
        unsafe {
            asm!(
                "push esi",
                "push ebp",
                "push dword ptr [eax + 4]",
                "mov eax, [eax]",
                "lea esi, [2f]",
                "mov ebp, esp",
                "sysenter",
                "2:",
                "add esp, 4",
                "pop ebp",
                "pop esi",
                inlateout("eax") &raw const number_and_fifth => result,
                inlateout("edx") a1 => _,
                inlateout("ecx") a2 => _,
                in("ebx") a3,
                in("edi") a4,
            );
        }
        result
    }

    #[inline(always)]
    unsafe fn call5_words(number: u32, arguments: [u32; 5]) -> (i32, [u32; 2]) {
        let [a1, a2, a3, a4, a5] = arguments;
        let number_and_fifth = [number, a5];
        let (result, word, second);
        // SAFETY: as in `call5`, and ebx and edi are outputs too.
        unsafe {
            asm!(
                "push esi",
                "push ebp",
                "push dword ptr [eax + 4]",
                "mov eax, [eax]",
                "lea esi, [2f]",
                "mov ebp, esp",
                "sysenter",
                "2:",
                "add esp, 4",
                "pop ebp",
                "pop esi",
                inlateout("eax") &raw const number_and_fifth => result,
                inlateout("edx") a1 => _,
                inlateout("ecx") a2 => _,
                inlateout("ebx") a3 => word,
                inlateout("edi") a4 => second,
            );
        }
        (result, [word, second])
    }
}
