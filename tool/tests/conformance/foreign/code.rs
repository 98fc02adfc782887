//! Machine code that asks the kernel, checks every answer and says so.
//!
//! The hard thing is a failure that can be understood. Nothing here can print
//! a number; so a wrong answer is named and then ends in an undefined
//! instruction, and the kernel's trap frame shows what was in `eax`.

pub use dynasmrt::{DynasmApi, DynasmLabelApi};

use dynasmrt::x86::X86Relocation;
use dynasmrt::{DynamicLabel, VecAssembler};

use super::image::{EXECUTE, READ, Segment};

/// Where JOS's linker script puts the first instruction.
pub const TEXT: u32 = 0x80_0020;
pub const PAGE: u32 = 0x1000;
pub const USTACKTOP: u32 = 0xeebf_e000;
pub const UXSTACKTOP: u32 = 0xeec0_0000;
pub const UENVS: u32 = 0xeec0_0000;
pub const UPAGES: u32 = 0xef00_0000;
pub const UVPT: u32 = 0xef40_0000;
pub const UVPD: u32 = 0xef7b_d000;
/// P, W and U.
pub const RW: u32 = 7;
/// P and U.
pub const RO: u32 = 5;

/// Numbers that all editions agree on.
pub const CPUTS: u32 = 0;
pub const GETENVID: u32 = 2;
pub const ENV_DESTROY: u32 = 3;
pub const PAGE_ALLOC: u32 = 4;
pub const PAGE_MAP: u32 = 5;
pub const PAGE_UNMAP: u32 = 6;
pub const EXOFORK: u32 = 7;
pub const ENV_SET_STATUS: u32 = 8;

/// `env_status` values.
pub const RUNNABLE: u32 = 2;
pub const RUNNING: u32 = 3;

/// What a system call that failed with error `value` returns.
pub const fn error(value: u32) -> u32 {
    value.wrapping_neg()
}

/// A program under construction.
pub struct Code {
    pub ops: VecAssembler<X86Relocation>,
    texts: Vec<(DynamicLabel, String)>,
}

/// Adds instructions.
macro_rules! asm {
    ($code:expr, $($instructions:tt)*) => {
        dynasmrt::dynasm!($code.ops ; .arch x86 ; $($instructions)*)
    };
}
pub(crate) use asm;

impl Code {
    /// Nothing yet, to be loaded at `start`.
    pub fn at(start: u32) -> Self {
        Self {
            ops: VecAssembler::new(start as usize),
            texts: Vec::new(),
        }
    }

    /// Nothing yet, to be loaded at [`TEXT`].
    pub fn new() -> Self {
        Self::at(TEXT)
    }

    /// System call `number`; its result is in `eax`.
    pub fn call<const N: usize>(&mut self, number: u32, arguments: [u32; N]) {
        let [a1, a2, a3, a4, a5] =
            std::array::from_fn(|i| arguments.get(i).map_or(0, |&word| word as i32));
        asm!(self, mov edx, a1; mov ecx, a2; mov ebx, a3; mov edi, a4; mov esi, a5);
        self.enter(number);
    }

    /// System call `number` with the arguments that are in the registers.
    pub fn enter(&mut self, number: u32) {
        asm!(self, mov eax, number as i32; int 0x30);
    }

    /// Unless `eax` is `value`, says that `what` was wrong, and dies.
    pub fn expect(&mut self, what: &str, value: u32) {
        asm!(self, cmp eax, value as i32; je >right);
        self.complain(what);
        asm!(self, right:);
    }

    /// Unless the word at `address` is `value`, likewise.
    pub fn expect_word(&mut self, what: &str, address: u32, value: u32) {
        asm!(self, mov eax, [address as i32]);
        self.expect(what, value);
    }

    /// Says that `what` was wrong, and dies of it with `eax` to be seen.
    pub fn complain(&mut self, what: &str) {
        asm!(self, mov esi, eax);
        self.say(&format!("WRONG {what}\n"));
        asm!(self, mov eax, esi; ud2);
    }

    /// Prints `text`. Changes `eax`, `ecx` and `edx`.
    pub fn say(&mut self, text: &str) {
        let label = self.ops.new_dynamic_label();
        self.texts.push((label, text.to_owned()));
        asm!(self, lea edx, [=>label]; mov ecx, text.len() as i32);
        self.enter(CPUTS);
    }

    /// Ends the program by its own wish.
    pub fn exit(&mut self) {
        self.call(ENV_DESTROY, [0]);
        asm!(self, ud2);
    }

    /// Says that all was right, and ends.
    pub fn done(mut self) -> Vec<u8> {
        self.say("all as it should be\n");
        self.exit();
        self.bytes()
    }

    /// The code, and behind it what it prints.
    pub fn bytes(mut self) -> Vec<u8> {
        for (label, text) in std::mem::take(&mut self.texts) {
            asm!(self, =>label; .bytes text.as_bytes());
        }
        self.ops.finalize().expect("every label is there")
    }
}

/// The usual single segment of code at [`TEXT`].
pub fn text(bytes: Vec<u8>) -> Segment {
    Segment::load(TEXT, READ | EXECUTE, bytes)
}
