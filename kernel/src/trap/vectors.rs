//! Where the processor is to go: the addresses of the stubs.
//!
//! Apart from what the stubs call, as descriptor tables are made of these long
//! before anything can be called. The hard thing is that they are addresses only:
//! calling one of them from Rust makes no sense.

use abi::trap::Vector;

unsafe extern "C" {
    static trap_stubs: u8;
    fn ipi_stub();
    fn stray_stub();
    fn syscall_stub();
    fn sysenter_stub();
    fn nmi_stub();
    /// Entry of the double-fault task.
    pub fn double_fault();
    /// Entry of the machine-check task.
    pub fn machine_check();
}

/// Vectors below this have a stub of their own.
const STUBS: u32 = 52;
/// The vector that all stray interrupts above are given; no line has it.
pub(super) const STRAY: Vector = Vector(50);

/// Address of the stub for a vector.
pub fn stub(vector: u32) -> u32 {
    let own = match Vector(vector) {
        Vector::NMI => nmi_stub,
        Vector::SYSCALL => syscall_stub,
        Vector::IPI => ipi_stub,
        Vector(STUBS..) => stray_stub,
        _ => return &raw const trap_stubs as u32 + vector * 16,
    };
    own as usize as u32
}

/// Address of the stub for `sysenter`.
pub fn sysenter() -> u32 {
    sysenter_stub as *const () as u32
}
