//! A firmware that leaves on whatever it can, for a kernel to put right.
//!
//! It is an option ROM: SeaBIOS calls it, in real mode, after it has set itself
//! up and before anything is loaded. The hard thing is that SeaBIOS has to go on
//! to work. It needs the old interrupt controllers and the timer, and has a
//! handler for each vector that only returns; so what is left are interrupts that were taken and
//! never ended, others that wait behind them, and modes that real mode ignores.
//! (That emulators check no segment limits helps: the APICs are above 1 MiB.)
//! Layout: Plug and Play BIOS specification 1.0A, section 3.2.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::boot;

const LOCAL_APIC: u32 = 0xfee0_0000;
const IO_APIC: u32 = 0xfec0_0000;
/// Bytes of the ROM; its size is told in units of as many.
const SIZE: usize = 512;

/// The file with the ROM; gone when dropped.
pub struct Rom(PathBuf);

/// Writes the ROM.
pub fn write() -> Result<Rom, String> {
    let folder = boot::host()?.workspace.target().join("forged");
    let rom = Rom(folder.join("left_on.rom"));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&rom.0, image()))
        .map_err(|error| error.to_string())?;
    Ok(rom)
}

impl Rom {
    /// What QEMU must be told: a processor that has everything, and the ROM.
    pub fn arguments(&self) -> Vec<OsString> {
        let words = ["-cpu".into(), "max".into(), "-option-rom".into()];
        [words.as_slice(), &[self.0.clone().into()]].concat()
    }
}

impl Drop for Rom {
    fn drop(&mut self) {
        // A file that stays behind in the build folder does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn image() -> Vec<u8> {
    let mut rom = vec![0x55, 0xaa, 1];
    rom.extend([0x66, 0x60, 0x66, 0x9c, 0x1e, 0xfa]); // pushad, pushfd, push ds, cli
    rom.extend([0x31, 0xc0, 0x8e, 0xd8]); // xor ax, ax; mov ds, ax
    rom.extend(interrupts());
    rom.extend(modes());
    rom.extend([0x1f, 0x66, 0x9d, 0x66, 0x61, 0xcb]); // pop ds, popfd, popad, retf
    rom.resize(SIZE, 0);
    let sum = rom.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    rom[SIZE - 1] = sum.wrapping_neg();
    rom
}

/// Interrupts in service and pending, and devices that go on to send some.
fn interrupts() -> Vec<u8> {
    let take = || [0xfb, 0x90, 0x90, 0xfa]; // sti, nop, nop, cli
    let mut code = Vec::new();
    code.extend(store(LOCAL_APIC + 0xf0, 0x1ff)); // switched on
    code.extend(io_apic(0x15, 0));
    code.extend(io_apic(0x14, 0xa5)); // the timer's line, to CPU 0
    code.extend(to_self(0x91));
    code.extend(take());
    code.extend(to_self(0xf1));
    code.extend(take());
    code.extend(to_self(0xb3)); // waits behind the last
    code.extend(store(LOCAL_APIC + 0x3e0, 0x0b));
    code.extend(store(LOCAL_APIC + 0x320, 0x2_00c7)); // a periodic timer
    code.extend(store(LOCAL_APIC + 0x380, 0x100_0000));
    code.extend(store(LOCAL_APIC + 0x340, 0xc8)); // counters
    code.extend(store(LOCAL_APIC + 0xe0, 0x0fff_ffff)); // clusters
    code.extend([0xb0, 0, 0xe6, 0x21, 0xe6, 0xa1]); // all lines of the old ones
    code
}

/// Control registers, a breakpoint in programs, and model-specific registers.
fn modes() -> Vec<u8> {
    let mut code = Vec::new();
    code.extend([0x0f, 0x20, 0xe0]); // mov eax, cr4
    code.extend([0x0d, 0x2c, 0x01]); // or ax, TSD | DE | PAE | PCE
    code.extend([0x0f, 0x22, 0xe0]); // mov cr4, eax
    code.extend(eax(0x80_0020));
    code.extend([0x0f, 0x23, 0xc0]); // mov dr0, eax
    code.extend(eax(0x402));
    code.extend([0x0f, 0x23, 0xf8]); // mov dr7, eax
    code.extend(wrmsr(0xc000_0080, 0x101)); // 64-bit mode, and `syscall`
    let x2apic = wrmsr(0x1b, LOCAL_APIC | 0xd00);
    code.extend(eax(1));
    code.extend([0x0f, 0xa2]); // cpuid
    code.extend([0x66, 0x0f, 0xba, 0xe1, 21]); // bt ecx, 21
    code.extend([0x73, x2apic.len() as u8]); // jnc
    code.extend(x2apic);
    code
}

/// mov dword ptr [address], value
fn store(address: u32, value: u32) -> Vec<u8> {
    let operands = [address.to_le_bytes(), value.to_le_bytes()].concat();
    [&[0x67, 0x66, 0xc7, 0x05], operands.as_slice()].concat()
}

fn io_apic(register: u32, value: u32) -> Vec<u8> {
    [store(IO_APIC, register), store(IO_APIC + 0x10, value)].concat()
}

/// Sends an interrupt to this CPU.
fn to_self(vector: u32) -> Vec<u8> {
    store(LOCAL_APIC + 0x300, 0x4_4000 | vector)
}

/// mov eax, value
fn eax(value: u32) -> Vec<u8> {
    [&[0x66, 0xb8], value.to_le_bytes().as_slice()].concat()
}

fn wrmsr(register: u32, value: u32) -> Vec<u8> {
    let number = [&[0x66, 0xb9], register.to_le_bytes().as_slice()].concat(); // mov ecx
    let high = [0x66, 0x31, 0xd2]; // xor edx, edx
    [number, eax(value), high.into(), vec![0x0f, 0x30]].concat()
}
