//! Executes one instruction on the processor itself.
//!
//! The hard thing is that nothing of the test's own state may get in: the whole x87
//! and SSE state is loaded before, stored after, and put back to what Rust expects.

use std::ffi::c_void;
use std::fmt;

/// What an instruction may read and change, and more.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Block {
    /// x87 and SSE, as `fxsave` stores them.
    pub image: [u8; 512],
    pub memory: [u8; 528],
    pub eax: u64,
    pub flags: u64,
    /// MXCSR for Rust.
    pub mxcsr: u64,
    /// Where in the memory ecx points; while it runs, the address.
    pub ecx: u64,
    /// The exception that it raised; -1 if none.
    pub trap: i64,
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8]| -> String {
            bytes
                .iter()
                .rev()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        let (control, status) = (hex(&self.image[..2]), hex(&self.image[2..4]));
        let (valid, mxcsr) = (self.image[4], hex(&self.image[24..28]));
        write!(
            f,
            "cw {control} sw {status} valid {valid:02x} mxcsr {mxcsr}"
        )?;
        for index in 0..3 {
            write!(
                f,
                " st{index} {}",
                hex(&self.image[32 + index * 16..][..10])
            )?;
        }
        for index in 0..2 {
            write!(
                f,
                " xmm{index} {}",
                hex(&self.image[160 + index * 16..][..16])
            )?;
        }
        let memory = hex(&self.memory[..16]);
        write!(
            f,
            " memory {memory} eax {:x} flags {:x}",
            self.eax as u32, self.flags
        )
    }
}

/// Memory that can be executed.
pub struct Host {
    page: *mut u8,
}

unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        size: usize,
        rights: i32,
        how: i32,
        file: i32,
        from: i64,
    ) -> *mut c_void;
    fn sigaction(signal: i32, new: *const Action, old: *mut Action) -> i32;
}

/// How a signal is handled, as the C library wants it.
#[repr(C)]
struct Action {
    handler: extern "C" fn(i32, *mut c_void, *mut Context),
    mask: [u64; 16],
    flags: i32,
    restorer: usize,
}

/// The state that a signal interrupted; what comes first of it.
#[repr(C)]
struct Context {
    before: [u64; 5],
    registers: [u64; 23],
}

/// Places in `Context::registers`.
const RBX: usize = 11;
const RIP: usize = 16;
const VECTOR: usize = 20;

const SIGFPE: i32 = 8;
const SIGSEGV: i32 = 11;
/// The handler gets the context.
const SA_SIGINFO: i32 = 4;

const PAGE: usize = 4096;
/// Room for the instruction, with nops behind it.
const ROOM: usize = 16;

/// Saves rbx, loads the state, eax, ecx and the flags.
const BEFORE: [u8; 28] = [
    0x53, // push rbx
    0x48, 0x89, 0xfb, // mov rbx, rdi
    0x0f, 0xae, 0x0b, // fxrstor [rbx]
    0x48, 0x8b, 0x83, 0x10, 4, 0, 0, // mov rax, [rbx + 1040]
    0x48, 0x8b, 0x8b, 0x28, 4, 0, 0, // mov rcx, [rbx + 1064]
    0xff, 0xb3, 0x18, 4, 0, 0,    // push qword [rbx + 1048]
    0x9d, // popfq
];
/// Stores all of it, and puts the state back.
const AFTER: [u8; 28] = [
    0x9c, // pushfq
    0x8f, 0x83, 0x18, 4, 0, 0, // pop qword [rbx + 1048]
    0x48, 0x89, 0x83, 0x10, 4, 0, 0, // mov [rbx + 1040], rax
    0x0f, 0xae, 0x03, // fxsave [rbx]
    0xdb, 0xe3, // fninit
    0x0f, 0xae, 0x93, 0x20, 4, 0, 0,    // ldmxcsr [rbx + 1056]
    0x5b, // pop rbx
    0xc3, // ret
];

/// Notes the exception in the block, and goes on behind the instruction.
extern "C" fn note(_: i32, _: *mut c_void, context: *mut Context) {
    // SAFETY: (1) the kernel hands the handler a context that is its own until it
    // returns.
    let registers = unsafe { &mut (*context).registers };
    let page = registers[RIP] & !(PAGE as u64 - 1);
    // SAFETY: (2) the page was being executed, so it can be read.
    let start = unsafe { *(page as *const [u8; BEFORE.len()]) };
    if start != BEFORE {
        std::process::abort();
    }
    // SAFETY: (3) the code is `Host`'s, whose rbx points to the block that `run` has
    // borrowed, and that nobody looks at before it returns.
    unsafe { (*(registers[RBX] as *mut Block)).trap = registers[VECTOR] as i64 };
    registers[RIP] = page + (BEFORE.len() + ROOM) as u64;
}

impl Host {
    pub fn new() -> Host {
        let action = Action {
            handler: note,
            mask: [0; 16],
            flags: SA_SIGINFO,
            restorer: 0,
        };
        for signal in [SIGFPE, SIGSEGV] {
            // SAFETY: (4) the handler touches what the interrupted code owns, and ends
            // the process if that is not `Host`'s.
            let result = unsafe { sigaction(signal, &action, std::ptr::null_mut()) };
            assert_eq!(result, 0, "no handler for signal {signal}");
        }
        // SAFETY: (5) a new private mapping that replaces none: readable, writable and
        // executable (7), private and anonymous (0x22).
        let page = unsafe { mmap(std::ptr::null_mut(), PAGE, 7, 0x22, -1, 0) };
        assert_ne!(page as isize, -1, "no memory to execute");
        Host { page: page.cast() }
    }

    /// Takes the instruction to execute.
    pub fn load(&mut self, code: &[u8]) {
        let nops = [0x90; ROOM];
        let all = [&BEFORE[..], code, &nops[code.len()..], &AFTER[..]].concat();
        // SAFETY: (6) the page is ours alone, written through `&mut self`, and large
        // enough for these bytes.
        unsafe { std::ptr::copy_nonoverlapping(all.as_ptr(), self.page, all.len()) };
    }

    /// Executes it.
    pub fn run(&mut self, block: &mut Block) {
        // SAFETY: (7) `load` has put a function there that keeps to the C convention:
        // of the registers that it must keep, it changes rbx and puts it back.
        let function: extern "C" fn(*mut Block) = unsafe { std::mem::transmute(self.page) };
        let offset = block.ecx;
        block.ecx += block.memory.as_ptr() as u64;
        function(block);
        block.ecx = offset;
    }
}
