//! Where the processor enters the kernel: the addresses of the stubs.
//!
//! Apart from the functions that the stubs call, because descriptor tables need
//! these addresses long before anything may be called. The hard thing is that
//! they are only addresses: calling one of them from Rust makes no sense.

use abi::trap::Vector;

unsafe extern "C" {
    static trap_stubs: u8;
    fn ipi_stub();
    fn syscall_stub();
    fn sysenter_stub();
    fn nmi_stub();
}

/// Vectors below this have a stub of their own.
const STUBS: u32 = 52;
/// Stray interrupts from [`STUBS`] up all use the stub of this vector, which no
/// interrupt line has.
const STRAY: u32 = 50;

/// Address of the stub for a vector.
pub fn stub(vector: u32) -> u32 {
    let index = match Vector(vector) {
        Vector::NMI => return nmi_stub as *const () as u32,
        Vector::SYSCALL => return syscall_stub as *const () as u32,
        Vector::IPI => return ipi_stub as *const () as u32,
        Vector(STUBS..) => STRAY,
        Vector(own) => own,
    };
    &raw const trap_stubs as u32 + index * 16
}

/// Address of the stub for `sysenter`.
pub fn sysenter() -> u32 {
    sysenter_stub as *const () as u32
}
