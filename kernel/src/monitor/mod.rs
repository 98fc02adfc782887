//! This machine, as the kernel monitor sees it.
//!
//! The hard thing is when the monitor runs: with the big lock held and interrupts
//! off. So it polls both the serial port and the keyboard.

mod readline;

use crate::locked::KernelGuard;
use crate::machine::address_space;
use crate::machine::console::{self, Devices, Synchronous, uart::Com1};
use crate::machine::smp::ThisCpu;
use crate::machine::x86;
use crate::trap::strays;
use abi::TrapFrame;
use core::fmt;
use monitor::{Image, LINE, Machine};

/// A CPU that has stopped for a person.
struct Here<'d> {
    cpu: ThisCpu,
    devices: &'d mut Devices,
}

/// The environment on this CPU is at a breakpoint, with these registers.
pub fn at_breakpoint(
    cpu: ThisCpu,
    holder: &KernelGuard,
    devices: &mut Devices,
    frame: &mut TrapFrame,
) {
    let mut here = Here { cpu, devices };
    monitor::at_breakpoint(&mut here, holder.view(), cpu.id(), frame);
}

/// Nothing is left to run.
pub fn at_the_end(cpu: ThisCpu, holder: &KernelGuard, devices: &mut Devices) -> ! {
    console::hush();
    let mut here = Here { cpu, devices };
    loop {
        monitor::at_the_end(&mut here, holder.view());
    }
}

impl fmt::Write for Here<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        Synchronous.write_str(text)
    }
}

impl Machine for Here<'_> {
    fn read_line(&mut self, prompt: &str, line: &mut [u8; LINE]) -> Option<usize> {
        // A debugger that stops the machine in `readline` must have seen everything.
        Com1.drain();
        Some(readline::readline(self.devices, prompt, line))
    }

    fn image(&self) -> Image {
        address_space::image()
    }

    #[inline(never)]
    fn frame_pointer(&self) -> u32 {
        // The caller's frame pointer was saved where our own points.
        self.stack_word(x86::ebp()).unwrap_or_default()
    }

    fn stack_word(&self, va: u32) -> Option<u32> {
        self.cpu.stack_word(va)
    }

    fn strays(&self) -> [(&'static str, u32); 3] {
        strays::counts()
    }
}
